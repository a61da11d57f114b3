// An update read struct by struct, without a document: what merging and diffing work on.
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
#include "engine/crdt/item.h"
#include "engine/crdt/wire.h"

namespace diaryx::crdt {

struct WireId {
  std::uint64_t client = 0;
  Clock clock = 0;
};

struct WireDelete {
  std::uint64_t client;
  Clock clock;
  std::uint64_t length;
};

struct LazyStruct {
  std::uint64_t client = 0;
  Clock clock = 0;
  std::uint64_t length = 0;
  Kind kind = Kind::Gc;
  bool ascii = false;  // Of a String.
  std::optional<WireId> origin;
  std::optional<WireId> right_origin;
  std::optional<std::string_view> root;  // With no origin: the parent's name, else `parent`.
  WireId parent;
  std::optional<std::string_view> parent_sub;
  // String: the text. Any, Json: the values without their count. Others: all of the content as on
  // the wire.
  Bytes content;

  Clock end() const noexcept { return clock + length; }
  // Forgets the first `count` units: the rest begins behind them.
  void drop_front(std::uint64_t count, std::deque<Buffer>& owned);
};

class LazyReader {
 public:
  // Borrows both. Content that must be rewritten goes to `owned`.
  LazyReader(Bytes update, bool skip_skips, std::deque<Buffer>& owned);

  // The struct at hand; none at the end of the structs, or after a failure.
  LazyStruct* current() noexcept { return has_current_ ? &current_ : nullptr; }
  void next();
  // After the last struct: the deletes, as they came, appended to `out`. Reads to the end of the
  // update.
  void read_deletes(std::vector<WireDelete>& out);
  Status status() const;

 private:
  void read_struct();
  void read_content();
  Bytes canonical_anys(std::uint64_t count);
  Bytes canonical_json();

  WireReader in_;
  std::deque<Buffer>* owned_;
  bool skip_skips_;
  bool has_current_ = false;
  std::uint64_t sections_left_ = 0;
  std::uint64_t structs_left_ = 0;
  std::uint64_t client_ = 0;
  Clock clock_ = 0;
  LazyStruct current_;
};

class LazyWriter {
 public:
  void write(const LazyStruct& value, std::uint64_t offset);
  // Deletes in the order in which they are to be written within a client.
  Buffer finish(std::vector<WireDelete> deletes);

 private:
  struct Run {
    std::size_t start;
    std::uint64_t structs;
  };
  WireWriter out_;
  std::vector<Run> runs_;
  std::uint64_t client_ = 0;
};

}  // namespace diaryx::crdt
