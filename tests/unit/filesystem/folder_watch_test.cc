#include "engine/filesystem/folder_watch.h"

#include <chrono>
#include <fstream>
#include <functional>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/temp_dir.h"

using namespace diaryx;
using namespace diaryx::filesystem;

namespace {

namespace fs = std::filesystem;

constexpr FolderWatch::Options kQuick{
    .shortest_pause_ms = 5, .longest_pause_ms = 40, .retry_ms = 60, .look_for_root_ms = 10};

std::unique_ptr<FolderWatch> watch(const fs::path& root) {
  auto opened = FolderWatch::open(root, kQuick);
  return opened ? std::move(*opened) : nullptr;
}

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// Waits until it has told enough. False after five seconds.
bool tells(FolderWatch& watch, const std::function<bool(const Changes&)>& enough) {
  Changes all;
  for (const std::int64_t end = now_ms() + 5'000; now_ms() < end;) {
    Changes changes = watch.wait(100);
    all.paths.merge(changes.paths);
    all.rescan = all.rescan || changes.rescan;
    if (enough(all)) return true;
  }
  return false;
}

bool tells_path(FolderWatch& watch, const std::string& path) {
  return tells(watch, [&](const Changes& all) {
    return all.paths.contains(*WorkspacePath::parse(path)) && !all.rescan;
  });
}
bool tells_rescan(FolderWatch& watch) {
  return tells(watch, [](const Changes& all) { return all.rescan; });
}
bool becomes(FolderWatch& watch, WatchMode mode) {
  return tells(watch, [&](const Changes&) { return watch.state().mode == mode; });
}

// Empties what is there to tell.
void hush(FolderWatch& watch) {
  for (int quiet = 0; quiet < 3;) {
    const Changes changes = watch.wait(60);
    quiet = changes.paths.empty() && !changes.rescan ? quiet + 1 : 0;
  }
}

bool set_limit(const char* name, int value) {
  const std::string file = std::string("/proc/sys/user/") + name;
  std::ofstream(file) << value << std::flush;
  int now = -1;
  std::ifstream(file) >> now;
  return now == value;
}

constexpr int kNoNamespaces = 100;

// Runs `body` where inotify has limits of its own, which it may set. Returns what it returns.
int with_own_limits(const std::function<int()>& body) {
  const pid_t pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    if (::unshare(CLONE_NEWUSER) != 0 || !set_limit("max_inotify_watches", 1'000))
      ::_exit(kNoNamespaces);
    ::_exit(body());
  }
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == kNoNamespaces) MESSAGE("no user namespaces here: skipped");
  return WEXITSTATUS(status) == kNoNamespaces ? 0 : WEXITSTATUS(status);
}

// The same size and the same time: a clock that was set back, or a program that means well.
void rewrite_unseen(const fs::path& file, const std::string& text) {
  struct stat before {};
  (void)::stat(file.c_str(), &before);
  std::ofstream(file) << text << std::flush;
  const timespec times[] = {before.st_atim, before.st_mtim};
  (void)::utimensat(AT_FDCWD, file.c_str(), times, 0);
}

}  // namespace

