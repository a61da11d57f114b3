#include "engine/crdt/wire/lazy_update.h"

#include <algorithm>

#include <fmt/format.h>

#include "engine/codec/json_text.h"
#include "engine/codec/reader.h"
#include "engine/crdt/structs/content.h"

namespace diaryx::crdt {
namespace {

constexpr std::uint8_t kHasOrigin = 0x80;
constexpr std::uint8_t kHasRightOrigin = 0x40;
constexpr std::uint8_t kHasParentSub = 0x20;

constexpr std::uint64_t kTypeKinds = 7;
constexpr std::uint64_t kXmlElement = 3;
constexpr std::uint64_t kXmlHook = 5;

bool is_named(std::uint64_t type) noexcept {
  return type == kXmlElement || type == kXmlHook;
}

codec::Any any_of(Bytes encoded) {
  auto value = codec::Reader(encoded).any();
  DX_CHECK(value);  // It was scanned when it was read.
  return std::move(*value);
}

}  // namespace

void LazyStruct::drop_front(std::uint64_t count, std::deque<Arena>& owned) {
  if (kind == Kind::String && (shape & Item::kAscii) != 0) {
    content = content.subspan(static_cast<std::size_t>(count));
  } else if (kind == Kind::String) {
    Item head;
    head.kind = Kind::String;
    head.flags = shape;
    head.set_length(length);
    head.content_size = static_cast<std::uint32_t>(content.size());
    Item tail = head;
    Arena& arena = owned.emplace_back();
    arena.append(content);
    split_content(arena, head, tail, count);
    content = content_bytes(arena, tail);
    shape = tail.flags;
  } else if (kind == Kind::Any) {
    content = content.subspan(any_prefix(content, count));
  } else if (kind == Kind::Json) {
    content = content.subspan(json_prefix(content, count));
  }
  clock += count;
  length -= count;
  if (kind == Kind::Gc || kind == Kind::Skip) return;
  has_origin = true;
  origin = {client, clock - 1};
}

template <class Source>
LazyReader<Source>::LazyReader(Bytes update, bool skip_skips, std::deque<Arena>& owned)
    : source_(update), owned_(&owned), skip_skips_(skip_skips), budget_(source_.max_structs()) {
  sections_left_ = in().var_uint();
  if (sections_left_ > in().remaining()) in().fail("more clients than octets");
  next();
}

template <class Source>
void LazyReader<Source>::next() {
  has_current_ = false;
  do {
    while (structs_left_ == 0) {
      if (sections_left_ == 0 || in().failed()) return;
      --sections_left_;
      structs_left_ = in().var_uint();
      if (structs_left_ > budget_) in().fail("more structs than octets");
      if (Source::kIsV2) budget_ -= structs_left_;
      client_ = source_.client();
      clock_ = in().var_uint();
    }
    --structs_left_;
    read_struct();
    if (in().failed()) return;
    clock_ += current_.length;
  } while (skip_skips_ && current_.kind == Kind::Skip);
  has_current_ = true;
}

template <class Source>
std::string_view LazyReader<Source>::keep(const WireText& text) {
  if (text.lasting) return text.text;
  Arena& kept = owned_->emplace_back();
  kept.append(text.text);
  return as_text(kept.octets());
}

template <class Source>
void LazyReader<Source>::read_struct() {
  current_ = LazyStruct{};
  current_.client = client_;
  current_.clock = clock_;
  const std::uint8_t info = source_.info();
  const unsigned kind = info & 0x1FU;
  // Yjs' lazy reader knows a Skip by the whole octet, and takes a 10 with other bits for an item:
  // an error there.
  if (kind > 10 || (kind == 10 && info != 10)) return in().fail("a struct of unknown kind");
  current_.kind = static_cast<Kind>(kind);
  if (kind == 0 || kind == 10) {
    current_.length = kind == 0 ? source_.length() : in().var_uint();
  } else {
    current_.has_origin = (info & kHasOrigin) != 0;
    current_.has_right_origin = (info & kHasRightOrigin) != 0;
    if (current_.has_origin) current_.origin = source_.left_id();
    if (current_.has_right_origin) current_.right_origin = source_.right_id();
    if (!current_.has_origin && !current_.has_right_origin) {
      current_.has_root = source_.parent_is_root();
      if (current_.has_root) {
        current_.root = keep(source_.text());
      } else {
        current_.parent = source_.left_id();
      }
      current_.has_parent_sub = (info & kHasParentSub) != 0;
      if (current_.has_parent_sub) current_.parent_sub = keep(source_.text());
    }
    read_content();
  }
  if (in().failed()) return;
  if (current_.length == 0) return in().fail("a struct without length");
  if (current_.length > kMaxClock - clock_) in().fail("a clock above 2^53 - 1");
}

template <class Source>
void LazyReader<Source>::read_any_values() {
  current_.length = source_.length();
  if (current_.length > in().remaining()) return in().fail("more values than octets");
  const std::uint8_t* start = in().cursor();
  bool canonical = true;
  for (std::uint64_t i = 0; i < current_.length && !in().failed(); ++i) scan_any(in(), canonical);
  if (in().failed()) return;
  current_.content = Bytes(start, in().cursor());
  if (canonical) return;
  Arena& rewritten = owned_->emplace_back();
  WireReader again(current_.content);
  read_anys(again, current_.length, rewritten);
  if (again.failed()) in().fail(again.why());
  current_.content = rewritten.octets();
}

template <class Source>
void LazyReader<Source>::read_json_texts() {
  current_.length = source_.length();
  if (current_.length > (Source::kIsV2 ? source_.max_structs() : in().remaining())) {
    return in().fail("more values than octets");
  }
  WireWriter values;
  Arena one;
  for (std::uint64_t i = 0; i < current_.length && !in().failed(); ++i) {
    one.clear();
    const std::string_view text = source_.text().text;
    if (in().failed()) return;
    if (!append_canonical_json(text, one, true)) return in().fail("a value is not JSON");
    values.var_string(as_text(one.octets()));
  }
  Arena& kept = owned_->emplace_back();
  kept.append(values.written());
  current_.content = kept.octets();
}

template <class Source>
void LazyReader<Source>::read_json_value() {
  if constexpr (Source::kIsV2) {
    current_.json_is_any = true;
    const std::uint8_t* start = in().cursor();
    bool canonical = true;
    scan_any(in(), canonical);
    if (in().failed()) return;
    current_.content = Bytes(start, in().cursor());
    if (canonical) return;
    const auto value = codec::Reader(current_.content).any();
    if (!value) return in().fail("an any-value cannot be read");
    Arena& rewritten = owned_->emplace_back();
    append_any(rewritten, *value);
    current_.content = rewritten.octets();
  } else {
    Arena& rewritten = owned_->emplace_back();
    read_json(in(), rewritten);
    current_.content = rewritten.octets();
  }
}

template <class Source>
void LazyReader<Source>::read_content() {
  current_.length = 1;
  switch (current_.kind) {
    case Kind::Deleted:
      current_.length = source_.length();
      return;
    case Kind::String: {
      const std::string_view text = keep(source_.text());
      const TextShape shape = measure(text);
      current_.length = shape.units;
      current_.shape = shape.flags;
      current_.content = as_bytes(text);
      return;
    }
    case Kind::Any:
      return read_any_values();
    case Kind::Json:
      return read_json_texts();
    case Kind::Binary:
      current_.content = in().var_bytes();
      return;
    case Kind::Embed:
      return read_json_value();
    case Kind::Format:
      current_.name = keep(source_.key());
      return read_json_value();
    case Kind::Type: {
      const std::uint64_t type = source_.type_ref();
      if (type >= kTypeKinds) return in().fail("a type of unknown kind");
      current_.type = static_cast<std::uint8_t>(type);
      if (is_named(type)) current_.name = keep(source_.key());
      return;
    }
    case Kind::Doc: {
      current_.name = keep(source_.text());
      Arena& options = owned_->emplace_back();
      read_doc_options(in(), options);
      current_.content = options.octets();
      return;
    }
    case Kind::Gc:
    case Kind::Skip:
      return;
  }
}

template <class Source>
void LazyReader<Source>::read_deletes(std::vector<WireDelete>& out) {
  while (current() != nullptr) next();
  const std::uint64_t clients = in().var_uint();
  if (clients > in().remaining()) in().fail("more clients in the delete set than octets");
  for (std::uint64_t i = 0; i < clients && !in().failed(); ++i) {
    source_.begin_deletes();
    const std::uint64_t client = in().var_uint();
    const std::uint64_t ranges = in().var_uint();
    if (ranges > in().remaining()) return in().fail("more deletes than octets");
    for (std::uint64_t k = 0; k < ranges && !in().failed(); ++k) {
      const Clock clock = source_.delete_clock();
      const std::uint64_t length = source_.delete_length();
      if (length > kMaxClock - clock) return in().fail("a deleted clock above 2^53 - 1");
      // Of nothing: v2 cannot say it, Yjs throws there.
      if (length > 0) out.push_back({client, clock, length});
    }
  }
  if (!in().failed() && in().remaining() != 0) in().fail("goes on after its end");
}

template <class Source>
Status LazyReader<Source>::status() const {
  const WireReader& in = const_cast<LazyReader*>(this)->source_.rest();
  if (!in.failed()) return {};
  return Error{ErrorCode::Malformed,
               fmt::format("update: {} (octet {})", in.why(), in.failed_at())};
}

template <class Sink>
void LazyWriter<Sink>::write(const LazyStruct& value, std::uint64_t offset) {
  sink_.reserve();
  if (runs_.empty() || client_ != value.client) {
    client_ = value.client;
    runs_.push_back({sink_.rest().size(), 0});
    sink_.client(value.client);
    sink_.rest().var_uint(value.clock + offset);
  }
  ++runs_.back().structs;
  if (value.kind == Kind::Gc || value.kind == Kind::Skip) {
    sink_.info(static_cast<std::uint8_t>(value.kind));
    if (value.kind == Kind::Gc) return sink_.length(value.length - offset);
    return sink_.rest().var_uint(value.length - offset);
  }
  const bool has_origin = value.has_origin || offset > 0;
  const WireId origin = offset > 0 ? WireId{value.client, value.clock + offset - 1} : value.origin;
  sink_.info(static_cast<std::uint8_t>(static_cast<unsigned>(value.kind) |
                                       (has_origin ? kHasOrigin : 0U) |
                                       (value.has_right_origin ? kHasRightOrigin : 0U) |
                                       (value.has_parent_sub ? kHasParentSub : 0U)));
  if (has_origin) sink_.left_id(origin.client, origin.clock);
  if (value.has_right_origin) sink_.right_id(value.right_origin.client, value.right_origin.clock);
  if (!has_origin && !value.has_right_origin) {
    sink_.parent_info(value.has_root);
    if (value.has_root) {
      sink_.text(value.root, Item::kHasSurrogates);
    } else {
      sink_.left_id(value.parent.client, value.parent.clock);
    }
    if (value.has_parent_sub) sink_.text(value.parent_sub, Item::kHasSurrogates);
  }
  write_content(value, offset);
}

template <class Sink>
void LazyWriter<Sink>::write_json_value(const LazyStruct& value) {
  WireWriter& out = sink_.rest();
  if constexpr (Sink::kIsV2) {
    Arena any;
    if (!value.json_is_any) append_any(any, json_to_any(as_text(value.content)));
    const Bytes octets = value.json_is_any ? value.content : any.octets();
    out.reserve(octets.size());
    out.bytes(octets);
  } else if (value.json_is_any) {
    const codec::Any any = any_of(value.content);
    out.var_string(any.is_undefined() ? "null" : codec::to_js_json(any));
  } else {
    out.var_string(as_text(value.content));
  }
}

template <class Sink>
void LazyWriter<Sink>::write_content(const LazyStruct& value, std::uint64_t offset) {
  WireWriter& out = sink_.rest();
  const auto octets = [&](Bytes bytes) {
    out.reserve(bytes.size());
    out.bytes(bytes);
  };
  switch (value.kind) {
    case Kind::Deleted:
      return sink_.length(value.length - offset);
    case Kind::String: {
      std::string scratch;
      std::uint8_t shape = value.shape;
      std::string_view text = as_text(value.content);
      if (offset > 0) text = text_from(text, shape, offset, scratch);
      return sink_.text(text, shape);
    }
    case Kind::Any:
      sink_.length(value.length - offset);
      return octets(value.content.subspan(offset == 0 ? 0 : any_prefix(value.content, offset)));
    case Kind::Json: {
      sink_.length(value.length - offset);
      WireReader texts(value.content);
      for (std::uint64_t i = 0; i < value.length; ++i) {
        const std::string_view text = as_text(texts.var_bytes());
        if (i >= offset) sink_.text(text, Item::kHasSurrogates);
      }
      return;
    }
    case Kind::Binary:
      out.reserve(WireWriter::kMaxVar);
      out.var_uint(value.content.size());
      return octets(value.content);
    case Kind::Embed:
      return write_json_value(value);
    case Kind::Format:
      sink_.key(value.name);
      return write_json_value(value);
    case Kind::Type:
      sink_.type_ref(value.type);
      if (is_named(value.type)) sink_.key(value.name);
      return;
    case Kind::Doc:
      sink_.text(value.name, Item::kHasSurrogates);
      return octets(value.content);
    case Kind::Gc:
    case Kind::Skip:
      return;
  }
}

template <class Sink>
Buffer LazyWriter<Sink>::finish(std::vector<WireDelete> deletes) {
  std::stable_sort(deletes.begin(), deletes.end(),
                   [](const WireDelete& a, const WireDelete& b) { return a.client > b.client; });
  // The counts of structs come before the structs: put the stream together anew.
  WireWriter& rest = sink_.rest();
  WireWriter whole;
  whole.reserve(rest.size() + (runs_.size() + 2) * WireWriter::kMaxVar);
  whole.var_uint(runs_.size());
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    const std::size_t end = i + 1 < runs_.size() ? runs_[i + 1].start : rest.size();
    whole.var_uint(runs_[i].structs);
    whole.bytes(rest.written().subspan(runs_[i].start, end - runs_[i].start));
  }
  rest = std::move(whole);
  write_deletes(sink_, deletes);
  return std::move(sink_).take();
}

template class LazyReader<V1Source>;
template class LazyReader<V2Source>;
template class LazyWriter<V1Sink>;
template class LazyWriter<V2Sink>;

}  // namespace diaryx::crdt
