// Disk, documents and peers under random edits, moves, crashes and reconnects. Every edit puts in
// or takes out one marker; in the end each marker that was put in and not taken out is there
// exactly once, everywhere, and everybody holds the same text.
//
// DIARYX_SEED=n replays one seed; DIARYX_SEEDS=n runs so many (default 40).
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>

#include <doctest/doctest.h>
#include <fmt/core.h>

#include "engine/base/utf.h"
#include "engine/filesystem/disk_tree.h"
#include "tests/support/environment.h"
#include "tests/support/live_world.h"
#include "tests/support/temp_dir.h"

using namespace diaryx;
using test::Peer;
using test::World;
namespace fs = std::filesystem;

namespace {

constexpr int kFiles = 4;
constexpr int kSteps = 120;
constexpr char32_t kFirstMarker = 0x4E00;
constexpr char32_t kFirstWideMarker = 0x20000;

class Simulation {
 public:
  explicit Simulation(std::uint64_t seed) : chance_(seed) {
    for (int i = 0; i < kFiles; ++i) {
      dir_.write(fmt::format("n{}.md", i),
                 fmt::format("---\ntitle: Note {}\n---\nFirst line {}.\n\nLast lïne 😀.\n", i, i));
    }
    store_ = (dir_.path() / ".store.db").string();
    world_ = std::make_unique<World>(*files_, seed, store_);
    world_->reconcile();
    for (int i = 0; i < kFiles; ++i) ids_.push_back(world_->id_at(fmt::format("n{}.md", i)));
    for (int i = 0; i < 2; ++i) {
      Peer& peer = world_->connect();
      for (const std::string& id : ids_) peer.open(world_->wire(id));
    }
    world_->run();
  }

  void run() {
    for (int i = 0; i < kSteps; ++i) step();
    // The storm is over.
    for (auto& peer : world_->peers) come_back(*peer);
    for (int i = 0; i < 4; ++i) world_->reconcile();
  }

  void check() {
    std::map<std::string, int> seen;
    for (const std::string& id : ids_) {
      const auto path = world_->live->documents().metadata().path_of(id);
      REQUIRE(path);
      const std::string file = dir_.read(*path);
      const std::string body = *world_->live->documents().body_text(id);
      CHECK(file.ends_with("---\n" + body));
      for (auto& peer : world_->peers) CHECK(peer->body(world_->wire(id)) == body);
      for (const std::string& marker : markers_in(body)) ++seen[marker];
      CHECK(world_->live->documents().workspace().doc->check_invariants());
    }
    for (const std::string& marker : expected_) {
      CAPTURE(marker);
      CHECK(seen[marker] == 1);
    }
    for (const auto& entry : seen) {
      const std::string& marker = entry.first;
      CAPTURE(marker);
      CHECK(expected_.contains(marker));
    }
    CHECK(world_->live->disk().problems().empty());
    CHECK(world_->live->disk().idle());
  }

 private:
  std::uint64_t below(std::uint64_t n) { return chance_.below(n); }
  // One character that is nowhere else: half of them take two UTF-16 units.
  std::string new_marker() {
    std::string marker;
    ++markers_;
    append_code_point(
        marker,
        static_cast<char32_t>((markers_ % 2 == 0 ? kFirstMarker : kFirstWideMarker) + markers_));
    return marker;
  }
  static bool is_marker(char32_t c) {
    return (c >= kFirstMarker && c < kFirstMarker + 10'000) || c >= kFirstWideMarker;
  }
  static std::vector<std::string> markers_in(const std::string& text) {
    std::vector<std::string> all;
    for (std::size_t at = 0; at < text.size();) {
      const CodePoint c = code_point_at(text, at);
      if (is_marker(c.value)) all.push_back(text.substr(at, c.bytes));
      at += c.bytes;
    }
    return all;
  }

  // A place between two characters.
  std::size_t place_in(const std::string& text, std::size_t from) {
    std::size_t at = from + below(text.size() - from + 1);
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) ++at;
    return at;
  }
  std::optional<std::string> marker_in(const std::string& text) {
    const std::vector<std::string> all = markers_in(text);
    if (all.empty()) return std::nullopt;
    return all[below(all.size())];
  }

  void step() {
    switch (below(12)) {
      case 0:
      case 1:
      case 2:
        return peer_edit();
      case 3:
      case 4:
      case 5:
        return disk_edit();
      case 6:
        return move_on_disk();
      case 7:
        return world_->pass(static_cast<std::int64_t>(below(700)));
      case 8:
        return world_->run();
      case 9:
        return below(3) == 0 ? world_->reconcile() : world_->pass(100);
      case 10: {
        Peer& peer = *world_->peers[below(world_->peers.size())];
        if (below(2) == 0) {
          world_->run();
          peer.disconnect();
        } else {
          come_back(peer);
        }
        return;
      }
      default:
        return crash();
    }
  }