TEST_SUITE("filesystem/folder_watch") {
  TEST_CASE("all is well: by events, and nothing to say") {
    const test::TempDir dir;
    dir.write("sub/a.md", "text");
    const auto watched = watch(dir.path());
    REQUIRE(watched);
    CHECK(watched->state() == WatchState{});
    dir.write("sub/a.md", "more");
    CHECK(tells_path(*watched, "sub/a.md"));
    watched->wake();
    const std::int64_t start = now_ms();
    (void)watched->wait(60'000);
    CHECK(now_ms() - start < 30'000);
  }

  TEST_CASE(
      "without watches left, what is not watched is looked at; with more of them, no longer") {
    const test::TempDir dir;
    for (int i = 0; i < 20; ++i) dir.write("d" + std::to_string(i) + "/a.md", "text");
    CHECK(with_own_limits([&] {
            if (!set_limit("max_inotify_watches", 7)) return kNoNamespaces;
            const auto watched = watch(dir.path());
            if (!watched || watched->state().mode != WatchMode::Polling) return 1;
            if (watched->state().message.find("14 of 21 folders") == std::string::npos) return 2;
            if (watched->state().hint.find("sudo sysctl ") == std::string::npos) return 3;
            hush(*watched);
            for (int i = 0; i < 20; ++i) {
              const std::string name = "d" + std::to_string(i) + "/a.md";
              rewrite_unseen(dir.path() / name, "TEXT");
              if (!tells_path(*watched, name)) return 4;
            }
            fs::create_directories(dir.path() / "d1/new/deep");
            std::ofstream(dir.path() / "d1/new/deep/b.md") << "text" << std::flush;
            if (!tells_path(*watched, "d1/new/deep/b.md")) return 5;
            hush(*watched);
            for (const char* name : {"d0/a.md", "d19/a.md"}) {
              fs::remove(dir.path() / name);
              const auto gone = [&](const Changes& all) {
                return all.rescan || all.paths.contains(*WorkspacePath::parse(name));
              };
              if (!tells(*watched, gone)) return 6;
            }
            hush(*watched);
            if (!set_limit("max_inotify_watches", 100)) return 7;
            if (!tells_rescan(*watched)) return 8;
            if (!(watched->state() == WatchState{})) return 9;
            hush(*watched);
            std::ofstream(dir.path() / "d1/new/deep/b.md") << "more" << std::flush;
            return tells_path(*watched, "d1/new/deep/b.md") ? 0 : 10;
          }) == 0);
  }

  TEST_CASE("without an inotify instance all is looked at, and watched as soon as there is one") {
    const test::TempDir dir;
    dir.write("sub/a.md", "text");
    CHECK(with_own_limits([&] {
            if (!set_limit("max_inotify_instances", 0)) return kNoNamespaces;
            const auto watched = watch(dir.path());
            if (!watched || watched->state().mode != WatchMode::Polling) return 1;
            if (watched->state().message.find("user.max_inotify_instances is 0") ==
                std::string::npos)
              return 2;
            std::ofstream(dir.path() / "sub/a.md") << "more" << std::flush;
            if (!tells_path(*watched, "sub/a.md")) return 3;
            if (!set_limit("max_inotify_instances", 10)) return 4;
            if (!tells_rescan(*watched) || watched->state().mode != WatchMode::Events) return 5;
            hush(*watched);
            std::ofstream(dir.path() / "sub/b.md") << "text" << std::flush;
            return tells_path(*watched, "sub/b.md") ? 0 : 6;
          }) == 0);
  }

  TEST_CASE("a root that is gone is waited for, and watched again when it is back") {
    for (const bool polling : {false, true}) {
      const test::TempDir dir;
      dir.write("root/sub/a.md", "text");
      const fs::path root = dir.path() / "root";
      CHECK(with_own_limits([&] {
              if (polling && !set_limit("max_inotify_instances", 0)) return kNoNamespaces;
              const auto watched = watch(root);
              if (!watched) return 1;
              for (int round = 0; round < 3; ++round) {
                fs::rename(root, dir.path() / "away");
                if (!becomes(*watched, WatchMode::Gone)) return 2;
                if (watched->state().message.find("no longer there") == std::string::npos) return 3;
                // Another one is none of ours.
                fs::create_directory(root);
                std::ofstream(root / "strange.md") << "text" << std::flush;
                const auto other = [&](const Changes&) {
                  return watched->state().message.find("another folder") != std::string::npos;
                };
                if (!tells(*watched, other)) return 4;
                for (int i = 0; i < 5; ++i) {
                  const Changes none = watched->wait(20);
                  if (!none.paths.empty() || none.rescan) return 5;
                }
                fs::rename(root, dir.path() / ("other" + std::to_string(round)));
                std::ofstream(dir.path() / "away/sub/a.md") << "meanwhile" << std::flush;
                fs::rename(dir.path() / "away", root);
                if (!tells_rescan(*watched)) return 6;
                if (watched->state().mode != (polling ? WatchMode::Polling : WatchMode::Events))
                  return 7;
                hush(*watched);
                std::ofstream(root / "sub/a.md") << "back" << round << std::flush;
                if (!tells_path(*watched, "sub/a.md")) return 8;
                fs::remove_all(dir.path() / ("other" + std::to_string(round)));
              }
              return 0;
            }) == 0);
    }
  }

  TEST_CASE("looking again and again takes longer and longer, until something happens") {
    const test::TempDir dir;
    dir.write("a.md", "text");
    CHECK(with_own_limits([&] {
            if (!set_limit("max_inotify_instances", 0)) return kNoNamespaces;
            auto opened = FolderWatch::open(dir.path(), {.shortest_pause_ms = 5,
                                                         .longest_pause_ms = 400,
                                                         .retry_ms = 600'000,
                                                         .look_for_root_ms = 10});
            const auto watched = std::move(*opened);
            const auto pause = [&] {
              const std::int64_t start = now_ms();
              (void)watched->wait(60'000);
              return now_ms() - start;
            };
            for (int i = 0; i < 14; ++i) (void)pause();
            const std::int64_t long_pause = pause();
            std::ofstream(dir.path() / "a.md") << "more" << std::flush;
            (void)pause();
            const std::int64_t short_pause = pause();
            return long_pause >= 390 && short_pause < 200 ? 0 : 1;
          }) == 0);
  }
}
