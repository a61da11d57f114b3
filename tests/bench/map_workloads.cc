// W7: a map of many records.
#include <memory>

#include "engine/codec/json_text.h"
#include "engine/crdt/doc.h"
#include "tests/bench/expect.h"
#include "tests/bench/workloads.h"

namespace diaryx::bench {
namespace {

using crdt::Doc;

constexpr std::uint64_t kWriter = 1234567890;

std::unique_ptr<Doc> new_doc(std::uint64_t client) {
  return std::make_unique<Doc>(crdt::DocOptions{.client_id = client});
}

void set(crdt::Map& files, const std::vector<Bytes>& pairs) {
  for (std::size_t i = 0; i + 1 < pairs.size(); i += 2)
    files.set(as_text(pairs[i]), as_text(pairs[i + 1]));
}

void set_all(Doc& doc, const Data& data, const std::string& name) {
  crdt::Map files = doc.map("files");
  for (EntryStream stream = data.entries(name); stream.next();) set(files, stream.batch());
}

std::size_t record_count(const Data& data) {
  return data.entries("w7a.kv").count() / 2;
}

void expect_record(const crdt::Map& files, std::string_view key, std::string_view text) {
  const auto value = files.get(key);
  expect(value.has_value(), "a record is missing");
  const auto* any = std::get_if<codec::Any>(&*value);
  const auto* got = any == nullptr ? nullptr : any->get<std::string>();
  expect(got != nullptr && *got == text, "a record has another value");
}

// Every record; those of `b` as the JSON file has them, which yjs made.
void expect_records(const Data& data, Doc& doc, bool again) {
  const crdt::Map files = doc.map("files");
  expect(files.size() == record_count(data), "another number of records");
  if (!again) {
    for (EntryStream stream = data.entries("w7a.kv"); stream.next();) {
      for (std::size_t i = 0; i + 1 < stream.batch().size(); i += 2)
        expect_record(files, as_text(stream.batch()[i]), as_text(stream.batch()[i + 1]));
    }
  } else {
    const Buffer json = data.file("w7b.final.json");
    const auto expected = codec::parse_js_json(as_text(json));
    expect(expected && expected->get<codec::AnyObject>() != nullptr, "w7b.final.json is no object");
    const auto& records = *expected->get<codec::AnyObject>();
    expect(records.size() == files.size(), "another number of records than in w7b.final.json");
    for (const auto& [key, value] : records) {
      const auto* text = value.get<std::string>();
      expect(text != nullptr, "w7b.final.json has a record that is no text");
      expect_record(files, key, *text);
    }
  }
  expect_file(data, doc.encode_state_as_update(), again ? "w7b.v1" : "w7a.v1");
  expect_file(data, doc.encode_state_as_update_v2(), again ? "w7b.v2" : "w7a.v2");
}

}  // namespace

Outcome set_records(const Data& data, bool again) {
  Outcome outcome;
  std::unique_ptr<Doc> doc;
  outcome.timing = measure_parts([&](Stopwatch& watch) {
    doc.reset();
    doc = new_doc(kWriter);
    if (again) set_all(*doc, data, "w7a.kv");
    outcome.bytes = 0;
    doc->observe(
        [&](const crdt::TransactionSummary& summary) { outcome.bytes += summary.update.size(); });
    crdt::Map files = doc->map("files");
    for (EntryStream stream = data.entries(again ? "w7b.kv" : "w7a.kv"); stream.next();) {
      watch.start();
      set(files, stream.batch());
      watch.stop();
    }
  });
  expect_records(data, *doc, again);
  return outcome;
}

Outcome encode_records(const Data& data, bool again) {
  const auto doc = new_doc(kWriter);
  set_all(*doc, data, "w7a.kv");
  if (again) set_all(*doc, data, "w7b.kv");
  Outcome outcome;
  Buffer encoded;
  outcome.timing = measure([&] { encoded = {}; }, [&] { encoded = doc->encode_state_as_update(); });
  expect_file(data, encoded, again ? "w7b.v1" : "w7a.v1");
  outcome.bytes = encoded.size();
  return outcome;
}

Outcome load_records(const Data& data, bool again) {
  const Buffer update = data.file(again ? "w7b.v1" : "w7a.v1");
  const std::size_t count = record_count(data);
  Outcome outcome;
  outcome.bytes = update.size();
  std::unique_ptr<Doc> doc;
  outcome.timing = measure([&] { doc.reset(); },
                           [&] {
                             doc = new_doc(7);
                             expect_ok(doc->apply_update(update), "apply_update");
                             expect(doc->map("files").size() == count, "the number of records");
                           });
  expect_records(data, *doc, again);
  return outcome;
}

}  // namespace diaryx::bench
