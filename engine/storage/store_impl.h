// What Store is made of. Only for the sources of storage/.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include <sys/types.h>

#include "engine/storage/sqlite.h"
#include "engine/storage/store.h"
#include "engine/storage/turn_log.h"

namespace diaryx::storage {

struct DocRow {
  std::int64_t id;
  std::int64_t last_seq;
};

struct Store::Impl {
  explicit Impl(Database database) : db(std::move(database)) {}

  Database db;
  bool read_only = false;
  bool in_memory = false;
  bool without_wal = false;  // Of a fresh file, until the first document or file is in it.
  // How much data_version has changed by our own switching to WAL.
  std::int64_t own_version_changes = 0;
  bool open_transaction = false;
  // The first failure inside the open transaction: a part of a call may have been written, so it
  // can only be rolled back.
  std::optional<Error> failed;
  // Which file the database was when we opened it.
  dev_t device = 0;
  ino_t inode = 0;

  // Documents that were appended to, so that the next append need not look for them. Good as long
  // as nobody else writes, nothing is rolled back and no document is folded, renamed or removed.
  std::unordered_map<std::string, DocRow> appended;
  std::int64_t data_version = -1;  // Of the database, when the first of them was noted.
  Status forget_what_others_changed();
  TurnLog turns;

  enum class Kind { Read, Write };
  Kind kind = Kind::Read;  // Of the open transaction.
  Status begin(Kind wanted);
  Status commit();
  void rollback() noexcept;
  void use_wal_if_filled() noexcept;
  // That the path still leads to the file that we write: else all that follows would be lost with
  // it.
  Status check_still_there() const;

  // Runs `body` in the open transaction, or in one of its own.
  template <class F>
  auto within(Kind wanted, const F& body) -> decltype(body()) {
    if (open_transaction) {
      if (failed) return *failed;
      auto result = body();
      if (!result && wanted == Kind::Write && poisons(result.error().code)) failed = result.error();
      return result;
    }
    DX_TRY_OK(begin(wanted));
    auto result = body();
    if (!result) {
      rollback();
      return result;
    }
    if (Status done = commit(); !done) return std::move(done).error();
    return result;
  }

  // Refusals are given before anything is written.
  static bool poisons(ErrorCode code) {
    return code != ErrorCode::AlreadyExists && code != ErrorCode::Conflict &&
           code != ErrorCode::NotFound && code != ErrorCode::InvalidArgument;
  }
};

}  // namespace diaryx::storage
