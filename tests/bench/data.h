// The files of the benchmark data: editing traces, lists of updates, single updates. All integers
// are little-endian u32.
//
//   trace    magic 0x43525450, version 1, count; per edit: position, deleted, size of the insert,
//            its octets (ASCII, so that positions are octets and UTF-16 units alike)
//   updates  magic 0x44505550, version 1, count; per entry: size, octets
//   kv       as updates: keys and values (UTF-8) in turn
//
// Traces and lists are read in batches of about kBatchBytes, so that the memory of a process is
// that of the engine and not that of its input. A missing or cut off file stops the program with
// exit code 2.
#pragma once

#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/bytes.h"

namespace diaryx::bench {

inline constexpr std::size_t kBatchBytes = 128 * 1024;

[[noreturn]] void stop(const std::string& message);

struct Edit {
  std::uint32_t position;
  std::uint32_t deleted;
  std::string_view insert;
};

// The file that a batch comes from.
class BatchSource {
 public:
  BatchSource(const std::string& folder, const std::string& name, std::uint32_t magic);
  std::uint32_t count() const noexcept { return count_; }  // Entries in the whole file.
  std::uint32_t left() const noexcept { return left_; }

 protected:
  // Forgets the entries taken so far and reads on. False at the end of the file.
  bool refill();
  // The next `size` octets; nothing (a null span) if they are not in this batch as a whole.
  Bytes take(std::size_t size);
  std::size_t mark() const noexcept { return at_; }
  void back_to(std::size_t mark) noexcept { at_ = mark; }
  void entry_done() noexcept { --left_; }
  void entry_back() noexcept { ++left_; }
  [[noreturn]] void cut_off() const;

 private:
  std::string name_;
  std::ifstream in_;
  Buffer batch_;
  std::size_t at_ = 0;
  std::uint32_t count_ = 0;
  std::uint32_t left_ = 0;
};

class EditStream : public BatchSource {
 public:
  EditStream(const std::string& folder, const std::string& name);
  // What the entries refer to is valid until the next call. False at the end.
  bool next();
  const std::vector<Edit>& batch() const noexcept { return edits_; }

 private:
  std::vector<Edit> edits_;
};

class EntryStream : public BatchSource {
 public:
  EntryStream(const std::string& folder, const std::string& name);
  // What the entries refer to is valid until the next call. Never splits a pair of a .kv file.
  bool next();
  const std::vector<Bytes>& batch() const noexcept { return entries_; }

 private:
  std::vector<Bytes> entries_;
};

class Data {
 public:
  explicit Data(std::string folder) : folder_(std::move(folder)) {}
  bool has(const std::string& name) const;
  Buffer file(const std::string& name) const;
  // The same octets as the file, which is read piece by piece.
  bool equals_file(Bytes bytes, const std::string& name) const;
  EditStream edits(const std::string& name) const { return {folder_, name}; }
  EntryStream entries(const std::string& name) const { return {folder_, name}; }

 private:
  std::string folder_;
};

}  // namespace diaryx::bench
