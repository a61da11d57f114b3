// A world for simulations of other programs at work in the folder: a disk in memory, documents,
// peers, and one that edits, moves and deletes files behind our back. Says in the end what is
// wrong.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "engine/filesystem/memory_tree.h"
#include "tests/support/live_world.h"

namespace diaryx::test {

class EditorsWorld {
 public:
  explicit EditorsWorld(std::uint64_t seed);

  // Something happens: an edit somewhere, a part of a turn, a failure, time passes.
  void step();
  // All faults are over, all saves finished, everybody is back, and it is quiet.
  void come_to_rest();
  // What is not as it must be then.
  std::vector<std::string> wrong();
  std::uint64_t steps() const { return files_.steps(); }

 private:
  // A save that takes more than one step. Nobody else touches the file meanwhile.
  struct Save {
    enum class Kind { Emptied, Backup, Gap } kind;
    std::string path;   // Where the file is to be.
    std::string bytes;  // What it is to hold.
    std::uint64_t handle = 0;
    int stage = 0;
    std::int64_t until_ms;  // It goes on at this time, if not before.
  };

  std::uint64_t below(std::uint64_t n) { return chance_.below(n); }
  bool one_in(std::uint64_t n) { return below(n) == 0; }
  std::string new_marker();
  std::string new_tag();
  std::string new_text();
  std::string new_words();
  std::size_t place_in(const std::string& text, std::size_t from);
  // Markers (or tags) in a text.
  std::vector<std::string> markers_in(const std::string& text) const;
  std::set<std::string> tags_in(const std::string& text) const;

  // Other programs (editors_programs.cc).
  static std::span<const char* const> paths();  // That a note may get.
  void program();
  void save_changed();
  void save_unchanged();
  void start_file();
  void move_file();
  void move_folder();
  void delete_file();
  void change_mode();
  void obstacle();
  void go_on(Save& save);
  void finish_saves(bool all);
  std::optional<std::string> some_note();  // A Markdown file that nobody is saving.
  std::optional<std::string> changed(const std::string& path);
  bool seen(const std::string& path);
  bool known_at(const std::string& path);
  std::string new_path();
  bool may_make(const std::string& path);
  void tell(const std::string& path);

  // Peers.
  void peer_type(Peer& peer);
  void peer_record(Peer& peer);
  void peer_new_note(Peer& peer);
  void come_back(Peer& peer);

  // Us.
  void work();
  void turn();
  void advance(std::int64_t ms);
  void run(int turns);
  void crash();
  void power_cut();
  void clean_up();
  void make_way();
  void start_again();

  // What happened, to stderr, if DIARYX_TRACE is set; and where the marker that it holds is now, if
  // that has changed.
  void trace(std::string_view what);
  std::string places_of(const std::string& marker);

  // All that is said in these notes, wherever: it may be deleted from now on.
  void doom(const std::set<std::string>& tags);
  void put_in(const std::string& marker, const std::set<std::string>& tags);
  void take_out(const std::string& marker, const std::set<std::string>& tags);

  SeededRandom chance_;
  ManualClock disk_clock_;
  filesystem::MemoryTree files_{disk_clock_};
  World world_;
  std::deque<sync::DiskTask> tasks_;
  std::vector<Save> saves_;
  std::set<WorkspacePath> told_;
  std::set<std::string> moved_;  // Paths moved to, not yet seen by us there.
  std::set<std::string> obstacles_;
  std::set<std::string> ids_;      // Of all notes that a peer has opened.
  std::set<std::string> deleted_;  // Ids of notes that a peer deleted, if only for a while.
  std::set<std::string> doomed_;
  std::set<std::string> expected_;   // Live, exactly once.
  std::set<std::string> somewhere_;  // Live at most once; live, in a deleted document or the trash.
  std::set<std::string> either_;     // Live at most once.
  std::uint64_t markers_ = 0;
  std::uint64_t tags_ = 0;
  std::uint64_t records_ = 0;
  bool gone_ = false;
  const char* traced_ = nullptr;
  std::string traced_places_;
  sync::ConnectionId next_connection_ = 1'000;
};

}  // namespace diaryx::test
