// Files that people and other programs wrote: Markdown with a YAML header.
#include <algorithm>

#include "engine/base/utf.h"
#include "engine/workspace/header.h"
#include "engine/workspace/markdown_file.h"
#include "engine/workspace/yaml_scalar.h"
#include "tests/compat/memory_meter.h"
#include "tests/fuzz/target.h"

namespace diaryx::fuzz {
namespace {

using namespace workspace;

constexpr MemoryBound kMemory{std::size_t{256} << 10U, 1024};

const codec::Any* value_of(const codec::AnyObject& entries, std::string_view key) {
  for (const auto& [name, value] : entries) {
    if (name == key) return &value;
  }
  return nullptr;
}

// After the change the key has the value, and all others have what they had.
void check_edit(const std::string& header, const codec::AnyObject& before,
                const HeaderChange& change) {
  const auto edited = edit_header(header, {change});
  if (!edited) return;  // It may be too long now.
  DX_CHECK(edited->has_value());
  const auto after = read_header(**edited);
  DX_CHECK(after);
  const codec::Any* now = value_of(*after, change.key);
  DX_CHECK((now != nullptr) == change.value.has_value());
  if (now != nullptr) DX_CHECK(same_in_yaml(*now, yaml_form(*change.value)));
  for (const auto& [key, value] : before) {
    if (key == change.key) continue;
    const codec::Any* kept = value_of(*after, key);
    DX_CHECK(kept != nullptr);
    DX_CHECK(same_in_yaml(*kept, value));
  }
}

void check_header(const std::string& header) {
  const compat::MemoryMeter memory;
  const auto entries = read_header(header);
  check_memory(kMemory, header.size(), memory.peak());
  if (!entries) return;
  const codec::Any list(codec::AnyArray{"one", 2, "it's: \"#\"", codec::Null{}});
  check_edit(header, *entries, {"title", codec::Any("a: new\n\"title\" ")});
  check_edit(header, *entries, {"contents", list});
  for (const auto& [key, value] : *entries) {
    check_edit(header, *entries, {key, std::nullopt});
    check_edit(header, *entries, {key, value});
    check_edit(header, *entries, {key, list});
    if (entries->size() > 16) break;
  }
}

}  // namespace

void fuzz_markdown(Bytes input) {
  const auto file = split_markdown(as_text(input));
  DX_CHECK(file.has_value() ==
           (is_utf8(as_text(input)) && std::ranges::find(input, 0) == input.end()));
  if (!file) return;
  DX_CHECK(join_markdown(*file) == as_text(input));
  if (file->header) check_header(*file->header);
}

void fuzz_header(Bytes input) {
  if (!is_utf8(as_text(input))) return;
  std::string header = "---\n";
  header.append(as_text(input));
  if (!header.ends_with('\n')) header += '\n';
  header += "---\n";
  check_header(header);
}

}  // namespace diaryx::fuzz
