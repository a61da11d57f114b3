#include "tests/bench/workloads.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "engine/base/json.h"
#include "engine/crdt/doc.h"
#include "engine/crdt/update.h"

namespace diaryx::bench {
namespace {

using crdt::Doc;

constexpr std::uint64_t kWriter = 1234567890;

void require(bool right, const std::string& what) {
  if (right) return;
  std::fprintf(stderr, "bench_engine: wrong result: %s\n", what.c_str());
  std::exit(1);
}

bool same(Bytes a, Bytes b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

void nothing() {}

void replay(Doc& doc, const std::vector<Edit>& edits) {
  crdt::Text text = doc.text("text");
  for (const Edit& edit : edits) {
    if (edit.deleted > 0 && !edit.insert.empty()) {
      doc.transact([&] {
        text.erase(edit.position, edit.deleted);
        text.insert(edit.position, edit.insert);
      });
    } else if (edit.deleted > 0) {
      text.erase(edit.position, edit.deleted);
    } else {
      text.insert(edit.position, edit.insert);
    }
  }
}

std::unique_ptr<Doc> replayed(Data& data) {
  auto doc = std::make_unique<Doc>(crdt::DocOptions{.client_id = kWriter});
  replay(*doc, data.trace("b4.trace"));
  return doc;
}

Outcome type_in(Data& data, bool observed) {
  const std::vector<Edit> edits = data.trace("b4.trace");
  const std::vector<Bytes> expected = data.list("b4.updates");
  Outcome outcome;
  {
    Doc doc({.client_id = kWriter});
    std::size_t at = 0;
    doc.observe([&](const crdt::TransactionSummary& summary) {
      require(at < expected.size() && same(summary.update, expected[at]),
              "update " + std::to_string(at));
      ++at;
    });
    replay(doc, edits);
    require(at == expected.size(), "the number of updates");
    require(doc.text("text").to_string() == as_text(data.file("b4.final.txt")), "the text");
    require(same(doc.encode_state_as_update(), data.file("b4.v1")), "the encoded document");
  }
  std::unique_ptr<Doc> doc;
  outcome.timing = measure([&] { doc.reset(); },
                           [&] {
                             outcome.bytes = 0;
                             doc = std::make_unique<Doc>(crdt::DocOptions{.client_id = kWriter});
                             if (observed) {
                               doc->observe([&](const crdt::TransactionSummary& s) {
                                 outcome.bytes += s.update.size();
                               });
                             }
                             replay(*doc, edits);
                           });
  require(doc->text("text").to_string() == as_text(data.file("b4.final.txt")), "the text");
  return outcome;
}

Outcome encode(Data& data, const Doc& doc, const std::string& expected,
               const std::string& state_vector = {}) {
  Outcome outcome;
  Buffer encoded;
  const Bytes known = state_vector.empty() ? Bytes() : data.file(state_vector);
  outcome.timing = measure(nothing, [&] {
    encoded = state_vector.empty() ? doc.encode_state_as_update()
                                   : doc.encode_state_as_update(known).value();
  });
  require(same(encoded, data.file(expected)), expected);
  outcome.bytes = encoded.size();
  return outcome;
}

Outcome load_text(Data& data) {
  const Bytes update = data.file("b4.v1");
  Outcome outcome;
  outcome.bytes = update.size();
  std::unique_ptr<Doc> doc;
  std::string text;
  outcome.timing = measure([&] { doc.reset(); },
                           [&] {
                             doc = std::make_unique<Doc>(crdt::DocOptions{.client_id = 7});
                             require(doc->apply_update(update).has_value(), "the update");
                             text = doc->text("text").to_string();
                           });
  require(text == as_text(data.file("b4.final.txt")), "the text");
  require(same(doc->encode_state_as_update(), update), "the encoded document");
  return outcome;
}

Outcome receive(Data& data, const std::string& name) {
  const std::vector<Bytes> updates = data.list(name + ".updates");
  Outcome outcome;
  for (const Bytes update : updates) outcome.bytes += update.size();
  std::unique_ptr<Doc> doc;
  outcome.timing = measure([&] { doc.reset(); },
                           [&] {
                             doc = std::make_unique<Doc>(crdt::DocOptions{.client_id = 7});
                             for (const Bytes update : updates) {
                               require(doc->apply_update(update).has_value(), "an update");
                             }
                           });
  const std::string text = doc->text("text").to_string();
  if (data.has(name + ".final.txt")) {
    require(text == as_text(data.file(name + ".final.txt")), "the text");
  } else {
    const auto expected = parse_json(as_text(data.file(name + ".final.json")));
    require(expected.has_value(), "the expectation");
    require(text == (*expected)["text"].get<std::string>(), "the text");
  }
  require(same(doc->encode_state_as_update(), data.file(name + ".v1")), "the encoded document");
  return outcome;
}

Outcome merge(Data& data, const std::vector<Bytes>& updates, const std::string& expected) {
  Outcome outcome;
  Buffer merged;
  outcome.timing = measure(nothing, [&] { merged = crdt::merge_updates_v1(updates).value(); });
  outcome.bytes = merged.size();
  if (!expected.empty()) require(same(merged, data.file(expected)), expected);
  Doc doc({.client_id = 7});
  require(doc.apply_update(merged).has_value(), "the merged update");
  require(doc.text("text").to_string() == as_text(data.file("b4.final.txt")), "the text");
  return outcome;
}

void set_all(Doc& doc, const std::vector<Bytes>& entries) {
  crdt::Map files = doc.map("files");
  for (std::size_t i = 0; i + 1 < entries.size(); i += 2)
    files.set(as_text(entries[i]), as_text(entries[i + 1]));
}

Outcome set_records(Data& data, bool again) {
  const std::vector<Bytes> first = data.list("w7a.kv");
  const std::vector<Bytes> entries = again ? data.list("w7b.kv") : first;
  Outcome outcome;
  std::unique_ptr<Doc> doc;
  const auto prepare = [&] {
    doc = std::make_unique<Doc>(crdt::DocOptions{.client_id = kWriter});
    if (again) set_all(*doc, first);
    outcome.bytes = 0;
    doc->observe(
        [&](const crdt::TransactionSummary& summary) { outcome.bytes += summary.update.size(); });
  };
  outcome.timing = measure(prepare, [&] { set_all(*doc, entries); });
  require(same(doc->encode_state_as_update(), data.file(again ? "w7b.v1" : "w7a.v1")),
          "the encoded document");
  return outcome;
}

Outcome encode_records(Data& data, bool again) {
  Doc doc({.client_id = kWriter});
  set_all(doc, data.list("w7a.kv"));
  if (again) set_all(doc, data.list("w7b.kv"));
  return encode(data, doc, again ? "w7b.v1" : "w7a.v1");
}

Outcome load_records(Data& data, const std::string& file) {
  const Bytes update = data.file(file);
  Outcome outcome;
  outcome.bytes = update.size();
  std::unique_ptr<Doc> doc;
  outcome.timing = measure([&] { doc.reset(); },
                           [&] {
                             doc = std::make_unique<Doc>(crdt::DocOptions{.client_id = 7});
                             require(doc->apply_update(update).has_value(), "the update");
                             require(doc->map("files").size() == 10000, "the number of records");
                           });
  require(same(doc->encode_state_as_update(), update), "the encoded document");
  return outcome;
}

}  // namespace

const std::vector<std::string>& workload_names() {
  static const std::vector<std::string> kNames = {
      "W1",      "W1b",      "W2v1",    "W3v1",    "W4",       "W5b",   "W5d",   "W6ff",
      "W6cs",    "W6nn",     "W6gm",    "W6b31",   "W6b34",    "W6b35", "W6c20", "W7a-set",
      "W7a-enc", "W7a-load", "W7b-set", "W7b-enc", "W7b-load", "W8"};
  return kNames;
}

std::optional<Outcome> run_workload(Data& data, const std::string& name) {
  if (name == "W1") return type_in(data, true);
  if (name == "W1b") return type_in(data, false);
  if (name == "W2v1") return encode(data, *replayed(data), "b4.v1");
  if (name == "W3v1") return load_text(data);
  if (name == "W4") return receive(data, "b4");
  if (name == "W5b") return merge(data, data.list("b4.updates"), "b4.merged.v1");
  if (name == "W5d") return merge(data, {data.file("b4.half.v1"), data.file("b4.diff.v1")}, "");
  if (name == "W8") return encode(data, *replayed(data), "b4.diff.v1", "b4.half.sv");
  if (name == "W7a-set" || name == "W7b-set") return set_records(data, name[2] == 'b');
  if (name == "W7a-enc" || name == "W7b-enc") return encode_records(data, name[2] == 'b');
  if (name == "W7a-load") return load_records(data, "w7a.v1");
  if (name == "W7b-load") return load_records(data, "w7b.v1");
  if (name.starts_with("W6") && data.has(name.substr(2) + ".updates"))
    return receive(data, name.substr(2));
  return std::nullopt;
}

}  // namespace diaryx::bench
