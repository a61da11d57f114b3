#include "tests/bench/expect.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "engine/codec/json_text.h"

namespace diaryx::bench {
namespace {

using codec::Any;
using codec::AnyArray;
using codec::AnyObject;

[[noreturn]] void wrong(const std::string& what) {
  std::fprintf(stderr, "bench_engine: wrong result: %s\n", what.c_str());
  std::exit(1);
}

// The order of a map's keys is not part of its value.
void sort_keys(Any& value) {
  if (auto* object = value.get<AnyObject>()) {
    for (auto& [key, inner] : *object) sort_keys(inner);
    std::sort(object->begin(), object->end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
  } else if (auto* array = value.get<AnyArray>()) {
    for (Any& inner : *array) sort_keys(inner);
  }
}

bool same_value(Any a, Any b) {
  sort_keys(a);
  sort_keys(b);
  return a == b;
}

}  // namespace

void expect(bool right, const char* what) {
  if (!right) wrong(what);
}

void expect_ok(const Status& status, const char* what) {
  if (!status) wrong(std::string(what) + ": " + status.error().message);
}

void expect_file(const Data& data, Bytes bytes, const std::string& name) {
  if (!data.equals_file(bytes, name)) wrong("other octets than " + name);
}

void expect_text(const Data& data, crdt::Doc& doc, const std::string& text_file,
                 const std::string& state_file) {
  if (!data.equals_file(as_bytes(doc.text("text").to_string()), text_file))
    wrong("another text than " + text_file);
  expect_file(data, doc.encode_state_as_update(), state_file);
}

void expect_json(const Data& data, crdt::Doc& doc, const std::string& file) {
  const Buffer json = data.file(file);
  const auto expected = codec::parse_js_json(as_text(json));
  if (!expected) wrong(file + ": " + expected.error().message);
  const auto* object = expected->get<AnyObject>();
  if (object == nullptr) wrong(file + " is no object");
  for (const auto& [root, value] : *object) {
    Any got;
    if (root == "text")
      got = doc.text("text").to_string();
    else if (root == "map")
      got = to_any(doc.map("map").ref());
    else if (root == "array")
      got = to_any(doc.array("array").ref());
    if (!same_value(got, value)) wrong("another " + root + " than in " + file);
  }
}

}  // namespace diaryx::bench
