// W1 to W4, W6 and W8: a text that is typed, encoded, loaded, received.
#include <algorithm>
#include <memory>

#include "engine/crdt/doc.h"
#include "tests/bench/expect.h"
#include "tests/bench/workloads.h"

namespace diaryx::bench {
namespace {

using crdt::Doc;

constexpr std::uint64_t kWriter = 1234567890;  // The client that wrote b4.
constexpr std::uint64_t kReader = 7;

std::unique_ptr<Doc> new_doc(std::uint64_t client) {
  return std::make_unique<Doc>(crdt::DocOptions{.client_id = client});
}

void type(Doc& doc, crdt::Text& text, const std::vector<Edit>& edits) {
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

void type_trace(Doc& doc, const Data& data) {
  crdt::Text text = doc.text("text");
  for (EditStream stream = data.edits("b4.trace"); stream.next();) type(doc, text, stream.batch());
}

// Each update that typing makes is the one of the file.
void expect_updates(const Data& data) {
  const auto doc = new_doc(kWriter);
  EntryStream expected = data.entries("b4.updates");
  std::size_t at = 0;
  doc->observe([&](const crdt::TransactionSummary& summary) {
    if (at == expected.batch().size()) {
      expect(expected.next(), "more updates than in b4.updates");
      at = 0;
    }
    const Bytes wanted = expected.batch()[at++];
    expect(std::equal(summary.update.begin(), summary.update.end(), wanted.begin(), wanted.end()),
           "an update other than in b4.updates");
  });
  type_trace(*doc, data);
  expect(at == expected.batch().size() && expected.left() == 0, "fewer updates than in b4.updates");
}

Outcome encode(const Data& data, const std::function<Buffer(const Doc&)>& make,
               const std::string& expected) {
  const auto doc = new_doc(kWriter);
  type_trace(*doc, data);
  Outcome outcome;
  Buffer encoded;
  outcome.timing = measure([&] { encoded = {}; }, [&] { encoded = make(*doc); });
  expect_file(data, encoded, expected);
  outcome.bytes = encoded.size();
  return outcome;
}

}  // namespace

Outcome type_text(const Data& data, bool observed) {
  Outcome outcome;
  std::unique_ptr<Doc> doc;
  outcome.timing = measure_parts([&](Stopwatch& watch) {
    doc.reset();
    outcome.bytes = 0;
    EditStream stream = data.edits("b4.trace");
    watch.start();
    doc = new_doc(kWriter);
    if (observed) {
      doc->observe(
          [&](const crdt::TransactionSummary& summary) { outcome.bytes += summary.update.size(); });
    }
    crdt::Text text = doc->text("text");
    watch.stop();
    while (stream.next()) {
      watch.start();
      type(*doc, text, stream.batch());
      watch.stop();
    }
  });
  expect_text(data, *doc, "b4.final.txt", "b4.v1");
  doc.reset();
  if (observed) expect_updates(data);
  return outcome;
}

Outcome encode_text(const Data& data, int version) {
  if (version == 1)
    return encode(
        data, [](const Doc& doc) { return doc.encode_state_as_update(); }, "b4.v1");
  return encode(
      data, [](const Doc& doc) { return doc.encode_state_as_update_v2(); }, "b4.v2");
}

Outcome encode_rest_of_text(const Data& data) {
  const Buffer known = data.file("b4.half.sv");
  return encode(
      data, [&](const Doc& doc) { return doc.encode_state_as_update(known).value(); },
      "b4.diff.v1");
}

Outcome load_text(const Data& data, int version) {
  const Buffer update = data.file(version == 1 ? "b4.v1" : "b4.v2");
  Outcome outcome;
  outcome.bytes = update.size();
  std::unique_ptr<Doc> doc;
  std::string text;
  const auto clear = [&] {
    doc.reset();
    text = {};
  };
  outcome.timing = measure(clear, [&] {
    doc = new_doc(kReader);
    expect_ok(version == 1 ? doc->apply_update(update) : doc->apply_update_v2(update),
              "apply_update");
    text = doc->text("text").to_string();
  });
  expect_text(data, *doc, "b4.final.txt", "b4.v1");
  expect_file(data, as_bytes(text), "b4.final.txt");
  expect_file(data, doc->encode_state_as_update_v2(), "b4.v2");
  return outcome;
}

Outcome receive_updates(const Data& data, const std::string& name) {
  Outcome outcome;
  std::unique_ptr<Doc> doc;
  outcome.timing = measure_parts([&](Stopwatch& watch) {
    doc.reset();
    outcome.bytes = 0;
    EntryStream stream = data.entries(name + ".updates");
    watch.start();
    doc = new_doc(kReader);
    watch.stop();
    while (stream.next()) {
      watch.start();
      for (const Bytes update : stream.batch()) {
        expect_ok(doc->apply_update(update), "apply_update");
        outcome.bytes += update.size();
      }
      watch.stop();
    }
  });
  expect(!doc->has_pending(), "parts of the updates wait for others");
  if (data.has(name + ".final.txt"))
    expect_text(data, *doc, name + ".final.txt", name + ".v1");
  else
    expect_json(data, *doc, name + ".final.json");
  expect_file(data, doc->encode_state_as_update(), name + ".v1");
  if (data.has(name + ".v2")) expect_file(data, doc->encode_state_as_update_v2(), name + ".v2");
  return outcome;
}

}  // namespace diaryx::bench
