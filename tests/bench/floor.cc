#include "tests/bench/floor.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "tests/bench/expect.h"

namespace diaryx::bench {
namespace {

// Keeps the compiler from leaving out what nobody looks at.
template <class T>
void look_at(const T& value) {
  asm volatile("" : : "g"(&value) : "memory");
}

struct Fields {
  const std::uint8_t* at;

  std::uint64_t number() {
    std::uint64_t value = *at++;
    if (value < 128) return value;
    value &= 127;
    for (int shift = 7;; shift += 7) {
      const std::uint8_t octet = *at++;
      value |= static_cast<std::uint64_t>(octet & 127) << shift;
      if (octet < 128) return value;
    }
  }
  void skip_text() {
    const std::uint64_t size = number();
    at += size;
  }
  void skip_any() {
    switch (*at++) {
      case 119:  // Text.
      case 116:  // Octets.
        return skip_text();
      case 125:  // Integer.
        while ((*at++ & 128) != 0) {
        }
        return;
      case 124:  // float32
        at += 4;
        return;
      case 123:  // float64
      case 122:  // BigInt
        at += 8;
        return;
      case 118:  // Object.
        for (std::uint64_t left = number(); left > 0; --left) {
          skip_text();
          skip_any();
        }
        return;
      case 117:  // Array.
        for (std::uint64_t left = number(); left > 0; --left) skip_any();
        return;
      default:
        return;
    }
  }
};

struct Record {
  std::uint32_t client, clock, length, origin_client, origin_clock, right_client, right_clock,
      content;
};

// What a document would have to hold at the very least.
class Records {
 public:
  // An update in format v1 that Yjs made: nothing is checked here.
  void read(Bytes update) {
    Fields in{update.data()};
    for (std::uint64_t clients = in.number(); clients > 0; --clients) {
      std::uint64_t structs = in.number();
      const std::uint64_t client = in.number();
      std::uint64_t clock = in.number();
      for (; structs > 0; --structs) clock += read_struct(in, client, clock);
    }
    for (std::uint64_t clients = in.number(); clients > 0; --clients) {
      deleted_ += in.number();
      for (std::uint64_t ranges = in.number(); ranges > 0; --ranges) {
        deleted_ += in.number();
        deleted_ += in.number();
      }
    }
    expect(in.at == update.data() + update.size(), "the floor has read beyond an update");
  }
  std::size_t count() const noexcept { return records_.size(); }

 private:
  static constexpr std::uint8_t kHasOrigin = 0x80;
  static constexpr std::uint8_t kHasRightOrigin = 0x40;
  static constexpr std::uint8_t kHasParentSub = 0x20;

  std::uint64_t read_struct(Fields& in, std::uint64_t client, std::uint64_t clock) {
    const std::uint8_t info = *in.at++;
    Record record{};
    record.client = static_cast<std::uint32_t>(client);
    record.clock = static_cast<std::uint32_t>(clock);
    const int kind = info & 31;
    std::uint64_t length = 1;
    if (kind == 0 || kind == 10) {  // GC, Skip.
      length = in.number();
    } else {
      if ((info & kHasOrigin) != 0) {
        record.origin_client = static_cast<std::uint32_t>(in.number());
        record.origin_clock = static_cast<std::uint32_t>(in.number());
      }
      if ((info & kHasRightOrigin) != 0) {
        record.right_client = static_cast<std::uint32_t>(in.number());
        record.right_clock = static_cast<std::uint32_t>(in.number());
      }
      if ((info & (kHasOrigin | kHasRightOrigin)) == 0) {
        if (in.number() == 1) {
          in.skip_text();
        } else {
          in.number();
          in.number();
        }
        if ((info & kHasParentSub) != 0) in.skip_text();
      }
      record.content = static_cast<std::uint32_t>(heap_.size());
      length = read_content(in, kind);
    }
    record.length = static_cast<std::uint32_t>(length);
    records_.push_back(record);
    return length;
  }

  std::uint64_t read_content(Fields& in, int kind) {
    switch (kind) {
      case 1:  // Deleted.
        return in.number();
      case 4: {  // Text: octets for units, as all of it is ASCII or counted by nobody here.
        const std::uint64_t size = in.number();
        heap_.insert(heap_.end(), in.at, in.at + size);
        in.at += size;
        return size;
      }
      case 8: {  // Values.
        const std::uint64_t values = in.number();
        const std::uint8_t* start = in.at;
        for (std::uint64_t left = values; left > 0; --left) in.skip_any();
        heap_.insert(heap_.end(), start, in.at);
        return values;
      }
      default:
        stop("the floor knows texts and values only, not content of kind " + std::to_string(kind));
    }
  }

  std::vector<Record> records_;
  Buffer heap_;
  std::uint64_t deleted_ = 0;
};

// Text with a gap where the cursor is.
class GapBuffer {
 public:
  explicit GapBuffer(std::size_t size) : text_(size, 0), gap_end_(size) {}
  void edit(const Edit& edit) {
    move_gap(edit.position);
    gap_end_ += edit.deleted;
    std::copy(edit.insert.begin(), edit.insert.end(), text_.begin() + at(gap_start_));
    gap_start_ += edit.insert.size();
  }
  std::string to_string() const {
    std::string out(text_.begin(), text_.begin() + at(gap_start_));
    return out.append(text_.begin() + at(gap_end_), text_.end());
  }

 private:
  static std::ptrdiff_t at(std::size_t index) { return static_cast<std::ptrdiff_t>(index); }
  void move_gap(std::size_t to) {
    if (to < gap_start_) {
      const std::size_t count = gap_start_ - to;
      std::memmove(&text_[gap_end_ - count], &text_[to], count);
      gap_end_ -= count;
      gap_start_ = to;
    } else if (to > gap_start_) {
      const std::size_t count = to - gap_start_;
      std::memmove(&text_[gap_start_], &text_[gap_end_], count);
      gap_start_ += count;
      gap_end_ += count;
    }
  }

