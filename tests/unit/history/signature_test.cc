// Who commits, and with which words.
#include "engine/history/signature.h"

#include <doctest/doctest.h>

#include "tests/unit/history/git_sandbox.h"

using diaryx::ErrorCode;
using diaryx::history::CommitOptions;
using diaryx::test::GitSandbox;

TEST_SUITE("history/signature") {
  TEST_CASE("the default author is git's, else Diaryx; the committer is the configured person") {
    GitSandbox box;
    box.write("a.md", "a");
    box.commit({"a.md"});
    CHECK(box.git("log -1 --format='%an <%ae>|%cn <%ce>|%at|%s'") ==
          "Diaryx <noreply@diaryx.app>|Diaryx <noreply@diaryx.app>|1700000000|"
          "Workspace snapshot at 2023-11-14 22:13:20 UTC\n");
    CHECK(box.git("log -1 -g --format=%gn") == "Diaryx\n");
    box.git("config user.name 'Ada Person'");
    box.git("config user.email ada@example.org");
    box.write("a.md", "a2");
    box.commit({"a.md"});
    CHECK(box.git("log -1 --format='%an <%ae>|%cn <%ce>'") ==
          "Ada Person <ada@example.org>|Ada Person <ada@example.org>\n");
    CommitOptions options = GitSandbox::quick();
    options.author = "Zo\xC3\xAB \xC5\xBDi\xC5\xBEka  <zoe@example.org>";
    options.message = "\n\nFirst line  \n\n\n\nbody\n\n";
    box.write("a.md", "a3");
    REQUIRE(box.try_commit({"a.md"}, {}, options));
    CHECK(box.git("log -1 --format='%an <%ae>|%cn'") ==
          "Zo\xC3\xAB \xC5\xBDi\xC5\xBEka <zoe@example.org>|Ada Person\n");
    CHECK(box.git("log -1 --format=%B") == "First line\n\nbody\n\n");
    CHECK(box.git("log -1 -g --format=%gs") == "commit: First line\n");
  }

  TEST_CASE(
      "an author or message that cannot be written is InvalidArgument, and nothing is committed") {
    GitSandbox box;
    box.init();
    box.write("a.md", "a");
    CommitOptions options = GitSandbox::quick();
    for (const char* bad :
         {"", "Ada", "Ada <>", "<a@b>", "Ada <a@b", "Ada <a@b> more", "A\nB <a@b>", "A <a<b@c>"}) {
      options.author = bad;
      const auto report = box.try_commit({"a.md"}, {}, options);
      REQUIRE_MESSAGE(!report, bad);
      CHECK(report.error().code == ErrorCode::InvalidArgument);
    }
    options.author.reset();
    for (const std::string& bad :
         {std::string("  \n \n"), std::string("a\0b", 3), std::string("\xFF")}) {
      options.message = bad;
      const auto report = box.try_commit({"a.md"}, {}, options);
      REQUIRE_FALSE(report);
      CHECK(report.error().code == ErrorCode::InvalidArgument);
    }
    CHECK(box.git_code("rev-parse HEAD") != 0);
  }
}
