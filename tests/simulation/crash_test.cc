// The power fails at every step on the disk in turn, and what was not synced is lost, kept, torn or
// mixed. Whatever the disk holds then:
//
//   - the database opens, and nothing in it is damaged;
//   - what somebody was told is in the documents, once; what the person saved is there, once;
//   - each note on disk is whole: one of the versions it had, never a part of one;
//   - the ledger is true: where nothing is pending, its base is what documents and disk agreed on;
//   - no temporary files stay; disk and documents come to the same, and a second look changes
//     nothing;
//   - a peer that was told comes back with what it holds: nothing is doubled.
//
// Then the power fails once more while all this is being set right, and the same holds.
//
// Also: the same on a disk that says it has synced and has not. There faults must be found.
//
// DIARYX_SEED=n runs one seed at every step in every way; DIARYX_SEEDS=n runs so many of them
// (default: one, each step once).
#include <algorithm>
#include <cstdlib>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "engine/base/posix.h"
#include "engine/storage/store.h"
#include "tests/simulation/crash_run.h"
#include "tests/support/crash_shim.h"
#include "tests/support/environment.h"

namespace diaryx::test {
namespace {

namespace fs = std::filesystem;

using Faults = std::vector<std::string>;

// Of one file's texts.
struct Texts {
  std::map<std::string, std::string> by_path;
  std::string at(const std::string& path) const {
    const auto it = by_path.find(path);
    return it == by_path.end() ? "" : it->second;
  }
  std::map<std::string, int> marks() const {
    std::map<std::string, int> all;
    for (const auto& [path, text] : by_path) {
      for (const auto& [mark, count] : count_marks(text)) all[mark] += count;
    }
    return all;
  }
};

class Aftermath {
 public:
  // What is promised at that step of the run, on a disk that holds `image`. `again`: not the first
  // failure; notes may have become one that neither side knew.
  Aftermath(const CrashRun& run, std::size_t step, DiskImage image, std::uint64_t seed, bool again)
      : run_(run), step_(step), again_(again), random_(seed), image_(std::move(image)) {
    restore(image_, dir_.path());
    clock_.advance(run.last_mtime_ns / 1'000'000 + 3'600'000 - clock_.wall_ms());
  }
  ~Aftermath() {
    server_.reset();
    recorder_.reset();
    forget_restored();
  }

  // What was done to the disk meanwhile goes there.
  void record(CrashDisk& disk) { recorder_ = std::make_unique<CrashRecorder>(dir_.path(), disk); }

  Faults look() {
    if (!again_) check_files();
    const bool had_store = dir_.exists(".diaryx/store.db");
    const CrashRun::Held* held = last_held();
    if (!had_store && held != nullptr) fault("the store is gone, and somebody was told things");
    auto started = Server::start(dir_.path(), clock_, random_);
    if (!started) {
      fault("does not open: " + started.error().message);
      return faults_;
    }
    server_ = std::move(*started);
    if (held != nullptr && server_->workspace().info().epoch != run_.epoch)
      fault("another epoch than peers were told");
    check_store();
    check_told("in the documents", rendered().marks(), false);
    settle();
    if (faults_.empty() && held != nullptr) peer_comes_back(*held);
    server_.reset();
    return faults_;
  }

 private:
  void fault(std::string what) { faults_.push_back(std::move(what)); }

  const CrashRun::Held* last_held() const {
    const CrashRun::Held* last = nullptr;
    for (const CrashRun::Held& held : run_.held) {
      if (held.step <= step_) last = &held;
    }
    return last;
  }

  // Each note is whole: a version that it had, not older than what the engine was told is there.
  void check_files() {
    for (const auto& [path, versions] : run_.versions) {
      std::size_t since = 0;
      if (const auto it = run_.settled.find(path); it != run_.settled.end()) {
        for (const std::size_t settled : it->second) {
          if (settled <= step_) since = settled;
        }
      }
      const auto found = image_.files.find(path);
      const auto there =
          found == image_.files.end() ? std::nullopt : std::optional(found->second.bytes);
      bool known = false;
      for (std::size_t i = 0; i < versions.size() && versions[i].step <= step_; ++i) {
        const bool replaced = i + 1 < versions.size() && versions[i + 1].step <= since;
        known = known || (!replaced && versions[i].bytes == there);
      }
      if (!known)
        fault(fmt::format("{}: neither old nor new: {}", path, there ? *there : "not there"));
    }
  }

