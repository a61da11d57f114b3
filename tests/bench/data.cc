#include "tests/bench/data.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace diaryx::bench {
namespace {

std::uint32_t u32_of(const std::uint8_t* octets) {
  std::uint32_t value = 0;
  std::memcpy(&value, octets, 4);
  return value;
}

std::size_t read_some(std::ifstream& in, std::uint8_t* to, std::size_t most) {
  in.read(reinterpret_cast<char*>(to), static_cast<std::streamsize>(most));
  return static_cast<std::size_t>(in.gcount());
}

}  // namespace

void stop(const std::string& message) {
  std::fprintf(stderr, "bench_engine: %s\n", message.c_str());
  std::exit(2);
}

BatchSource::BatchSource(const std::string& folder, const std::string& name, std::uint32_t magic)
    : name_(name), in_(folder + "/" + name, std::ios::binary) {
  if (!in_) stop("no file " + name + " in " + folder);
  std::uint8_t header[12];
  if (read_some(in_, header, sizeof header) != sizeof header || u32_of(header) != magic ||
      u32_of(header + 4) != 1) {
    stop(name + " has another format");
  }
  count_ = left_ = u32_of(header + 8);
}

bool BatchSource::refill() {
  if (left_ == 0) return false;
  const std::size_t kept = batch_.size() - at_;
  std::copy(batch_.begin() + static_cast<std::ptrdiff_t>(at_), batch_.end(), batch_.begin());
  // An entry that fills the batch alone makes it larger.
  const bool grown = at_ == 0 && kept > 0;
  batch_.resize(grown ? 2 * kept : std::max(kBatchBytes, kept));
  const std::size_t read = read_some(in_, batch_.data() + kept, batch_.size() - kept);
  if (read == 0) cut_off();
  batch_.resize(kept + read);
  at_ = 0;
  return true;
}

Bytes BatchSource::take(std::size_t size) {
  if (size > batch_.size() - at_) return {};
  at_ += size;
  return Bytes(batch_).subspan(at_ - size, size);
}

void BatchSource::cut_off() const {
  stop(name_ + " is cut off");
}

EditStream::EditStream(const std::string& folder, const std::string& name)
    : BatchSource(folder, name, 0x43525450U) {}

bool EditStream::next() {
  edits_.clear();
  while (edits_.empty()) {
    if (!refill()) return false;
    while (left() > 0) {
      const std::size_t start = mark();
      const Bytes head = take(12);
      if (head.data() == nullptr) break;
      const Bytes insert = take(u32_of(head.data() + 8));
      if (insert.data() == nullptr) {
        back_to(start);
        break;
      }
      edits_.push_back({u32_of(head.data()), u32_of(head.data() + 4), as_text(insert)});
      entry_done();
    }
  }
  return true;
}

EntryStream::EntryStream(const std::string& folder, const std::string& name)
    : BatchSource(folder, name, 0x44505550U) {}

bool EntryStream::next() {
  entries_.clear();
  std::size_t pair_start = 0;
  while (entries_.empty()) {
    if (!refill()) return false;
    while (left() > 0) {
      const std::size_t start = mark();
      if (entries_.size() % 2 == 0) pair_start = start;
      const Bytes head = take(4);
      const Bytes entry = head.data() == nullptr ? Bytes() : take(u32_of(head.data()));
      if (entry.data() == nullptr) {
        back_to(start);
        break;
      }
      entries_.push_back(entry);
      entry_done();
    }
    if (left() > 0 && entries_.size() % 2 == 1) {
      back_to(pair_start);
      entries_.pop_back();
      entry_back();
    }
  }
  return true;
}

bool Data::has(const std::string& name) const {
  return std::filesystem::exists(folder_ + "/" + name);
}

Buffer Data::file(const std::string& name) const {
  std::ifstream in(folder_ + "/" + name, std::ios::binary);
  if (!in) stop("no file " + name + " in " + folder_);
  Buffer bytes(static_cast<std::size_t>(std::filesystem::file_size(folder_ + "/" + name)));
  if (read_some(in, bytes.data(), bytes.size()) != bytes.size()) stop(name + " is cut off");
  return bytes;
}

bool Data::equals_file(Bytes bytes, const std::string& name) const {
  std::ifstream in(folder_ + "/" + name, std::ios::binary);
  if (!in) stop("no file " + name + " in " + folder_);
  Buffer piece(64 * 1024);
  for (;;) {
    const std::size_t read = read_some(in, piece.data(), piece.size());
    if (read == 0) return bytes.empty();
    if (read > bytes.size() ||
        !std::equal(piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(read),
                    bytes.begin())) {
      return false;
    }
    bytes = bytes.subspan(read);
  }
}

}  // namespace diaryx::bench
