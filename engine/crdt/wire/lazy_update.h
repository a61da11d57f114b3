// An update read struct by struct, without a document: what merging, diffing and converting work
// on.
//
// Such a struct keeps its origins and, if it has none, its parent by name; a parent sub behind an
// origin is not on the wire and so is lost, which is why Yjs writes 88 here where a document has
// a8. Content is brought to the form that Yjs would write while it is read.
#pragma once

#include <deque>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/crdt/structs/item.h"
#include "engine/crdt/wire/sink.h"
#include "engine/crdt/wire/source.h"
#include "engine/crdt/wire/wire_deletes.h"

namespace diaryx::crdt {

struct LazyStruct {
  std::uint64_t client = 0;
  Clock clock = 0;
  std::uint64_t length = 0;
  Kind kind = Kind::Gc;
  std::uint8_t shape = 0;  // Of a String: Item::kAscii, Item::kHasSurrogates.
  std::uint8_t type = 0;   // Of a Type.
  bool has_origin = false;
  bool has_right_origin = false;
  bool has_root = false;  // With no origin: the parent is the root of that name, else `parent`.
  bool has_parent_sub = false;
  WireId origin;
  WireId right_origin;
  WireId parent;
  std::string_view root;
  std::string_view parent_sub;
  std::string_view name;  // Of a Format its key, of a Doc its guid, of a named Type its name.
  // String: the text. Any, Json: the values without their count. Binary: the octets. Doc: its
  // options. Embed, Format: the value as JSON, or as an any-value if `json_is_any`.
  Bytes content;
  bool json_is_any = false;

  Clock end() const noexcept { return clock + length; }
  // Forgets the first `count` units: the rest begins behind them.
  void drop_front(std::uint64_t count, std::deque<Arena>& owned);
};

template <class Source>
class LazyReader {
 public:
  // Borrows both. Content that must be rewritten goes to `owned`.
  LazyReader(Bytes update, bool skip_skips, std::deque<Arena>& owned);

  // The struct at hand; none at the end of the structs, or after a failure.
  const LazyStruct* current() const noexcept { return has_current_ ? &current_ : nullptr; }
  void next();
  // After the last struct: the deletes, as they came, appended to `out`. Reads to the end of the
  // update.
  void read_deletes(std::vector<WireDelete>& out);
  Status status() const;

 private:
  WireReader& in() noexcept { return source_.rest(); }
  void read_struct();
  void read_content();
  std::string_view keep(const WireText& text);
  void read_any_values();
  void read_json_texts();
  void read_json_value();

  Source source_;
  std::deque<Arena>* owned_;
  bool skip_skips_;
  bool has_current_ = false;
  std::uint64_t budget_;
  std::uint64_t sections_left_ = 0;
  std::uint64_t structs_left_ = 0;
  std::uint64_t client_ = 0;
  Clock clock_ = 0;
  LazyStruct current_;
};

template <class Sink>
class LazyWriter {
 public:
  void write(const LazyStruct& value, std::uint64_t offset);
  // Deletes in the order in which they are to be written within a client.
  Buffer finish(std::vector<WireDelete> deletes);

 private:
  void write_content(const LazyStruct& value, std::uint64_t offset);
  void write_json_value(const LazyStruct& value);
  struct Run {
    std::size_t start;  // In what goes to the stream.
    std::uint64_t structs;
  };
  Sink sink_;
  std::vector<Run> runs_;
  std::uint64_t client_ = 0;
};

extern template class LazyReader<V1Source>;
extern template class LazyReader<V2Source>;
extern template class LazyWriter<V1Sink>;
extern template class LazyWriter<V2Sink>;

}  // namespace diaryx::crdt