  void check_store() {
    auto store =
        storage::Store::open(dir_.path() / ".diaryx/store.db", storage::OpenMode::ReadOnly);
    if (!store) return fault("store: " + store.error().message);
    const auto damage = (*store)->verify();
    if (!damage) return fault("store: " + damage.error().message);
    for (const std::string& line : *damage) fault("store: " + line);
    const auto stamps = (*store)->ledger_stamps();
    if (!stamps) return fault("ledger: " + stamps.error().message);
    const Texts documents = rendered();
    const auto ahead = server_->workspace().pending();
    for (const storage::LedgerStamp& stamp : *stamps) {
      if (stamp.has_pending || stamp.path.empty()) continue;
      const auto entry = (*store)->ledger(stamp.file_id);
      if (!entry || !*entry) {
        fault(stamp.path + ": its entry in the ledger cannot be read");
        continue;
      }
      const std::string& base = (*entry)->base;
      const bool is_ahead = std::find(ahead->begin(), ahead->end(), stamp.path) != ahead->end();
      const auto document = server_->workspace().file(stamp.file_id);
      const bool moved = !document || document->deleted || document->path != stamp.path;
      if (!moved && !is_ahead && documents.at(stamp.path) != base)
        fault(stamp.path + ": the ledger's base is not what the documents say");
      const auto file = image_.files.find(stamp.path);
      if (file != image_.files.end() && file->second.bytes != base &&
          !run_.by_person.contains(file->second.bytes) && !again_)
        fault(stamp.path + ": the ledger's base is not what the disk says");
    }
  }

  Texts rendered() {
    Texts texts;
    const auto files = server_->workspace().render();
    if (!files) {
      fault("render: " + files.error().message);
      return texts;
    }
    for (const auto& [path, bytes] : *files) texts.by_path[path.str()] = bytes;
    return texts;
  }

  Texts on_disk() {
    Texts texts;
    for (fs::recursive_directory_iterator it(dir_.path()), end; it != end; ++it) {
      const std::string path = fs::relative(it->path(), dir_.path()).string();
      if (path == ".diaryx/trash") {
        it.disable_recursion_pending();
        continue;
      }
      if (is_temporary_name(it->path().filename().string()))
        fault(path + ": a temporary file has stayed");
      if (path.ends_with(".md") && !path.starts_with('.')) texts.by_path[path] = dir_.read(path);
    }
    return texts;
  }

  void check_told(const std::string& where, const std::map<std::string, int>& marks, bool saved) {
    for (const auto& [mark, known] : run_.marks) {
      const auto it = marks.find(mark);
      const int count = it == marks.end() ? 0 : it->second;
      if (count > 1) fault(fmt::format("{} is {} times {}", mark, count, where));
      const bool promised = known.shown <= step_ || (saved && known.saved <= step_);
      if (promised && count == 0 && run_.notes[known.note].gone > step_)
        fault(fmt::format("{} was {}, and is not {}", mark,
                          known.shown <= step_ ? "shown to a peer" : "saved by the person", where));
    }
  }

  void settle() {
    const auto first = server_->workspace().reconcile();
    if (!first) return fault("reconcile: " + first.error().message);
    const Texts documents = rendered();
    const Texts files = on_disk();
    check_told("in the documents afterwards", documents.marks(), true);
    check_told("in the files afterwards", files.marks(), true);
    if (documents.by_path != files.by_path) fault("files and documents differ");
    const auto second = server_->workspace().reconcile();
    if (!second) return fault("reconcile again: " + second.error().message);
    if (second->updated != first->updated || second->written != first->written ||
        second->deleted != first->deleted)
      fault("a second look changed something");
  }

