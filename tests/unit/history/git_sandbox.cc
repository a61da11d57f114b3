#include "tests/unit/history/git_sandbox.h"

#include <array>
#include <cstdio>

#include <doctest/doctest.h>
#include <git2.h>
#include <sys/wait.h>

#include "engine/history/git.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__clang__)
// libgit2 1.5 forgets a match buffer of libpcre2 for each extension it looks at when it opens a
// repository of format 1.
extern "C" const char* __lsan_default_suppressions() {
  return "leak:libpcre2\n";
}
#endif

namespace diaryx::test {
namespace {

struct Ran {
  int code;
  std::string out;
};

Ran run(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  Ran ran{0, {}};
  std::array<char, 4096> buffer;
  for (;;) {
    const std::size_t count = std::fread(buffer.data(), 1, buffer.size(), pipe);
    if (count == 0) break;
    ran.out.append(buffer.data(), count);
  }
  const int status = pclose(pipe);
  ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return ran;
}

std::string command(const GitSandbox& sandbox, const std::string& below,
                    const std::string& arguments) {
  return "cd '" + (sandbox.path() / below).string() +
         "' && env -i PATH=\"$PATH\" LC_ALL=C GIT_CONFIG_NOSYSTEM=1 HOME='" +
         sandbox.home().string() + "' git " + arguments + " 2>&1";
}

}  // namespace

GitSandbox::GitSandbox() : path_(dir_.path() / "tree") {
  std::filesystem::create_directories(path_);
  std::filesystem::create_directories(home());
  REQUIRE(history::set_up_git());
  const std::string global = home().string();
  const std::string nowhere = (dir_.path() / "nowhere").string();
  REQUIRE(git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, GIT_CONFIG_LEVEL_GLOBAL, global.c_str()) == 0);
  REQUIRE(git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, GIT_CONFIG_LEVEL_XDG, nowhere.c_str()) == 0);
  REQUIRE(git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, GIT_CONFIG_LEVEL_SYSTEM, nowhere.c_str()) == 0);
}

std::filesystem::path GitSandbox::home() const {
  return dir_.path() / "home";
}

std::string GitSandbox::git(const std::string& arguments, const std::string& below) const {
  const Ran ran = run(command(*this, below, arguments));
  INFO("git " << arguments << "\n" << ran.out);
  REQUIRE(ran.code == 0);
  return ran.out;
}

int GitSandbox::git_code(const std::string& arguments) const {
  return run(command(*this, ".", arguments)).code;
}

void GitSandbox::init() const {
  git("init -q -b main");
  git("config user.name 'Ada Person'");
  git("config user.email ada@example.org");
}

void GitSandbox::commit_all(const std::string& message) const {
  git("add -A");
  git("commit -q -m '" + message + "'");
}

history::CommitOptions GitSandbox::quick() {
  history::CommitOptions options;
  options.wall_ms = 1'700'000'000'000;
  options.lock_wait_ms = 60;
  return options;
}

Result<history::CommitReport> GitSandbox::try_commit(const std::vector<std::string>& files,
                                                     const std::vector<std::string>& removed,
                                                     const history::CommitOptions& options) const {
  return history::commit_files(path_, workspace_paths(files), workspace_paths(removed), options);
}

history::CommitReport GitSandbox::commit(const std::vector<std::string>& files,
                                         const std::vector<std::string>& removed,
                                         const std::string& below) const {
  auto report = history::commit_files(path_ / below, workspace_paths(files),
                                      workspace_paths(removed), quick());
  if (!report) FAIL(report.error().message);
  return std::move(report).value();
}

void GitSandbox::check_sound() const {
  CHECK(git("fsck --full --strict --no-dangling --no-progress") == "");
  for (const auto& item : std::filesystem::recursive_directory_iterator(path_ / ".git")) {
    const std::string name = item.path().filename().string();
    CHECK_MESSAGE(name.find("diaryx") == std::string::npos, item.path().string());
    CHECK_MESSAGE(name.find(".lock") == std::string::npos, item.path().string());
  }
}

std::vector<WorkspacePath> workspace_paths(const std::vector<std::string>& texts) {
  std::vector<WorkspacePath> paths;
  for (const std::string& text : texts) {
    auto path = WorkspacePath::parse(text);
    REQUIRE(path);
    paths.push_back(std::move(path).value());
  }
  return paths;
}

}  // namespace diaryx::test
