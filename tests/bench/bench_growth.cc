// bench_growth [--text N] [--fragments N]: how the engine's time grows with a document. Prints a
// line of JSON for each size, half a power of ten apart, up to the sizes given (default 10^7 and
// 10^5).
//
//   text        n characters that were written in words, each at a random place of what was there
//   fragments   n words that as many clients wrote at once, each at a random place of the same
//   10,000 characters
//
// Of such a document: insert_s, one word at a random place in a transaction of its own; encode_s,
// all of it; load_s, that encoding into an empty document; receive_s (fragments), one of the n
// updates into the document that has those before. Seconds on the processor, medians. Exit code 1
// if a copy is not what it was copied from.

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "engine/crdt/doc.h"
#include "tests/bench/expect.h"
#include "tests/bench/measure.h"

namespace diaryx::bench {
namespace {

using crdt::Doc;

constexpr std::string_view kWord = "something ";
constexpr std::size_t kBase = 10000;
constexpr std::size_t kInsertSamples = 15;

// Xorshift: the places need to be scattered, no more.
class Places {
 public:
  std::uint64_t below(std::uint64_t limit) noexcept {
    state_ ^= state_ << 13U;
    state_ ^= state_ >> 7U;
    state_ ^= state_ << 17U;
    return state_ % limit;
  }

 private:
  std::uint64_t state_ = 88172645463325252ULL;
};

std::unique_ptr<Doc> new_doc(std::uint64_t client) {
  return std::make_unique<Doc>(crdt::DocOptions{.client_id = client});
}

void insert_words(Doc& doc, Places& places, std::size_t count) {
  crdt::Text text = doc.text("text");
  for (std::size_t i = 0; i < count; ++i) text.insert(places.below(text.length() + 1), kWord);
}

std::unique_ptr<Doc> scattered_text(Places& places, std::size_t characters) {
  auto doc = new_doc(1);
  insert_words(*doc, places, characters / kWord.size());
  return doc;
}

// The update of one client each, on top of `base`.
std::vector<Buffer> fragments(Places& places, std::size_t count, const Buffer& base) {
  std::vector<Buffer> updates;
  updates.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto doc = new_doc(100 + i);
    expect_ok(doc->apply_update(base), "the base");
    doc->observe([&](const crdt::TransactionSummary& summary) {
      updates.push_back(to_buffer(summary.update));
    });
    insert_words(*doc, places, 1);
  }
  return updates;
}

// What is the same for both kinds of document.
std::string costs(const Doc& doc, Places& places) {
  Buffer encoded;
  const Timing encode =
      measure([&] { encoded = {}; }, [&] { encoded = doc.encode_state_as_update(); });
  std::unique_ptr<Doc> copy;
  const auto load = [&] {
    copy = new_doc(2);
    expect_ok(copy->apply_update(encoded), "the encoded document");
  };
  const Timing loading = measure([&] { copy.reset(); }, load);
  expect(copy->encode_state_as_update() == encoded, "a copy that encodes as another document");
  // Each time into another copy, and few in relation to what is there, so that they all go into a
  // document of that size. What is made for the first edit after loading is not what one edit
  // takes.
  const auto inserts = static_cast<std::size_t>(
      std::clamp<std::uint64_t>(copy->text("text").length() / kWord.size() / 20, 10, 1000));
  const auto load_and_edit = [&] {
    load();
    insert_words(*copy, places, 1);
  };
  const Timing insert = measure(
      load_and_edit, [&] { insert_words(*copy, places, inserts); }, kInsertSamples);
  return fmt::format("\"octets\":{},\"insert_s\":{:.4g},\"encode_s\":{:.4g},\"load_s\":{:.4g}",
                     encoded.size(), insert.cpu_ms / 1e3 / static_cast<double>(inserts),
                     encode.cpu_ms / 1e3, loading.cpu_ms / 1e3);
}

void measure_text(std::size_t characters) {
  Places places;
  const auto doc = scattered_text(places, characters);
  fmt::print("{{\"kind\":\"text\",\"n\":{},{}}}\n", characters, costs(*doc, places));
}

void measure_fragments(std::size_t count) {
  Places places;
  const Buffer base = scattered_text(places, kBase)->encode_state_as_update();
  const std::vector<Buffer> updates = fragments(places, count, base);
  std::unique_ptr<Doc> doc;
  const auto prepare = [&] {
    doc = new_doc(1000);
    expect_ok(doc->apply_update(base), "the base");
  };
  const Timing receive = measure(prepare, [&] {
    for (const Buffer& update : updates) expect_ok(doc->apply_update(update), "a fragment");
  });
  expect(doc->text("text").length() == kBase + count * kWord.size(), "fragments that are missing");
  fmt::print("{{\"kind\":\"fragments\",\"n\":{},{},\"receive_s\":{:.4g}}}\n", count,
             costs(*doc, places), receive.cpu_ms / 1e3 / static_cast<double>(count));
}

// 10,000, 31,623, 100,000, … up to `largest`.
template <class Measure>
void grow(std::size_t smallest, std::size_t largest, const Measure& measure_one) {
  for (int step = 0;; ++step) {
    const auto size = static_cast<std::size_t>(
        std::lround(static_cast<double>(smallest) * std::pow(10, step / 2.0)));
    if (size > largest) return;
    measure_one(size);
    std::fflush(stdout);
  }
}

}  // namespace
}  // namespace diaryx::bench

int main(int argc, char** argv) {
  std::size_t text = 10000000;
  std::size_t fragments = 100000;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view option = argv[i];
    const std::size_t size = std::strtoul(argv[i + 1], nullptr, 10);
    if (option == "--text") {
      text = size;
    } else if (option == "--fragments") {
      fragments = size;
    } else if (option == "--budget-ms") {
      diaryx::bench::set_budget_ms(static_cast<double>(size));
    } else {
      fmt::print(stderr, "usage: bench_growth [--text N] [--fragments N] [--budget-ms N]\n");
      return 2;
    }
  }
  diaryx::bench::grow(10000, text, diaryx::bench::measure_text);
  diaryx::bench::grow(100, fragments, diaryx::bench::measure_fragments);
  return 0;
}
