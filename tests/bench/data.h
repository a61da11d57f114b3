// The files of the benchmark data: editing traces, lists of updates, single updates. All integers
// are little-endian u32.
//
//   trace    magic 0x43525450, version 1, count; per edit: position, deleted, size of the insert,
//   its octets (ASCII) updates  magic 0x44505550, version 1, count; per entry: size, octets. A .kv
//   file alternates key and value.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/bytes.h"

namespace diaryx::bench {

struct Edit {
  std::uint32_t position;
  std::uint32_t deleted;
  std::string_view insert;
};

class Data {
 public:
  explicit Data(std::string folder) : folder_(std::move(folder)) {}
  // Stops the program if a file is missing or has another format. What is returned borrows from
  // `this`.
  Bytes file(const std::string& name);
  bool has(const std::string& name) const;
  std::vector<Edit> trace(const std::string& name);
  std::vector<Bytes> list(const std::string& name);

 private:
  std::string folder_;
  std::vector<std::pair<std::string, Buffer>> loaded_;
};

}  // namespace diaryx::bench
