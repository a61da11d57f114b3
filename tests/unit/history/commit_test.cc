#include "engine/history/commit.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "tests/unit/history/git_sandbox.h"

namespace fs = std::filesystem;
using diaryx::ErrorCode;
using diaryx::history::CommitReport;
using diaryx::test::GitSandbox;

namespace {

std::string reason_for(const CommitReport& report, const std::string& path) {
  for (const auto& skipped : report.skipped) {
    if (skipped.path == path) return skipped.reason;
  }
  return "not skipped";
}

}  // namespace

TEST_SUITE("history/commit") {
  TEST_CASE("a second commit without changes makes no commit") {
    GitSandbox box;
    box.init();
    box.write("a.md", "a");
    const CommitReport first = box.commit({"a.md"});
    const CommitReport second = box.commit({"a.md"});
    CHECK(first.commit);
    CHECK_FALSE(second.commit);
    CHECK(second.files == 1);
    CHECK(second.changed == 0);
    CHECK(box.git("rev-list --count HEAD") == "1\n");
  }

  TEST_CASE("what others track stays in the tree, and what they have staged stays staged") {
    GitSandbox box;
    box.init();
    box.write("ours.md", "one");
    box.write("theirs.txt", "one");
    box.write("bin/tool.sh", "one");
    box.write("dropped.txt", "one");
    box.commit_all("start");

    box.write("ours.md", "two");
    box.write("theirs.txt", "staged");
    box.write("added.txt", "new");
    box.git("add theirs.txt added.txt");
    box.git("rm -q --cached dropped.txt");
    box.write("theirs.txt", "staged, then edited");
    box.write("later.txt", "later");
    box.git("add -N later.txt");
    const std::string before = box.git("status --porcelain");
    CHECK(
        before ==
        "A  added.txt\nD  dropped.txt\n A later.txt\n M ours.md\nMM theirs.txt\n?? dropped.txt\n");
    const std::string staged = box.git("ls-files -s -- theirs.txt added.txt dropped.txt");

    const CommitReport report = box.commit({"ours.md"});
    CHECK(report.changed == 1);
    CHECK(box.git("status --porcelain") ==
          "A  added.txt\nD  dropped.txt\n A later.txt\nMM theirs.txt\n?? dropped.txt\n");
    CHECK(box.git("ls-files -s -- theirs.txt added.txt dropped.txt") == staged);
    CHECK(box.git("show --name-only --format= HEAD") == "ours.md\n");
    CHECK(box.git("ls-tree -r --name-only HEAD") ==
          "bin/tool.sh\ndropped.txt\nours.md\ntheirs.txt\n");

    // The trap: an index that did not follow would make the person's next commit undo ours.
    box.git("commit -q -m 'theirs'");
    CHECK(box.git("show --name-status --format= HEAD") ==
          "A\tadded.txt\nD\tdropped.txt\nM\ttheirs.txt\n");
    CHECK(box.git("show HEAD:ours.md") == "two");
    CHECK(box.git("show HEAD:theirs.txt") == "staged");
    box.check_sound();
  }

  TEST_CASE("what we do equals git commit --only, down to the tree and the index") {
    GitSandbox ours;
    GitSandbox theirs;
    for (const GitSandbox* box : {&ours, &theirs}) {
      box->init();
      box->write("a.md", "a");
      box->write("b/c.md", "c");
      box->write("b/other.txt", "o");
      box->write("z.md", "z");
      box->write("untracked-again.md", "u");
      box->commit_all("start");
      box->write("a.md", "a2");
      box->write("b/c.md", "c2");
      box->write("b/other.txt", "o2");
      box->git("add b/c.md b/other.txt");
      box->write("b/c.md", "c3");
      box->remove("z.md");
      box->git("rm -q --cached untracked-again.md");
    }
    ours.commit({"a.md", "b/c.md", "untracked-again.md"}, {"z.md"});
    theirs.git("commit -q -m x --only -- a.md b/c.md untracked-again.md z.md");
    CHECK(ours.git("rev-parse HEAD^{tree}") == theirs.git("rev-parse HEAD^{tree}"));
    CHECK(ours.git("ls-files -s") == theirs.git("ls-files -s"));
    CHECK(ours.git("status --porcelain") == theirs.git("status --porcelain"));
  }

  TEST_CASE("a removed file leaves tree and index, and an emptied folder goes with it") {
    GitSandbox box;
    box.init();
    box.write("keep.md", "k");
    box.write("old/note.md", "n");
    box.commit_all("start");
    box.remove("old/note.md");
    const CommitReport report = box.commit({"keep.md"}, {"old/note.md", "never-there.md"});
    CHECK(report.changed == 1);
    CHECK(box.git("ls-tree -r --name-only HEAD") == "keep.md\n");
    CHECK(box.git("status --porcelain") == "");
    box.check_sound();
  }

  TEST_CASE("a removed file that is still on disk is not removed") {
    GitSandbox box;
    box.init();
    box.write("a.md", "a");
    box.commit_all("start");
    const CommitReport report = box.commit({}, {"a.md"});
    CHECK_FALSE(report.commit);
    CHECK(box.git("ls-files") == "a.md\n");
  }

  TEST_CASE("a removed path that is a folder in git removes nothing") {
    GitSandbox box;
    box.init();
    box.write("keep.md", "k");
    box.write("folder/note.md", "n");
    box.commit_all("start");
    fs::remove_all(box.path() / "folder");
    CHECK_FALSE(box.commit({"keep.md"}, {"folder", "keep.md/below.md"}).commit);
    CHECK(box.git("ls-files") == "folder/note.md\nkeep.md\n");
  }

  TEST_CASE("a file that vanished before we came stays in HEAD until it is said to be removed") {
    GitSandbox box;
    box.init();
    box.write("a.md", "a");
    box.write("b.md", "b");
    box.commit_all("start");
    box.remove("a.md");
    box.write("b.md", "b2");
    const CommitReport report = box.commit({"a.md", "b.md"});
    CHECK(reason_for(report, "a.md") == "gone from disk");
    CHECK(report.changed == 1);
    CHECK(box.git("show HEAD:a.md") == "a");
    CHECK(box.git("status --porcelain") == " D a.md\n");
  }

  TEST_CASE("the last file removed leaves an empty tree") {
    GitSandbox box;
    box.init();
    box.write("a.md", "a");
    box.commit_all("start");
    box.remove("a.md");
    CHECK(box.commit({}, {"a.md"}).changed == 1);
    CHECK(box.git("ls-tree -r HEAD") == "");
    CHECK(box.git("status --porcelain") == "");
    box.check_sound();
  }

  TEST_CASE("conflicts left in other files stay, and a conflict in ours is refused") {
    GitSandbox box;
    box.init();
    box.write("a.md", "a");
    box.write("x.md", "base\n");
    box.commit_all("start");
    box.write("x.md", "stashed\n");
    box.git("stash -q");
    box.write("x.md", "main\n");
    box.commit_all("main");
    CHECK(box.git_code("stash pop") != 0);
    const std::string conflict = box.git("ls-files -u");
    CHECK_FALSE(conflict.empty());
    box.write("a.md", "a2");
    CHECK(box.commit({"a.md"}).changed == 1);
    CHECK(box.git("ls-files -u") == conflict);
    CHECK(box.git("status --porcelain") == "UU x.md\n");

    box.write("a.md", "a3");
    const auto refused = box.try_commit({"a.md", "x.md"});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::NotAllowed);
    CHECK(refused.error().message.find("x.md has an unresolved merge conflict") !=
          std::string::npos);
    CHECK(box.git("ls-files -u") == conflict);
  }

  TEST_CASE("ignored files are left out unless git tracks them") {
    GitSandbox box;
    box.init();
    box.write(".gitignore", "private/\n*.draft.md\n!kept.draft.md\n");
    box.write("known.draft.md", "one");
    box.git("add -f known.draft.md .gitignore");
    box.git("commit -q -m start");
    box.write("known.draft.md", "two");
    box.write("kept.draft.md", "k");
    box.write("new.draft.md", "n");
    box.write("private/p.md", "p");
    box.write("a.md", "a");
    const CommitReport report =
        box.commit({"a.md", "kept.draft.md", "known.draft.md", "new.draft.md", "private/p.md"});
    CHECK(reason_for(report, "new.draft.md") == "ignored by git");
    CHECK(reason_for(report, "private/p.md") == "ignored by git");
    CHECK(report.skipped.size() == 2);
    CHECK(report.files == 3);
    CHECK(box.git("show --name-only --format= HEAD") == "a.md\nkept.draft.md\nknown.draft.md\n");
    CHECK(box.git("status --porcelain") == "");
  }

  TEST_CASE("a file taken out of the index and ignored is not put back") {
    GitSandbox box;
    box.init();
    box.write("secret.md", "s");
    box.write("a.md", "a");
    box.commit_all("start");
    box.git("rm -q --cached secret.md");
    box.write(".gitignore", "secret.md\n");
    box.write("a.md", "a2");
    box.write("secret.md", "s2");
    const CommitReport report = box.commit({"a.md", "secret.md"});
    CHECK(reason_for(report, "secret.md") == "ignored by git");
    CHECK(box.git("show HEAD:secret.md") == "s");
    CHECK(box.git("status --porcelain") == "D  secret.md\n?? .gitignore\n");
  }

  TEST_CASE("the executable bit is kept, and core.fileMode=false keeps what git has") {
    GitSandbox box;
    box.init();
    box.write("run.md", "r");
    box.write("plain.md", "p");
    REQUIRE(chmod((box.path() / "run.md").c_str(), 0755) == 0);
    box.commit({"run.md", "plain.md"});
    CHECK(box.git("ls-tree HEAD --format='%(objectmode) %(path)'") ==
          "100644 plain.md\n100755 run.md\n");
    REQUIRE(chmod((box.path() / "plain.md").c_str(), 0755) == 0);
    CHECK(box.commit({"run.md", "plain.md"}).changed == 1);
    CHECK(box.git("status --porcelain") == "");

    box.git("config core.fileMode false");
    REQUIRE(chmod((box.path() / "run.md").c_str(), 0644) == 0);
    box.write("run.md", "r2");
    box.commit({"run.md", "plain.md"});
    CHECK(box.git("ls-tree HEAD --format='%(objectmode) %(path)'") ==
          "100755 plain.md\n100755 run.md\n");
    CHECK(box.git("status --porcelain") == "");
  }

  TEST_CASE("symbolic links are never committed, nor what lies behind one") {
    GitSandbox box;
    box.init();
    box.write("a.md", "a");
    box.write("real/r.md", "r");
    fs::create_symlink("a.md", box.path() / "link.md");
    fs::create_directory_symlink("real", box.path() / "alias");
    const CommitReport report = box.commit({"a.md", "link.md", "alias/r.md"});
    CHECK(reason_for(report, "link.md") == "symbolic link");
    CHECK(reason_for(report, "alias/r.md") == "symbolic link or file where a folder should be");
    CHECK(box.git("ls-tree -r --name-only HEAD") == "a.md\n");
  }

  TEST_CASE(
      "a file that took a folder's place, and a folder that took a file's, are committed as they "
      "are") {
    GitSandbox box;
    box.init();
    box.write("a/deep/x.md", "x");
    box.write("b", "file");
    box.write("c.md", "c");
    box.commit_all("start");
    fs::remove_all(box.path() / "a");
    box.write("a", "now a file");
    box.remove("b");
    box.write("b/y.md", "now a folder");
    box.commit({"a", "b/y.md"}, {"a/deep/x.md", "b"});
    CHECK(box.git("ls-tree -r --name-only HEAD") == "a\nb/y.md\nc.md\n");
    CHECK(box.git("status --porcelain") == "");
    box.check_sound();
  }

  TEST_CASE("a file marked assume-unchanged is left alone") {
    GitSandbox box;
    box.init();
    box.write("a.md", "a");
    box.commit_all("start");
    box.git("update-index --assume-unchanged a.md");
    box.write("a.md", "local");
    const CommitReport report = box.commit({"a.md"});
    CHECK_FALSE(report.commit);
    CHECK(reason_for(report, "a.md") == "marked assume-unchanged in git");
    CHECK(box.git("ls-files -v") == "h a.md\n");
  }

  TEST_CASE("an intent to add of ours becomes the file") {
    GitSandbox box;
    box.init();
    box.write("a.md", "");
    box.git("add -N a.md");
    CHECK(box.commit({"a.md"}).changed == 1);
    CHECK(box.git("status --porcelain") == "");
    CHECK(box.git("ls-files -s").find("e69de29bb2d1d6434b8b29ae775ad8c2e48c5391") !=
          std::string::npos);

    // The same when HEAD has the file already.
    box.git("rm -q --cached a.md");
    box.git("add -N a.md");
    CHECK_FALSE(box.commit({"a.md"}).commit);
    CHECK(box.git("status --porcelain") == "");
    CHECK(box.git("ls-files --debug a.md").find("flags: 0\n") != std::string::npos);
  }

  TEST_CASE(
      "a version that was only staged gives way to the one on disk, even when that is HEAD's") {
    GitSandbox box;
    box.init();
    box.write("a.md", "a");
    box.commit_all("start");
    box.write("a.md", "staged");
    box.git("add a.md");
    box.write("a.md", "a");
    const CommitReport report = box.commit({"a.md"});
    CHECK_FALSE(report.commit);
    CHECK(box.git("status --porcelain") == "");
  }

  TEST_CASE("a name that git refuses does not keep the others from being committed") {
    GitSandbox box;
    box.init();
    box.write("git~1/a.md", "a");
    box.write("b.md", "b");
    const CommitReport report = box.commit({"git~1/a.md", "b.md"});
    CHECK(reason_for(report, "git~1/a.md") == "git does not allow this name");
    CHECK(box.git("ls-tree -r --name-only HEAD") == "b.md\n");
    box.check_sound();
  }

  TEST_CASE(
      "hundreds of new files go into one pack, a few into loose objects, and fsck is content with "
      "both") {
    GitSandbox box;
    box.init();
    std::vector<std::string> files;
    for (int i = 0; i < 300; ++i) {
      files.push_back("d" + std::to_string(i % 7) + "/e" + std::to_string(i % 11) + "/n" +
                      std::to_string(i) + ".md");
      box.write(files.back(),
                "note " + std::to_string(i) + std::string(static_cast<std::size_t>(i) * 37, 'x'));
    }
    const CommitReport first = box.commit(files);
    CHECK(first.files == 300);
    CHECK(first.changed == 300);
    CHECK(box.git("count-objects -v").find("packs: 1\n") != std::string::npos);
    CHECK(box.git("count-objects") == "1 objects, 4 kilobytes\n");
    CHECK(box.git("status --porcelain") == "");
    box.write(files[5], "changed");
    CHECK(box.commit(files).changed == 1);
    CHECK(box.git("count-objects -v").find("packs: 1\n") != std::string::npos);
    CHECK(box.git("status --porcelain") == "");
    box.check_sound();
    box.git("gc -q");
    box.write(files[6], "changed");
    CHECK(box.commit(files).changed == 1);
    box.check_sound();
  }
}
