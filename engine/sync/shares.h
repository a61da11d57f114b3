// Share sessions: codes with which guests may open the workspace, for reading or for writing, for a
// time or until they are ended. Kept in the store, so that they live on when the server restarts.
//
//   code    "XXXXXXXX-XXXXXXXX" of A-Z and 0-9: 82 bits. Compared in any case of letters.
//   stored  meta "share/<code>" = {"read_only":bool,"created_ms":N,"expires_ms":N} (0: never)
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/random.h"
#include "engine/base/result.h"
#include "engine/storage/store.h"

namespace diaryx::sync {

struct Share {
  std::string code;
  bool read_only = false;
  std::int64_t created_ms = 0;  // Wall.
  std::int64_t expires_ms = 0;  // Wall; 0: never.

  bool expired(std::int64_t wall_ms) const noexcept {
    return expires_ms != 0 && expires_ms <= wall_ms;
  }
};

// Changes are made at once here and by `queue` in the turn's transaction; after a turn that could
// not be made durable, load() says what holds.
class Shares {
 public:
  using Queue = std::function<void(std::function<Status(storage::Store&)>)>;
  Shares(Queue queue, std::size_t limit) : queue_(std::move(queue)), limit_(limit) {}

  // Takes over what is stored. Entries that cannot be read are left alone and not let in.
  Status load(storage::Store& store);

  // LimitExceeded if there are too many.
  Result<Share> create(Random& random, bool read_only, std::int64_t created_ms,
                       std::int64_t expires_ms);
  // Null if there is none; an expired one is still found until take_expired(). `code` in any case.
  // Valid until the next change.
  const Share* find(std::string_view code) const;
  // False if there is none.
  bool set_read_only(std::string_view code, bool read_only);
  bool end(std::string_view code);
  // Ends those whose time has come, and names them.
  std::vector<Share> take_expired(std::int64_t wall_ms);

  std::vector<Share> all() const;  // By code.
  // Goes up with every change.
  std::uint64_t version() const noexcept { return version_; }

  static std::string make_code(Random& random);
  static std::string canonical(std::string_view code);  // Upper case.

 private:
  void store(const Share& share);

  Queue queue_;
  std::size_t limit_;
  std::map<std::string, Share, std::less<>> shares_;
  std::uint64_t version_ = 0;
};

}  // namespace diaryx::sync