  void peer_edit() {
    Peer& peer = *world_->peers[below(world_->peers.size())];
    const std::string wire = world_->wire(ids_[below(ids_.size())]);
    const std::string body = peer.body(wire);
    if (below(4) == 0) {
      if (const auto marker = marker_in(body)) {
        const std::size_t at = body.find(*marker);
        peer.edit(wire, [&](crdt::Doc& doc) {
          doc.text("body").erase(utf16_length(body.substr(0, at)), utf16_length(*marker));
        });
        expected_.erase(*marker);
      }
    } else {
      const std::string marker = new_marker();
      const std::size_t at = place_in(body, 0);
      peer.edit(wire, [&](crdt::Doc& doc) {
        doc.text("body").insert(utf16_length(body.substr(0, at)), marker);
      });
      expected_.insert(marker);
    }
    if (below(2) == 0) world_->run();
  }

  // Like `sed -i`: reads the file as it is and replaces it.
  void disk_edit() {
    const std::optional<std::string> path = some_file();
    if (!path) return;
    std::string text = dir_.read(*path);
    const std::size_t body_at = text.find("---\n", 4) + 4;
    if (below(4) == 0) {
      const auto marker = marker_in(text);
      if (!marker) return;
      text.erase(text.find(*marker), marker->size());
      expected_.erase(*marker);
    } else {
      const std::string marker = new_marker();
      text.insert(place_in(text, body_at), marker);
      expected_.insert(marker);
    }
    if (below(2) == 0) {
      dir_.write(".new", text);
      fs::rename(dir_.path() / ".new", dir_.path() / *path);
    } else {
      dir_.write(*path, text);
    }
    told({*path});
  }

  // A file is told by its inode or its content when it turns up elsewhere. Change both, and the
  // name, while nobody looks, and it is another file: so we have looked before it moves.
  void move_on_disk() {
    const std::optional<std::string> path = some_file();
    if (!path) return;
    world_->live->disk().paths_changed({*WorkspacePath::parse(*path)});
    world_->run();
    const std::string to = fmt::format("{}moved-{}.md", below(2) == 0 ? "sub/" : "", ++moves_);
    fs::create_directories((dir_.path() / to).parent_path());
    fs::rename(dir_.path() / *path, dir_.path() / to);
    world_->live->disk().paths_changed({*WorkspacePath::parse(to)});
    world_->run();
  }

  // The watcher tells at once, or the event is lost and a later rescan finds it.
  void told(const std::set<std::string>& paths) {
    if (below(4) == 0) return;
    std::set<WorkspacePath> changed;
    for (const std::string& path : paths) changed.insert(*WorkspacePath::parse(path));
    world_->live->disk().paths_changed(changed);
    if (below(2) == 0) world_->run();
  }

  std::optional<std::string> some_file() {
    const auto listing = files_->list();
    std::vector<std::string> paths;
    for (const auto& file : listing->files) paths.push_back(file.path.str());
    if (paths.empty()) return std::nullopt;
    return paths[below(paths.size())];
  }

  void crash() {
    // A turn may have been made durable, and some of its work done on disk, before it happens.
    if (below(2) == 0) {
      world_->clock.advance(static_cast<std::int64_t>(below(1'000)));
      (void)world_->live->end_turn();
      std::vector<sync::DiskTask> tasks = world_->live->disk().take_tasks();
      const std::uint64_t done = below(tasks.size() + 1);
      for (std::uint64_t i = 0; i < done; ++i)
        (void)sync::run_disk_task(*files_, std::move(tasks[i]));
    }
    world_->restart();
    world_->live->disk().rescan();
    if (below(2) == 0) world_->reconcile();
    for (auto& peer : world_->peers) {
      if (below(2) == 0) come_back(*peer);
    }
  }

  void come_back(Peer& peer) {
    peer.disconnect();
    peer.reconnect(*world_->live, next_connection_++);
    world_->run();
  }

  test::TempDir dir_;
  std::unique_ptr<filesystem::DiskTree> files_ =
      std::move(*filesystem::DiskTree::open(dir_.path()));
  SeededRandom chance_;
  std::string store_;
  std::unique_ptr<World> world_;
  std::vector<std::string> ids_;
  std::set<std::string> expected_;
  std::uint64_t markers_ = 0;
  std::uint64_t moves_ = 0;
  sync::ConnectionId next_connection_ = 1'000;
};

}  // namespace

TEST_SUITE("simulation/two_way") {
  TEST_CASE("no text is lost and none doubled, whatever happens in whatever order") {
    const std::uint64_t one = test::number_from("DIARYX_SEED", 0);
    const std::uint64_t first = one != 0 ? one : 1;
    const std::uint64_t last = one != 0 ? one : test::number_from("DIARYX_SEEDS", 40);
    for (std::uint64_t seed = first; seed <= last; ++seed) {
      CAPTURE(seed);
      Simulation simulation(seed);
      simulation.run();
      simulation.check();
    }
  }
}
