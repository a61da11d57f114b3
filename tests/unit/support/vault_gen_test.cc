#include "tests/support/vault_gen.h"

#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "engine/base/path.h"
#include "engine/base/utf.h"
#include "tests/support/temp_dir.h"

namespace fs = std::filesystem;
using diaryx::test::generate_vault;
using diaryx::test::TempDir;
using diaryx::test::Vault;
using diaryx::test::VaultOptions;

namespace {

// Every regular file below the folder, without following links: path → bytes. Pipes would block:
// they are left out.
std::map<std::string, std::string> all_files(const fs::path& root) {
  std::map<std::string, std::string> files;
  for (const auto& item : fs::recursive_directory_iterator(root)) {
    if (!fs::is_regular_file(item.symlink_status())) continue;
    std::ifstream in(item.path(), std::ios::binary);
    std::stringstream bytes;
    bytes << in.rdbuf();
    files[item.path().lexically_relative(root).string()] = std::move(bytes).str();
  }
  return files;
}

// The targets of all links in a generated header, as workspace paths.
std::set<std::string> header_targets(const std::string& path, const std::string& text) {
  std::set<std::string> targets;
  const std::string header = text.substr(0, text.find("\n---\n"));
  for (std::size_t at = header.find('"'); at != std::string::npos; at = header.find('"', at + 1)) {
    const std::size_t end = header.find('"', at + 1);
    std::string link = header.substr(at + 1, end - at - 1);
    at = end;
    if (link.find(".md") == std::string::npos) continue;
    const std::size_t open = link.find("](");
    if (open != std::string::npos) link = link.substr(open + 2, link.size() - open - 3);
    const fs::path target =
        link.front() == '/' ? fs::path(link.substr(1)) : fs::path(path).parent_path() / link;
    targets.insert(target.lexically_normal().string());
  }
  return targets;
}

}  // namespace

TEST_SUITE("support/vault_gen") {
  TEST_CASE("the same seed makes the same bytes, another seed others") {
    TempDir one;
    TempDir two;
    TempDir three;
    VaultOptions options;
    options.files = 80;
    options.oddities = true;
    generate_vault(one.path(), options);
    generate_vault(two.path(), options);
    options.seed = 2;
    generate_vault(three.path(), options);
    CHECK(all_files(one.path()) == all_files(two.path()));
    CHECK(all_files(one.path()) != all_files(three.path()));
  }

  TEST_CASE("a plain vault has exactly the files asked for, of the sizes asked for") {
    for (const std::size_t count :
         {std::size_t{1}, std::size_t{2}, std::size_t{30}, std::size_t{700}}) {
      TempDir dir;
      VaultOptions options;
      options.files = count;
      options.min_bytes = 600;
      options.max_bytes = 3'000;
      const Vault vault = generate_vault(dir.path(), options);
      CHECK(vault.notes.size() == count);
      CHECK(vault.oddities.empty());
      const auto files = all_files(dir.path());
      CHECK(files.size() == count);
      for (const auto& [path, bytes] : files) {
        CHECK(diaryx::is_utf8(bytes));
        CHECK(bytes.size() > 500);
        CHECK(bytes.size() < 6'000);
      }
    }
  }

  TEST_CASE(
      "in a plain vault every link resolves, and every note but the root is linked from its "
      "index") {
    for (const std::string format : {"markdown_root", "markdown_relative", "plain_relative"}) {
      TempDir dir;
      VaultOptions options;
      options.files = 400;
      options.max_bytes = 1'500;
      options.link_format = format;
      generate_vault(dir.path(), options);
      const auto files = all_files(dir.path());
      std::set<std::string> linked;
      for (const auto& file : files) {
        const std::string& path = file.first;
        const std::string& bytes = file.second;
        for (const std::string& target : header_targets(path, bytes)) {
          INFO(format << " " << path << " -> " << target);
          CHECK(files.count(target) == 1);
          if (files.at(path).find("\ncontents:\n") != std::string::npos) linked.insert(target);
        }
      }
      CHECK(linked.size() == files.size());  // The root too: its children name it in part_of.
    }
  }

  TEST_CASE("the notes listed are the visible Markdown files with a name that we accept") {
    TempDir dir;
    VaultOptions options;
    options.files = 5;
    options.oddities = true;
    const Vault vault = generate_vault(dir.path(), options);
    std::vector<std::string> expected;
    for (const auto& [path, bytes] : all_files(dir.path())) {
      const auto valid = diaryx::WorkspacePath::parse(path);
      if (valid && valid->is_markdown() && !valid->is_hidden()) expected.push_back(path);
    }
    CHECK(vault.notes == expected);
    for (const auto& oddity : vault.oddities) {
      CHECK_MESSAGE(fs::exists(fs::symlink_status(dir.path() / oddity.path)), oddity.kind);
    }
  }

  TEST_CASE("an odd vault holds the oddities that it says") {
    TempDir dir;
    VaultOptions options;
    options.files = 1;
    options.oddities = true;
    const Vault vault = generate_vault(dir.path(), options);
    const auto path = [&](const std::string& kind) {
      const auto paths = vault.of_kind(kind);
      REQUIRE_MESSAGE(!paths.empty(), kind);
      return dir.path() / paths.front();
    };
    const auto files = all_files(dir.path());
    CHECK(files.at(vault.of_kind("crlf").front()).find("\r\n---\r\n") != std::string::npos);
    CHECK(files.at(vault.of_kind("empty-file").front()).empty());
    CHECK(files.at(vault.of_kind("one-megabyte-line").front()).size() > 1'000'000);
    CHECK_FALSE(diaryx::is_utf8(files.at(vault.of_kind("latin-1").front())));
    CHECK(files.at(vault.of_kind("nul-bytes").front()).find('\0') != std::string::npos);
    CHECK(files.at(vault.of_kind("larger-than-16-mib").front()).size() > (16U << 20U));
    CHECK(fs::is_symlink(fs::symlink_status(path("symlink-loop"))));
    CHECK(fs::is_fifo(fs::status(path("named-pipe"))));
    CHECK(fs::is_directory(fs::status(path("folder-named-md"))));
    CHECK(fs::is_empty(path("empty-folder")));
    CHECK(fs::hard_link_count(path("hard-link")) == 2);
    struct stat info = {};
    REQUIRE(stat(path("executable").c_str(), &info) == 0);
    CHECK((info.st_mode & S_IXUSR) != 0);
    CHECK(vault.of_kind("contents-cycle").size() == 2);
    CHECK(vault.of_kind("no-such-kind").empty());
  }
}
