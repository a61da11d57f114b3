#include "tests/bench/data.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace diaryx::bench {
namespace {

[[noreturn]] void stop(const std::string& message) {
  std::fprintf(stderr, "bench_engine: %s\n", message.c_str());
  std::exit(2);
}

class Cursor {
 public:
  Cursor(Bytes bytes, const std::string& name) : bytes_(bytes), name_(name) {}
  std::uint32_t u32() {
    const Bytes octets = take(4);
    std::uint32_t value = 0;
    std::memcpy(&value, octets.data(), 4);
    return value;
  }
  Bytes take(std::size_t count) {
    if (count > bytes_.size() - at_) stop(name_ + " is cut off");
    at_ += count;
    return bytes_.subspan(at_ - count, count);
  }
  std::uint32_t header(std::uint32_t magic) {
    if (u32() != magic || u32() != 1) stop(name_ + " has another format");
    return u32();
  }

 private:
  Bytes bytes_;
  const std::string& name_;
  std::size_t at_ = 0;
};

}  // namespace

bool Data::has(const std::string& name) const {
  return std::filesystem::exists(folder_ + "/" + name);
}

Bytes Data::file(const std::string& name) {
  for (const auto& [known, bytes] : loaded_) {
    if (known == name) return bytes;
  }
  std::ifstream in(folder_ + "/" + name, std::ios::binary);
  if (!in) stop("no file " + name + " in " + folder_);
  Buffer bytes{std::istreambuf_iterator<char>(in), {}};
  loaded_.emplace_back(name, std::move(bytes));
  return loaded_.back().second;  // A moved Buffer keeps its octets where they are.
}

std::vector<Edit> Data::trace(const std::string& name) {
  Cursor in(file(name), name);
  std::vector<Edit> edits(in.header(0x43525450U));
  for (Edit& edit : edits) {
    edit.position = in.u32();
    edit.deleted = in.u32();
    edit.insert = as_text(in.take(in.u32()));
  }
  return edits;
}

std::vector<Bytes> Data::list(const std::string& name) {
  Cursor in(file(name), name);
  std::vector<Bytes> entries(in.header(0x44505550U));
  for (Bytes& entry : entries) entry = in.take(in.u32());
  return entries;
}

}  // namespace diaryx::bench
