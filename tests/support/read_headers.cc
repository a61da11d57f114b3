// What we read in many odd headers, for comparing with another reader of YAML: one JSON object a
// line, {"inner": the text between the fences, "entries": [[key, value], …]}. A number that JSON
// cannot say is a text in angle brackets.
//
//   read_headers COUNT SEED
#include <cmath>
#include <cstdlib>
#include <set>
#include <string>

#include <fmt/core.h>

#include "engine/codec/json_text.h"
#include "engine/workspace/header.h"
#include "engine/workspace/header_layout.h"
#include "tests/unit/workspace/header_zoo.h"

using namespace diaryx;
using codec::Any;

namespace {

Any sayable(const Any& value) {
  if (const auto* list = value.get<codec::AnyArray>()) {
    codec::AnyArray out;
    for (const Any& item : *list) out.push_back(sayable(item));
    return Any(std::move(out));
  }
  if (const auto* map = value.get<codec::AnyObject>()) {
    codec::AnyObject out;
    for (const auto& [key, item] : *map) out.emplace_back(key, sayable(item));
    return Any(std::move(out));
  }
  const auto* number = value.get<double>();
  if (number == nullptr || std::isfinite(*number)) return value;
  return Any(std::string(std::isnan(*number) ? "<nan>" : *number > 0 ? "<inf>" : "<-inf>"));
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t count = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 2'500;
  SeededRandom random(argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 1);
  std::set<std::string> seen;
  while (seen.size() < count) {
    const std::string header = test::make_header(random).text();
    if (!seen.insert(header).second) continue;
    const auto fenced = workspace::take_apart_header(header);
    const auto entries = workspace::read_header(header);
    if (!fenced || !entries) return 1;
    codec::AnyArray pairs;
    for (const auto& [key, value] : *entries)
      pairs.push_back(Any(codec::AnyArray{Any(key), sayable(value)}));
    fmt::print("{}\n", codec::to_js_json(Any(codec::AnyObject{
                           {"inner", Any(std::string(fenced->inner))}, {"entries", Any(pairs)}})));
  }
  return 0;
}
