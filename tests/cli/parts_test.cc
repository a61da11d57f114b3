// The parts of cli/ that need no workspace: the command line, what is printable, the progress bar.
#include <string>
#include <variant>
#include <vector>

#include <doctest/doctest.h>

#include "cli/command_line.h"
#include "cli/progress.h"
#include "cli/report.h"

namespace diaryx::cli {
namespace {

CommandLine parse(std::vector<const char*> words) {
  words.insert(words.begin(), "diaryx-sync");
  return parse_command_line(static_cast<int>(words.size()), words.data());
}

}  // namespace

TEST_SUITE("cli/command_line") {
  TEST_CASE("a command takes its folder as an argument or with -C, before or after it") {
    for (const auto& words : std::vector<std::vector<const char*>>{
             {"init", "notes"}, {"init", "-C", "notes"}, {"-C", "notes", "init"}}) {
      const CommandLine line = parse(words);
      REQUIRE(line.command);
      CHECK(std::holds_alternative<InitOptions>(*line.command));
      CHECK(line.global.directory == "notes");
    }
    CHECK(parse({"init"}).global.directory.empty());
  }

  TEST_CASE("two different folders are refused, the same one twice is not") {
    CHECK(parse({"-C", "a", "init", "b"}).exit == ExitCode::Usage);
    CHECK(parse({"-C", "a", "init", "a"}).command.has_value());
  }

  TEST_CASE("global options stand before or after the command") {
    CHECK(parse({"--json", "validate"}).global.json);
    CHECK(parse({"validate", "--json"}).global.json);
    CHECK(parse({"validate", "-q"}).global.quiet);
    CHECK_FALSE(parse({"validate"}).global.json);
  }

  TEST_CASE("serve: ports, addresses and switches") {
    CHECK_FALSE(std::get<ServeOptions>(*parse({"serve"}).command).port);
    const CommandLine line =
        parse({"serve", "--port", "0", "--host", "::1", "--token", "s3cret-s3cret", "--open",
               "--no-write-back", "--allow-host", "a", "--allow-host", "b", "dir"});
    REQUIRE(line.command);
    const auto& serve = std::get<ServeOptions>(*line.command);
    CHECK(serve.port == 0);
    CHECK(serve.host == "::1");
    CHECK(serve.token == "s3cret-s3cret");
    CHECK(serve.open_browser);
    CHECK_FALSE(serve.write_back);
    CHECK(serve.allow_hosts == std::vector<std::string>{"a", "b"});
    CHECK(line.global.directory == "dir");
    CHECK(std::get<ServeOptions>(*parse({"serve"}).command).write_back);
    CHECK(parse({"serve", "--port", "65536"}).exit == ExitCode::Usage);
    CHECK(parse({"serve", "--port", "-1"}).exit == ExitCode::Usage);
    CHECK(parse({"serve", "--port", "http"}).exit == ExitCode::Usage);
  }

  TEST_CASE("materialise has two spellings and needs exactly one target") {
    CHECK(std::get<MaterialiseOptions>(*parse({"materialise", "--out", "x"}).command).out == "x");
    CHECK(std::get<MaterialiseOptions>(*parse({"materialize", "--zip", "x"}).command).zip == "x");
    CHECK(parse({"materialise"}).exit == ExitCode::Usage);
    CHECK(parse({"materialise", "--out", "x", "--zip", "y"}).exit == ExitCode::Usage);
  }

  TEST_CASE("commit takes a message and an author") {
    const CommandLine line =
        parse({"commit", "-m", "two\nlines", "--author", "A <a@b>", "--skip-validation"});
    const auto& commit = std::get<CommitOptions>(*line.command);
    CHECK(commit.message == "two\nlines");
    CHECK(commit.author == "A <a@b>");
    CHECK(commit.skip_validation);
  }

  TEST_CASE("what is not understood is usage, in one line that names it") {
    for (const auto& words : std::vector<std::vector<const char*>>{
             {}, {"frobnicate"}, {"init", "--frobnicate"}, {"init", "a", "b"}}) {
      const CommandLine line = parse(words);
      CHECK(line.exit == ExitCode::Usage);
      CHECK_FALSE(line.command);
      CHECK_FALSE(line.text.empty());
      CHECK(line.text.find('\n') == std::string::npos);
    }
    CHECK(parse({"init", "--frobnicate"}).text.find("--frobnicate") != std::string::npos);
    CHECK(parse({"frobnicate", "--json"}).global.json);
  }

  TEST_CASE("help names the examples and the exit codes, version the program") {
    CHECK(parse({"--help"}).exit == ExitCode::Done);
    CHECK(parse({"--help"}).text.find("130 interrupted") != std::string::npos);
    for (const char* command : {"init", "serve", "materialise", "validate", "commit", "status"}) {
      CAPTURE(command);
      const CommandLine line = parse({command, "--help"});
      CHECK(line.exit == ExitCode::Done);
      CHECK(line.text.find("Examples:") != std::string::npos);
      CHECK(line.text.find(std::string("diaryx-sync ") + command) != std::string::npos);
    }
    CHECK(parse({"--version"}).text.rfind("diaryx-sync ", 0) == 0);
  }
}

TEST_SUITE("cli/report") {
  TEST_CASE("a file name cannot drive the terminal") {
    CHECK(printable("a\x1b[2Jb\nc\x7f") == "a\\x1b[2Jb\\x0ac\\x7f");
    CHECK(printable("\xc2\x9b"
                    "31m") == "\\xc2\\x9b31m");
    CHECK(printable("J\xc3\xa4nner \xf0\x9f\x98\x80") == "J\xc3\xa4nner \xf0\x9f\x98\x80");
  }

  TEST_CASE("errors end in the exit code that docs/cli.md promises") {
    CHECK(exit_code(Error{ErrorCode::InvalidArgument, "x"}) == ExitCode::Usage);
    CHECK(exit_code(Error{ErrorCode::Interrupted, "x"}) == ExitCode::Interrupted);
    CHECK(exit_code(Error{ErrorCode::NoSpace, "x"}) == ExitCode::Failed);
  }
}

TEST_SUITE("cli/progress") {
  TEST_CASE("the bar fits into the terminal, or gives way to the count") {
    CHECK(progress_line("reading", 5, 10, 40) == "reading [##########-----------] 5 of 10");
    CHECK(progress_line("reading", 5, 10, 20) == "reading 5 of 10");
    CHECK(progress_line("reading", 5, 0, 80) == "reading 5");
    CHECK(progress_line("reading", 12, 10, 80).find('-') == std::string::npos);
    for (std::size_t columns = 28; columns < 200; ++columns) {
      CHECK(progress_line("reading", 1, 1000, columns).size() < columns);
    }
  }
}

}  // namespace diaryx::cli
