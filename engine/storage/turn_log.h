// The turns: rows that hold what one append said of many documents (packed.h). They are moved out
// into rows of the documents a few documents at a time, once there are many. Until then what they
// hold of each document is known here.
//
// A document whose updates are among the turns gets none into its own rows before those have been
// moved: so all its rows are older, and of an entry that is found among the turns after a crash
// it is clear whether it was moved.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/result.h"
#include "engine/storage/packed.h"
#include "engine/storage/sqlite.h"

namespace diaryx::storage {

class TurnLog {
 public:
  // What the turns hold of one document.
  struct Waiting {
    std::int64_t last_seq = 0;
    std::size_t count = 0;
    Buffer entries;  // Packed, ascending.
  };

  // Reads it if it is not known, or if somebody else has written since. A turn that is not what was
  // written is no error of all documents: see check().
  Status refresh(Database& db);
  // Corrupt if a turn that holds something of this document is not what was written, or may be: if
  // it cannot be told whose its entries are, every document may lack something.
  Status check(const Database& db, std::int64_t doc) const;
  // After a rollback.
  void forget() noexcept { known_ = false; }

  bool has_turns() const noexcept { return octets_ > 0; }
  // Nothing: its rows are all there is.
  const Waiting* waiting(std::int64_t doc) const;
  // The document's own rows, or its snapshot, hold everything up to and including `seq`.
  void covered(std::int64_t doc, std::int64_t seq);

  // Those below write; within a transaction, after refresh().
  // A turn: its entries come one after the other, then end_turn().
  void add(const PackedUpdate& update);
  Status end_turn(Database& db, std::int64_t time_ms);
  // What waits for this document goes into its rows.
  Status move_out(Database& db, std::int64_t doc);
  // A few documents, if there are many turns.
  Status move_some(Database& db);
  // All of them: no turn is left. While one is damaged they stay where they are, as what repair has
  // to go by: then neither of the two does anything, and is_damaged().
  Status move_all(Database& db);
  bool is_damaged() const noexcept { return damaged_all_ || !damaged_.empty(); }

 private:
  class OwnRows;
  Status read(Database& db);
  // The row is packed with entries of documents that there are.
  static Result<bool> are_sound(Bytes row, OwnRows& own);
  Status note_damage(Bytes row, std::int64_t turn, OwnRows& own);

  bool known_ = false;
  std::int64_t version_ = -1;  // Of the database, when it was read.
  std::unordered_map<std::int64_t, Waiting> waiting_;
  Buffer turn_;  // That is being added to.
  std::int64_t last_turn_ = 0;
  std::size_t octets_ = 0;                                  // Of all turns in the database.
  std::unordered_map<std::int64_t, std::int64_t> damaged_;  // Document → a turn.
  std::optional<std::int64_t> damaged_all_;                 // A turn of which that is not known.

  // Documents yet to be moved before the turns up to this one may go.
  std::vector<std::int64_t> moving_;
  std::size_t at_a_time_ = 0;
  std::int64_t moving_to_ = 0;     // 0: nothing is being moved.
  std::size_t moving_octets_ = 0;  // Of these turns.
};

}  // namespace diaryx::storage
