// What git stores is not always what is on disk. Whatever the settings, our blob must be the one
// that `git add` makes.
#include <algorithm>

#include <doctest/doctest.h>

#include "tests/support/vault_gen.h"
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
    // One folder for each set of attributes, so that three repositories are enough.
    const std::vector<std::string> attributes = {"",
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
      INFO("core.autocrlf=" << autocrlf);
      GitSandbox ours;
      GitSandbox theirs;
      std::vector<std::string> files;
      for (std::size_t i = 0; i < attributes.size(); ++i) {
        for (const std::string& name : names()) files.push_back(std::to_string(i) + "/" + name);
      }
      for (const GitSandbox* box : {&ours, &theirs}) {
        box->init();
        box->git("config core.autocrlf " + autocrlf);
        for (std::size_t i = 0; i < attributes.size(); ++i) {
          const std::string folder = std::to_string(i) + "/";
          box->write(folder + ".gitattributes", attributes[i]);
          for (const auto& [name, bytes] : shapes()) box->write(folder + name, bytes);
        }
        box->git("add ':(glob)*/.gitattributes'");
        box->git("commit -q -m start");
      }
      ours.commit(files);
      theirs.commit_all("theirs");
      CHECK(ours.git("ls-tree -r HEAD") == theirs.git("ls-tree -r HEAD"));
      CHECK(ours.git("status --porcelain") == theirs.git("status --porcelain"));
      CHECK(ours.git("ls-tree -r --name-only HEAD | wc -l") ==
            std::to_string(files.size() + attributes.size()) + "\n");
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

  TEST_CASE("what git ignores we leave out, and nothing else, whatever the rules look like") {
    GitSandbox box;
    box.init();
    box.write(".gitignore",
              "# "
              "comment\n\n*.log.md\n/only-top.md\nbuild/\n!build/kept.md\nlogs/**/deep.md\n**/"
              "any.md\na/**\n!a/b/\n"
              "!a/b/back.md\n!important.log.md\n[ab]x.md\n[!c]y.md\n[[:digit:]].md\nspace\\ "
              ".md\ntrailing.md   \n\\#hash.md\n"
              "\\!bang.md\nq?.md\nsub/anchored.md\nCase.md\nfolder.md/\nd*\n!d*.md\nnegated/"
              "*\n!negated/yes.md\nx/*/z.md\n"
              "M\xC3\xA4rz.md\n*\xF0\x9F\x8C\xB1*\n");
    box.write("nested/.gitignore", "local.md\n/top.md\n!any.md\n*\n!re/\n!re/in.md\n");
    box.write(".git/info/exclude", "excluded.md\n");
    const std::vector<std::string> candidates = {"plain.md",
                                                 "x.log.md",
                                                 "important.log.md",
                                                 "only-top.md",
                                                 "in/only-top.md",
                                                 "build/x.md",
                                                 "build/kept.md",
                                                 "in/build/x.md",
                                                 "logs/deep.md",
                                                 "logs/a/b/deep.md",
                                                 "any.md",
                                                 "in/any.md",
                                                 "a/x.md",
                                                 "a/b/back.md",
                                                 "a/b/other.md",
                                                 "ax.md",
                                                 "cx.md",
                                                 "cy.md",
                                                 "dy.md",
                                                 "7.md",
                                                 "77.md",
                                                 "space .md",
                                                 "trailing.md",
                                                 "#hash.md",
                                                 "!bang.md",
                                                 "q1.md",
                                                 "q12.md",
                                                 "sub/anchored.md",
                                                 "in/sub/anchored.md",
                                                 "Case.md",
                                                 "case.md",
                                                 "folder.md/in.md",
                                                 "in/folder.md",
                                                 "dust.md",
                                                 "dust/in.md",
                                                 "negated/yes.md",
                                                 "negated/no.md",
                                                 "x/y/z.md",
                                                 "x/y/w/z.md",
                                                 "M\xC3\xA4rz.md",
                                                 "in/\xF0\x9F\x8C\xB1 seed.md",
                                                 "nested/local.md",
                                                 "nested/deep/top.md",
                                                 "nested/any.md",
                                                 "nested/re/in.md",
                                                 "nested/re/out.md",
                                                 "excluded.md",
                                                 "in/excluded.md",
                                                 "local.md"};
    for (const std::string& path : candidates) box.write(path, path);
    const auto report = box.commit(candidates);
    std::string skipped;
    for (const auto& file : report.skipped) skipped += file.path + "\n";
    // Those that git does not list as untracked any more, nor as committed, it ignores.
    CHECK(box.git(
              "-c core.quotePath=false ls-files --others --exclude-standard -- ':(glob)**/*.md'") ==
          "");
    std::string ignored;
    for (const std::string& path : candidates) {
      if (box.git_code("check-ignore -q --no-index -- '" + path + "'") == 0) ignored += path + "\n";
    }
    std::vector<std::string> lines;
    std::string sorted;
    for (std::size_t at = 0, end = 0; (end = ignored.find('\n', at)) != std::string::npos;
         at = end + 1) {
      lines.push_back(ignored.substr(at, end + 1 - at));
    }
    std::sort(lines.begin(), lines.end());
    for (const std::string& line : lines) sorted += line;
    CHECK(skipped == sorted);
    CHECK(report.skipped.size() > 15);
    CHECK(report.files > 15);
  }

  TEST_CASE("a vault with every oddity is committed as git would, and what is left out is named") {
    GitSandbox box;
    box.init();
    diaryx::test::VaultOptions options;
    options.files = 40;
    options.oddities = true;
    const auto vault = diaryx::test::generate_vault(box.path(), options);
    std::vector<std::string> files = vault.notes;
    for (const char* kind :
         {"symlink-in", "symlink-loop", "symlink-dangling", "folder-named-md", "named-pipe"}) {
      for (const std::string& path : vault.of_kind(kind)) files.push_back(path);
    }
    const auto report = box.commit(files);
    CHECK(report.files == vault.notes.size() - 1);
    CHECK(report.skipped.size() == 6);
    for (const auto& skipped : report.skipped) {
      const bool expected = skipped.reason == "symbolic link" ||
                            skipped.reason == "not a regular file" ||
                            skipped.reason == "git does not allow this name";
      CHECK_MESSAGE(expected, skipped.path << ": " << skipped.reason);
    }
    CHECK(box.git("ls-tree -r --name-only HEAD | wc -l") == std::to_string(report.files) + "\n");
    CHECK(box.git("diff --stat") == "");
    CHECK(box.git("diff --cached --stat") == "");
    // git's own idea of the same files.
    const std::string ours = box.git("rev-parse HEAD^{tree}");
    box.git("rm -r -q --cached .");
    std::string list;
    for (const std::string& path : vault.notes) {
      if (path.find("git~1") == std::string::npos) list += path + '\0';
    }
    box.write(".git/list", list);
    box.git("add --pathspec-from-file=.git/list --pathspec-file-nul --force");
    CHECK(box.git("write-tree") == ours);
    box.check_sound();
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