  std::string text_;
  std::size_t gap_start_ = 0;
  std::size_t gap_end_;
};

// An update has a client, a clock, two origins of 10 octets at most, and the content.
std::size_t write_update(std::string_view content, std::uint64_t clock, Buffer& out) {
  out.clear();
  const auto number = [&](std::uint64_t value) {
    for (; value > 127; value >>= 7) out.push_back(static_cast<std::uint8_t>(value | 128));
    out.push_back(static_cast<std::uint8_t>(value));
  };
  constexpr std::uint64_t kClient = 1234567890;
  for (const std::uint64_t field : {std::uint64_t{1}, std::uint64_t{1}, kClient, clock}) {
    number(field);
  }
  out.push_back(0xC4);
  for (const std::uint64_t field :
       {kClient, clock, kClient, clock / 2, static_cast<std::uint64_t>(content.size())}) {
    number(field);
  }
  out.insert(out.end(), content.begin(), content.end());
  number(0);
  look_at(*out.data());
  return out.size();
}

Outcome type_floor(const Data& data, bool observed) {
  const std::size_t room = data.file("b4.updates").size();
  Outcome outcome;
  Buffer update;
  std::unique_ptr<GapBuffer> text;
  outcome.timing = measure_parts([&](Stopwatch& watch) {
    text.reset();
    outcome.bytes = 0;
    std::uint64_t clock = 0;
    EditStream stream = data.edits("b4.trace");
    watch.start();
    text = std::make_unique<GapBuffer>(room);
    watch.stop();
    while (stream.next()) {
      watch.start();
      for (const Edit& edit : stream.batch()) {
        text->edit(edit);
        if (observed) outcome.bytes += write_update(edit.insert, clock++, update);
      }
      watch.stop();
    }
  });
  expect_file(data, as_bytes(text->to_string()), "b4.final.txt");
  return outcome;
}

Outcome read_updates(const Data& data, const std::string& name, std::size_t written) {
  Outcome outcome;
  std::unique_ptr<Records> records;
  outcome.timing = measure_parts([&](Stopwatch& watch) {
    records.reset();
    outcome.bytes = 0;
    EntryStream stream = data.entries(name);
    watch.start();
    records = std::make_unique<Records>();
    watch.stop();
    while (stream.next()) {
      watch.start();
      for (const Bytes update : stream.batch()) {
        records->read(update);
        outcome.bytes += update.size();
      }
      watch.stop();
    }
    watch.start();
    const Buffer out(written);
    look_at(*out.data());
    watch.stop();
  });
  expect(records->count() > 0, "the floor has read nothing");
  return outcome;
}

Outcome read_files(const Data& data, std::initializer_list<const char*> names) {
  std::vector<Buffer> updates;
  Outcome outcome;
  for (const char* name : names) {
    updates.push_back(data.file(name));
    outcome.bytes += updates.back().size();
  }
  std::unique_ptr<Records> records;
  outcome.timing = measure([&] { records.reset(); },
                           [&] {
                             records = std::make_unique<Records>();
                             for (const Buffer& update : updates) records->read(update);
                           });
  expect(records->count() > 0, "the floor has read nothing");
  return outcome;
}

Outcome write_file(const Data& data, const std::string& name) {
  const Buffer source = data.file(name);
  Outcome outcome;
  outcome.bytes = source.size();
  Buffer out;
  outcome.timing = measure([&] { out = {}; },
                           [&] {
                             out = source;
                             look_at(*out.data());
                           });
  return outcome;
}

Outcome write_records(const Data& data, const std::string& name) {
  Outcome outcome;
  Buffer update;
  Buffer heap;
  outcome.timing = measure_parts([&](Stopwatch& watch) {
    heap = {};
    outcome.bytes = 0;
    std::uint64_t clock = 0;
    for (EntryStream stream = data.entries(name); stream.next();) {
      watch.start();
      for (std::size_t i = 0; i + 1 < stream.batch().size(); i += 2) {
        const Bytes value = stream.batch()[i + 1];
        heap.insert(heap.end(), value.begin(), value.end());
        outcome.bytes += write_update(as_text(value), clock++, update);
      }
      watch.stop();
    }
  });
  return outcome;
}

}  // namespace

std::optional<Outcome> run_floor(const Data& data, const std::string& name) {
  if (name == "W1") return type_floor(data, true);
  if (name == "W1b") return type_floor(data, false);
  if (name == "W2v1") return write_file(data, "b4.v1");
  if (name == "W2v2") return write_file(data, "b4.v2");
  if (name == "W3v1") return read_files(data, {"b4.v1"});
  if (name == "W4") return read_updates(data, "b4.updates", 0);
  if (name == "W5b") return read_updates(data, "b4.updates", data.file("b4.v1").size());
  if (name == "W5c") return write_file(data, "b4.merged.diff.v1");
  if (name == "W5d") return read_files(data, {"b4.half.v1", "b4.diff.v1"});
  if (name == "W8") return write_file(data, "b4.diff.v1");
  if (name == "W7a-set") return write_records(data, "w7a.kv");
  if (name == "W7b-set") return write_records(data, "w7b.kv");
  if (name == "W7a-enc") return write_file(data, "w7a.v1");
  if (name == "W7b-enc") return write_file(data, "w7b.v1");
  if (name == "W7a-load") return read_files(data, {"w7a.v1"});
  if (name == "W7b-load") return read_files(data, {"w7b.v1"});
  if (name.starts_with("W6")) return read_updates(data, name.substr(2) + ".updates", 0);
  return std::nullopt;
}

}  // namespace diaryx::bench
