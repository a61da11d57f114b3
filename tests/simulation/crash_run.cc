#include "tests/simulation/crash_run.h"

#include <algorithm>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "engine/base/check.h"
#include "engine/base/utf.h"
#include "engine/sync/documents.h"
#include "tests/support/crash_shim.h"

namespace diaryx::test {
namespace {

namespace fs = std::filesystem;

constexpr int kActions = 28;
// More than a log may have when its document is put away: so that a snapshot is made.
constexpr int kBurst = 70;
constexpr sync::ConnectionId kFirstConnection = 1;

bool is_note(const std::string& path) {
  return path.ends_with(".md") && !path.starts_with('.');
}

class Life {
 public:
  Life(CrashRun& run, std::uint64_t seed, bool ignore_syncs)
      : run_(run), chance_(seed), random_(seed + 1), recorder_(dir_.path(), run.disk) {
    recorder_.ignore_syncs(ignore_syncs);
    // Files have the real time, and one of a moment ago would be looked at again and again.
    clock_.advance(SystemClock().wall_ms() + 60'000 - clock_.wall_ms());
  }

  void live() {
    save("README.md", "---\ntitle: Home\ncontents:\n  - \"[A](/a.md)\"\n---\nWelcome.\n");
    save("a.md", "---\ntitle: A\npart_of: \"[Home](/README.md)\"\n---\nOne line.\n\nAnd more.\n");
    save("sub/b.md", "No header, two\nlines.\n");
    start();
    for (int i = 0; i < kActions; ++i) act();
    burst();
    for (int i = 0; i < 4; ++i) act();
    pass(3'000);
    stop(true);
    find_versions();
  }

 private:
  std::uint64_t below(std::uint64_t n) { return chance_.below(n); }
  std::size_t now() const { return run_.disk.steps(); }

  void start() {
    auto started = Server::start(dir_.path(), clock_, random_);
    DX_CHECK(started.has_value());
    server_ = std::move(*started);
    server_->after_turn = [this] { note_what_was_told(); };
    server_->after_task = [this](const sync::DiskResult& result) { note_written(result); };
    DX_CHECK(server_->workspace().reconcile().has_value());
    run_.epoch = server_->workspace().info().epoch;
    for (const FileSummary& file : server_->workspace().files()) know(file.id);
    for (int i = 0; i < 2; ++i) {
      Peer& peer = server_->connect(kFirstConnection + static_cast<sync::ConnectionId>(i),
                                    random_.client_id());
      for (const CrashRun::Note& note : run_.notes) peer.open(wire(note.id));
    }
    server_->run();
  }

  void stop(bool properly) {
    if (properly) {
      server_->workspace().disk().hurry();
      server_->run();
      for (auto& peer : server_->peers) peer->disconnect();
      server_->run();
      DX_CHECK(server_->workspace().close().has_value());
    }
    server_.reset();
  }

  std::string wire(const std::string& id) {
    return fmt::format("body:{}/{}", server_->workspace().info().workspace_id, id);
  }

  std::size_t know(const std::string& id) {
    const auto known = std::find_if(run_.notes.begin(), run_.notes.end(),
                                    [&](const CrashRun::Note& note) { return note.id == id; });
    if (known != run_.notes.end()) return static_cast<std::size_t>(known - run_.notes.begin());
    run_.notes.push_back({id});
    return run_.notes.size() - 1;
  }

  // Some note that nobody has begun to delete.
  std::size_t some_note() {
    for (;;) {
      const std::size_t note = below(run_.notes.size());
      if (run_.notes[note].gone == SIZE_MAX) return note;
    }
  }

  std::string new_mark(std::size_t note) {
    std::string mark = fmt::format("<m{}>", run_.marks.size());
    run_.marks[mark].note = note;
    return mark;
  }

  void act() {
    switch (below(13)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return type(some_note());
      case 4:
      case 5:
      case 6:
        return person_edits();
      case 7:
        return pass(static_cast<std::int64_t>(below(2'500)));
      case 8:
        return make_note();
      case 9:
        return move_note();
      case 10:
        return delete_note();
      case 11:
        return below(3) == 0 ? restart() : pass(400);
      default:
        return server_->run();
    }
  }

  void type(std::size_t note) {
    Peer& peer = *server_->peers[below(server_->peers.size())];
    const std::string document = wire(run_.notes[note].id);
    const std::string body = peer.body(document);
    const std::size_t line = body.find('\n', below(body.size() + 1));
    const std::size_t at = line == std::string::npos ? 0 : line + 1;
    const std::string mark = new_mark(note);
    peer.edit(document, [&](crdt::Doc& doc) {
      doc.text("body").insert(utf16_length(body.substr(0, at)), mark + "\n");
    });
    if (below(3) != 0) server_->run();
  }

  void burst() {
    const std::size_t note = some_note();
    for (int i = 0; i < kBurst; ++i) {
      type(note);
      server_->run();
    }
    restart();
  }

  // An editor that saves as it should: beside it, synced, renamed, synced.
  void save(const std::string& path, const std::string& bytes) {
    run_.by_person.insert(bytes);
    const fs::path target = dir_.path() / path;
    if (const fs::path folder = target.parent_path(); !fs::exists(folder)) {
      fs::create_directory(folder);
      sync_folder(folder.parent_path());
    }
    const fs::path draft = target.parent_path() / ".draft";
    const int fd = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    DX_CHECK(fd >= 0);
    DX_CHECK(::write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
    DX_CHECK(::fsync(fd) == 0);
    (void)::close(fd);
    DX_CHECK(::rename(draft.c_str(), target.c_str()) == 0);
    sync_folder(target.parent_path());
  }
  static void sync_folder(const fs::path& folder) {
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY);
    DX_CHECK(fd >= 0 && ::fsync(fd) == 0);
    (void)::close(fd);
  }

  void person_edits() {
    const std::size_t note = some_note();
    const auto file = server_->workspace().file(run_.notes[note].id);
    if (!file || file->deleted || !dir_.exists(file->path)) return;
    const std::string mark = new_mark(note);
    save(file->path, dir_.read(file->path) + mark + "\n");
    run_.marks[mark].saved = now();
    tell(file->path);
  }

  // The watcher tells at once, or the event is lost.
  void tell(const std::string& path) {
    if (below(4) == 0) return;
    server_->workspace().disk().paths_changed({*WorkspacePath::parse(path)});
    if (below(2) == 0) server_->run();
  }

  void make_note() {
    const std::string path = fmt::format("{}n{}.md", below(2) == 0 ? "new/" : "", ++made_);
    const auto id = server_->workspace().notes().create(
        {.title = fmt::format("Note {}", made_), .path = path, .parent = {}, .body = "Begun.\n"});
    DX_CHECK(id.has_value());
    (void)know(*id);
    server_->run();
    for (auto& peer : server_->peers) peer->open(wire(*id));
    server_->run();
  }

  void move_note() {
    const std::size_t note = some_note();
    const std::string to = fmt::format("{}moved-{}.md", below(2) == 0 ? "sub/" : "", ++made_);
    DX_CHECK(server_->workspace()
                 .notes()
                 .change(run_.notes[note].id, {.title = {}, .path = to, .parent = {}})
                 .has_value());
    server_->run();
  }

  void delete_note() {
    std::size_t live = 0;
    for (const CrashRun::Note& note : run_.notes) live += note.gone == SIZE_MAX ? 1 : 0;
    if (live < 3) return;
    const std::size_t note = some_note();
    const auto file = server_->workspace().file(run_.notes[note].id);
    run_.notes[note].gone = now();
    if (below(2) == 0) {
      DX_CHECK(server_->workspace().notes().remove(run_.notes[note].id).has_value());
      server_->run();
      return;
    }
    const fs::path target = dir_.path() / file->path;
    if (!fs::exists(target)) return;
    DX_CHECK(::unlink(target.c_str()) == 0);
    sync_folder(target.parent_path());
    tell(file->path);
  }

  void pass(std::int64_t ms) {
    for (std::int64_t passed = 0; passed < ms; passed += 100) {
      clock_.advance(100);
      server_->run();
    }
  }

  void restart() {
    stop(below(2) == 0);
    start();
  }

  void note_what_was_told() {
    CrashRun::Held held{now(), {}};
    for (const auto& peer : server_->peers) {
      for (const auto& [document, doc] : peer->docs()) {
        for (const auto& [mark, count] : count_marks(doc->text("body").to_string())) {
          CrashRun::Mark& known = run_.marks.at(mark);
          // Its own typing is told to nobody by being on its own screen.
          auto& seen = seen_by_[mark];
          seen.insert(peer->id());
          if (seen.size() > 1) known.shown = std::min(known.shown, now());
        }
      }
    }
    // What the first one was told. It has no unsent edits: everything it typed was sent in a turn
    // that ended.
    if (server_->peers.empty()) return;
    for (const auto& [document, doc] : server_->peers.front()->docs())
      held.docs[document] = doc->encode_state_as_update();
    run_.held.push_back(std::move(held));
  }

  void note_written(const sync::DiskResult& result) {
    if (!result.status) return;
    if (const auto* write = std::get_if<sync::WriteTask>(&result.task))
      run_.settled[write->path.str()].push_back(now());
  }

  void find_versions() {
    for (std::size_t step = 0; step <= now(); ++step) {
      if (step > 0 && !run_.disk.describe(step - 1).starts_with("names")) continue;
      const DiskImage image = run_.disk.live(step);
      for (const auto& [path, file] : image.files) {
        run_.last_mtime_ns = std::max(run_.last_mtime_ns, file.mtime_ns);
        if (!is_note(path)) continue;
        auto& versions = run_.versions[path];
        if (versions.empty()) versions.push_back({0, std::nullopt});
        if (versions.back().bytes != file.bytes) versions.push_back({step, file.bytes});
      }
      for (auto& [path, versions] : run_.versions) {
        if (versions.back().bytes && !image.files.contains(path))
          versions.push_back({step, std::nullopt});
      }
    }
  }

  CrashRun& run_;
  SeededRandom chance_;
  SeededRandom random_;
  ManualClock clock_;
  TempDir dir_;
  CrashRecorder recorder_;
  std::unique_ptr<Server> server_;
  std::map<std::string, std::set<sync::ConnectionId>> seen_by_;
  int made_ = 0;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::start(const fs::path& root, const Clock& clock,
                                              Random& random) {
  std::unique_ptr<Server> server(new Server(clock));
  DX_TRY(server->workspace_,
         Workspace::open({.root = root, .access = Access::Create}, clock, random));
  DX_TRY(server->files_, filesystem::DiskTree::open(root));
  return server;
}

void Server::run() {
  Workspace& w = *workspace_;
  for (int turns = 0; turns < 10'000; ++turns) {
    w.tick();
    const sync::Turn turn = w.end_turn();
    for (const auto& peer : peers) peer->take(turn);
    after_turn();
    std::vector<sync::DiskTask> tasks = w.disk().take_tasks();
    for (sync::DiskTask& task : tasks) {
      sync::DiskResult result = sync::run_disk_task(*files_, std::move(task));
      after_task(result);
      w.disk().complete(std::move(result));
    }
    const auto due = w.disk().next_due_ms();
    if (turn.sends.empty() && turn.closes.empty() && tasks.empty() && w.turn_work() == 0 &&
        !(due && *due <= clock_.steady_ms()))
      return;
  }
  constexpr bool kComesToRest = false;
  DX_CHECK(kComesToRest);
}

Peer& Server::connect(sync::ConnectionId id, std::uint64_t client_id) {
  peers.push_back(std::make_unique<Peer>(workspace_->hub(), id, client_id));
  return *peers.back();
}

std::map<std::string, int> count_marks(const std::string& text) {
  std::map<std::string, int> counts;
  for (std::size_t at = text.find("<m"); at != std::string::npos; at = text.find("<m", at + 1)) {
    const std::size_t end = text.find('>', at);
    if (end != std::string::npos) ++counts[text.substr(at, end - at + 1)];
  }
  return counts;
}

CrashRun::CrashRun(std::uint64_t seed, bool ignore_syncs) {
  Life(*this, seed, ignore_syncs).live();
  forget_restored();
}

}  // namespace diaryx::test
