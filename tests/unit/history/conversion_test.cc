// What git stores is not always what is on disk. Whatever the settings, our blob must be the one
// that `git add` makes.
#include <doctest/doctest.h>

#include "tests/unit/history/git_sandbox.h"

using diaryx::test::GitSandbox;

namespace {

const std::vector<std::pair<std::string, std::string>>& shapes() {
  static const std::vector<std::pair<std::string, std::string>> all = {
      {"lf.md", "one\ntwo\n"},
      {"crlf.md", "one\r\ntwo\r\n"},
      {"mixed.md", "one\r\ntwo\nthree\r\n"},
      {"lone-cr.md", "one\rtwo\rthree\n"},
      {"cr-and-crlf.md", "one\rtwo\r\nthree\r\n"},
      {"no-end.md", "one\r\ntwo"},
      {"only-crlf.md", "\r\n"},
      {"empty.md", ""},
      {"nul.md", std::string("one\r\n\0two\r\n", 11)},
      {"bom.md", "\xEF\xBB\xBFone\r\n"},
      {"latin1.md", "caf\xE9\r\n"},
      {"control.md", "a\x01\x02\x03\x04\x05\x06\x0E\x0F\x10\x11\x12\r\n"},
      {"ctrl-z.md", "text\r\n\x1A"},
      {"ident.md",
       "version $Id$ and $Id: 0123$\r\n$Id: a$Id: b$ $Id: open\n$Id:$ $Id: x $ $Identity$ $Id"},
      {"dir/utf8.md",
       "gr\xC3\xBC\xC3\x9F"
       "e\r\n"},
  };
  return all;
}

std::vector<std::string> names() {
  std::vector<std::string> result;
  for (const auto& [name, bytes] : shapes()) result.push_back(name);
  return result;
}

}  // namespace

TEST_SUITE("history/conversion") {
  TEST_CASE("under every setting of line ends our blobs are git's, and git status is clean") {
    const std::string attributes[] = {"",
                                      "* text=auto\n",
                                      "* text=auto eol=crlf\n",
                                      "*.md text\n",
                                      "*.md text eol=lf\n",
                                      "*.md -text\n",
                                      "*.md binary\n",
                                      "*.md eol=crlf\n",
                                      "*.md ident\n",
                                      "*.md ident text\ndir/*.md -ident -text\n",
                                      "*.md crlf=input\n"};
    for (const std::string autocrlf : {"false", "true", "input"}) {
      for (const std::string& text : attributes) {
        INFO("core.autocrlf=" << autocrlf << ", .gitattributes: " << text);
        GitSandbox ours;
        GitSandbox theirs;
        for (const GitSandbox* box : {&ours, &theirs}) {
          box->init();
          box->git("config core.autocrlf " + autocrlf);
          box->write(".gitattributes", text);
          box->git("add .gitattributes");
          box->git("commit -q -m start");
          for (const auto& [name, bytes] : shapes()) box->write(name, bytes);
        }
        ours.commit(names());
        theirs.commit_all("theirs");
        CHECK(ours.git("ls-tree -r HEAD") == theirs.git("ls-tree -r HEAD"));
        CHECK(ours.git("status --porcelain") == theirs.git("status --porcelain"));
      }
    }
  }

  TEST_CASE("a file that is in git with CRLF keeps it under text=auto, as git does it") {
    GitSandbox ours;
    GitSandbox theirs;
    for (const GitSandbox* box : {&ours, &theirs}) {
      box->init();
      for (const auto& [name, bytes] : shapes()) box->write(name, bytes);
      box->commit_all("raw");
      box->write(".gitattributes", "* text=auto\n");
      for (const auto& [name, bytes] : shapes()) box->write(name, bytes + "more\r\n");
    }
    ours.commit(names());
    theirs.git("commit -q -m theirs --only -- '*.md' 'dir/*.md'");
    CHECK(ours.git("ls-tree -r HEAD") == theirs.git("ls-tree -r HEAD"));
    CHECK(ours.git("status --porcelain") == theirs.git("status --porcelain"));
  }

  TEST_CASE("a file that an external filter should clean is left out, not stored as it is") {
    GitSandbox box;
    box.init();
    box.git("config filter.crypt.clean 'tr a-z n-za-m'");
    box.git("config filter.crypt.smudge 'tr a-z n-za-m'");
    box.write(
        ".gitattributes",
        "secret.md filter=crypt\nodd.md filter=unknown\nwide.md working-tree-encoding=UTF-16\n");
    box.write("secret.md", "secret");
    box.write("odd.md", "odd");
    box.write("wide.md", "wide");
    const auto report = box.commit({"odd.md", "secret.md", "wide.md"});
    REQUIRE(report.skipped.size() == 2);
    CHECK(report.skipped[0].path == "secret.md");
    CHECK(report.skipped[0].reason.find("filter \"crypt\"") != std::string::npos);
    CHECK(report.skipped[1].path == "wide.md");
    CHECK(box.git("ls-tree -r --name-only HEAD") == "odd.md\n");
  }

  TEST_CASE("the person's global attributes and ignore file count as they do for git") {
    GitSandbox box;
    box.write("../home/attributes", "*.md text\n");
    box.write("../home/ignore", "ignored.md\n");
    box.git("config --global core.attributesFile '" + (box.home() / "attributes").string() + "'");
    box.git("config --global core.excludesFile '" + (box.home() / "ignore").string() + "'");
    box.write("a.md", "a\r\n");
    box.write("ignored.md", "i");
    const auto report = box.commit({"a.md", "ignored.md"});
    CHECK(report.skipped.size() == 1);
    CHECK(box.git("show HEAD:a.md") == "a\n");
    CHECK(box.git("status --porcelain") == "");
  }
}