  void peer_comes_back(const CrashRun::Held& held) {
    constexpr std::uint64_t kClient = 77;
    Peer& peer = server_->connect(1'000, kClient);
    peer.disconnect();
    std::map<std::string, std::string> typed;
    for (const auto& [wire, state] : held.docs) {
      crdt::Doc& doc = peer.open(wire);
      if (!doc.apply_update(state, crdt::Origin{1})) return fault("what a peer holds is no update");
      const std::string mark = fmt::format("<late {}>", typed.size());
      doc.transact([&] { doc.text("body").insert(0, mark + "\n"); });
      typed[wire] = mark;
    }
    peer.reconnect(server_->workspace().hub(), 1'001);
    server_->run();
    server_->workspace().disk().hurry();
    server_->run();
    const Texts documents = rendered();
    check_told("in the documents when a peer has come back", documents.marks(), true);
    for (const auto& [wire, mark] : typed) {
      const std::string id = wire.substr(wire.rfind('/') + 1);
      const auto file = server_->workspace().file(id);
      if (!file || file->deleted) continue;
      if (peer.body(wire).find(mark) == std::string::npos) fault(mark + " is lost");
      if (!documents.at(file->path).ends_with(peer.body(wire)))
        fault(file->path + ": the peer that has come back holds another text");
    }
    if (documents.by_path != on_disk().by_path) fault("files and documents differ in the end");
  }

  const CrashRun& run_;
  std::size_t step_;
  bool again_;
  SeededRandom random_;
  ManualClock clock_;
  TempDir dir_;
  DiskImage image_;
  std::unique_ptr<CrashRecorder> recorder_;
  std::unique_ptr<Server> server_;
  Faults faults_;
};

constexpr Loss kLosses[] = {Loss::Everything, Loss::Random, Loss::Nothing, Loss::Torn,
                            Loss::Random};

// How many states of the disk were looked at, and what was wrong with them.
struct Tally {
  std::uint64_t states = 0;
  Faults faults;
};

void look_at(const CrashRun& run, std::uint64_t seed, std::size_t step, std::size_t way,
             Tally& tally) {
  const std::string where =
      fmt::format("seed {}, power lost after step {} of {} ({}), {}", seed, step, run.disk.steps(),
                  step == 0 ? "the start" : run.disk.describe(step - 1), to_string(kLosses[way]));
  SeededRandom random(seed * 1'000'003 + step * 7 + way);
  const DiskImage image = run.disk.after_crash(step, kLosses[way], random);
  CrashDisk disk(image);
  const std::size_t before = disk.steps();
  {
    Aftermath first(run, step, image, random.next(), false);
    first.record(disk);
    ++tally.states;
    for (const std::string& fault : first.look()) tally.faults.push_back(where + ": " + fault);
  }
  if (disk.steps() == before) return;
  const std::size_t again = before + random.below(disk.steps() - before + 1);
  const Loss loss = kLosses[random.below(std::size(kLosses))];
  Aftermath second(run, step, disk.after_crash(again, loss, random), random.next(), true);
  ++tally.states;
  for (const std::string& fault : second.look()) {
    tally.faults.push_back(fmt::format("{}; then after step {} of {} ({}), {}: {}", where,
                                       again - before, disk.steps() - before,
                                       disk.describe(again - 1), to_string(loss), fault));
  }
}

}  // namespace

TEST_SUITE("simulation/crash") {
  TEST_CASE("whenever the power fails, what was told is there, whole and once") {
    constexpr std::size_t kMostShown = 20;
    const std::uint64_t one = test::number_from("DIARYX_SEED", 0);
    const std::uint64_t seeds = test::number_from("DIARYX_SEEDS", 0);
    const std::uint64_t first = one != 0 ? one : 1;
    const std::uint64_t last = one != 0 ? one : std::max<std::uint64_t>(seeds, 1);
    const bool every_way = one != 0 || seeds != 0;
    Tally tally;
    for (std::uint64_t seed = first; seed <= last; ++seed) {
      const CrashRun run(seed);
      REQUIRE(run.disk.steps() > 300);
      for (std::size_t step = 0; step <= run.disk.steps(); ++step) {
        if (!every_way) {
          look_at(run, seed, step, step % std::size(kLosses), tally);
          continue;
        }
        for (std::size_t way = 0; way < std::size(kLosses); ++way)
          look_at(run, seed, step, way, tally);
      }
    }
    MESSAGE(fmt::format("seeds {} to {}: {} states of the disk", first, last, tally.states));
    for (std::size_t i = 0; i < std::min(tally.faults.size(), kMostShown); ++i)
      FAIL_CHECK(tally.faults[i]);
    CHECK(tally.faults.size() == 0);
  }

  TEST_CASE("a disk that only says it has synced is found out") {
    const CrashRun run(1, /*ignore_syncs=*/true);
    Tally tally;
    for (std::size_t step = run.disk.steps() / 2; step <= run.disk.steps(); step += 40) {
      look_at(run, 1, step, 0, tally);
      look_at(run, 1, step, 1, tally);
    }
    CHECK(tally.faults.size() > tally.states / 4);
  }
}

}  // namespace diaryx::test
