// Puts objects into a repository so that none of them is ever there by half, not even after a power
// cut.
//
// A handful of objects is written the way git does it, one file each, each synced (libgit2 is set
// up so). Many objects go into one pack, which costs two syncs instead of thousands: 5,000 synced
// files take seconds, a pack of them takes less than git needs without any sync. Objects are held
// in memory until then, at most kMaxPendingBytes.
//
//   pack   := "PACK" version:u32be=2 count:u32be  object[count]  sha1[20] of all before it
//   object := head  zlib(bytes)
//   head   := first:u8 more:u8*     first = more? 0x80 | type << 4 | size & 15, then seven bits a
//   time, lowest first type   := 1 commit, 2 tree, 3 blob
//
// libgit2's indexer reads the pack back, checks it and makes the .idx file.
#pragma once

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "engine/base/result.h"
#include "engine/history/git.h"

namespace diaryx::history {

// Up to this many new objects are written loose. Two hundred small packs a year would be worse than
// a few loose files.
inline constexpr std::size_t kMaxLooseObjects = 64;
inline constexpr std::size_t kMaxPendingBytes = 32U << 20U;

class ObjectWriter {
 public:
  // `odb` must outlive it.
  explicit ObjectWriter(git_odb* odb) : odb_(odb) {}

  // The id of the object. It is in the repository after flush(), or now if the repository has it
  // already.
  Result<git_oid> add(git_object_t type, std::string bytes);
  // Writes what is pending. After an error the pending objects are still pending.
  Status flush();

 private:
  struct Pending {
    git_object_t type;
    std::string bytes;
  };
  Status write_loose();
  Status write_pack();

  git_odb* odb_;
  std::vector<Pending> pending_;
  std::unordered_set<std::string> pending_ids_;  // Raw ids, 20 octets.
  std::size_t pending_bytes_ = 0;
};

}  // namespace diaryx::history
