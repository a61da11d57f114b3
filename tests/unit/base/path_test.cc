#include "engine/base/path.h"

#include <cerrno>
#include <set>

#include <doctest/doctest.h>

#include "engine/base/hash.h"
#include "engine/base/posix.h"

using namespace diaryx;

namespace {

WorkspacePath path(std::string_view text) {
  auto parsed = WorkspacePath::parse(text);
  REQUIRE(parsed);
  return *parsed;
}

}  // namespace

TEST_SUITE("base/path") {
  TEST_CASE("ordinary paths are taken exactly as they are") {
    for (const char* text : {"a", "a.md", "journal/2024/01.md", "Grüße/世界 😀.md", "a b/c  d.md",
                             "...", "..a", "a..", ".hidden/x", "a:b*c?\"<>|", "e\xCC\x81.md", "C:x",
                             "~", "-rf", "git/.gitx", ".gitignore", ".diaryx2", "a. /b"}) {
      CAPTURE(std::string(text));
      CHECK(path(text).str() == text);
    }
  }

  TEST_CASE("whatever could lead out of the root or into its insides is refused") {
    for (const char* text : {"..",     ".",           "../a",
                             "a/..",   "a/../b",      "a/./b",
                             "/",      "/a",          "//a",
                             "a//b",   "a/",          "./a",
                             ".git",   ".git/config", "a/.git/hooks/x",
                             ".GIT/x", ".Diaryx",     "a/.DIARYX/store.db",
                             "..\\a",  "a\\b",        "C:\\x"}) {
      CAPTURE(std::string(text));
      const auto parsed = WorkspacePath::parse(text);
      REQUIRE_FALSE(parsed);
      CHECK(parsed.error().code == ErrorCode::NotAllowed);
    }
  }

  TEST_CASE("control characters, NUL, white space at the ends and emptiness are refused") {
    CHECK_FALSE(WorkspacePath::parse(""));
    CHECK_FALSE(WorkspacePath::parse(std::string_view("a\0b", 3)));
    CHECK_FALSE(WorkspacePath::parse(std::string_view("a.md\0", 5)));
    for (const char* text :
         {"a\nb", "a\rb", "a\tb", "\x01", "a\x1F", "a\x7F", " a", "a ", "\ta", "a\t"}) {
      CAPTURE(std::string(text));
      CHECK_FALSE(WorkspacePath::parse(text));
    }
    CHECK(WorkspacePath::parse("a /b"));
  }

  TEST_CASE("octets that are not UTF-8 are malformed") {
    for (const char* text : {"\xFF", "a/\xC0\xAF/b", "a\xC3", "\xED\xA0\x80"}) {
      const auto parsed = WorkspacePath::parse(text);
      REQUIRE_FALSE(parsed);
      CHECK(parsed.error().code == ErrorCode::Malformed);
    }
  }

  TEST_CASE("a name has at most 200 octets, a path at most 1,024") {
    const std::string name(200, 'x');
    CHECK(WorkspacePath::parse(name));
    CHECK(WorkspacePath::parse("a/" + name + "/b"));
    CHECK(WorkspacePath::parse(name + "x").error().code == ErrorCode::LimitExceeded);
    CHECK(WorkspacePath::parse("a/" + name + "x/b").error().code == ErrorCode::LimitExceeded);
    std::string longest;
    for (int i = 0; i < 512; ++i) longest += "a/";
    longest.back() = 'b';
    REQUIRE(longest.size() == 1024);
    CHECK(WorkspacePath::parse(longest));
    CHECK(WorkspacePath::parse(longest + "c").error().code == ErrorCode::LimitExceeded);
  }

  TEST_CASE("the parts of a path") {
    CHECK(path("a/b/c.md").name() == "c.md");
    CHECK(path("a/b/c.md").parent() == "a/b");
    CHECK(path("a/b/c.md").stem() == "c");
    CHECK(path("c").name() == "c");
    CHECK(path("c").parent().empty());
    CHECK(path("c").stem() == "c");
    CHECK(path("a.b/c").stem() == "c");
    CHECK(path("a.b.md").stem() == "a.b");
    CHECK(path(".md").stem() == ".md");
    CHECK(path("c.").stem() == "c");
  }

  TEST_CASE("Markdown is told by its ending, in any case, and needs a name before it") {
    for (const char* text : {"a.md", "a.MD", "x/y.mD", "a.b.md"}) CHECK(path(text).is_markdown());
    for (const char* text : {".md", "md", "a.mdx", "a.md.txt", "amd", "x.md/y"})
      CHECK_FALSE(path(text).is_markdown());
  }

  TEST_CASE("a path is hidden if some part of it is") {
    for (const char* text : {".a", "x/.a", ".x/a", "x/.y/z"}) CHECK(path(text).is_hidden());
    for (const char* text : {"a", "a.b", "x./a", "x/a."}) CHECK_FALSE(path(text).is_hidden());
  }

  TEST_CASE("paths are equal only if they are octet for octet") {
    CHECK(path("a") == path("a"));
    CHECK(path("a") != path("A"));
    CHECK(path("\xC3\xA9") != path("e\xCC\x81"));
    const std::set<WorkspacePath> sorted{path("b"), path("a/b"), path("a.md"), path("a")};
    CHECK(sorted.begin()->str() == "a");
    CHECK(std::hash<WorkspacePath>{}(path("a/b")) == std::hash<WorkspacePath>{}(path("a/b")));
  }
}

TEST_SUITE("base/posix") {
  TEST_CASE("temporary names are hidden, differ, and are known as such") {
    const std::string name = temporary_name();
    CHECK(name != temporary_name());
    CHECK(name.starts_with("."));
    CHECK(is_temporary_name(name));
    for (const char* other :
         {"", ".tmp", ".diaryx-.tmp", ".diaryx-abcdefghijklmno.tmp",
          "x.diaryx-abcdefghijklmnop.tmp", ".diaryx-abcdefghijklmnop.tmq", ".diaryx"}) {
      CHECK_FALSE(is_temporary_name(other));
    }
  }

  TEST_CASE("errors of the system keep their meaning") {
    CHECK(errno_error(ENOENT, "x").code == ErrorCode::NotFound);
    CHECK(errno_error(EACCES, "x").code == ErrorCode::NotAllowed);
    CHECK(errno_error(EROFS, "x").code == ErrorCode::NotAllowed);
    CHECK(errno_error(ENOSPC, "x").code == ErrorCode::NoSpace);
    CHECK(errno_error(EDQUOT, "x").code == ErrorCode::NoSpace);
    CHECK(errno_error(EIO, "x").code == ErrorCode::Io);
    CHECK(errno_error(ENOENT, "open a.md").message == "open a.md: no such file or directory");
    CHECK(errno_error(EIO, "x").message == "x: input/output error");
  }
}

TEST_SUITE("base/hash_stream") {
  TEST_CASE("a hash over pieces is the hash over the whole") {
    std::string text;
    for (int i = 0; i < 1000; ++i) text += std::to_string(i);
    for (const std::size_t piece : {1U, 7U, 64U, 1000U, 5000U}) {
      Sha256Stream stream;
      for (std::size_t at = 0; at < text.size(); at += piece)
        stream.add(as_bytes(text.substr(at, piece)));
      CHECK(stream.finish() == sha256(as_bytes(text)));
    }
  }
}
