#include "engine/crdt/lazy_update.h"

#include <algorithm>

#include <fmt/format.h>

#include "engine/crdt/content.h"

namespace diaryx::crdt {
namespace {

constexpr std::uint8_t kHasOrigin = 0x80;
constexpr std::uint8_t kHasRightOrigin = 0x40;
constexpr std::uint8_t kHasParentSub = 0x20;

constexpr std::uint64_t kTypeKinds = 7;
constexpr std::uint64_t kXmlElement = 3;
constexpr std::uint64_t kXmlHook = 5;

}  // namespace

void LazyStruct::drop_front(std::uint64_t count, std::deque<Buffer>& owned) {
  if (kind == Kind::String) {
    Item whole;
    whole.kind = Kind::String;
    whole.content_size = static_cast<std::uint32_t>(content.size());
    if (ascii) whole.set(Item::kAscii);
    Item tail = whole;
    if (ascii) {
      content = content.subspan(static_cast<std::size_t>(count));
    } else {
      Buffer& arena = owned.emplace_back(content.begin(), content.end());
      split_content(arena, whole, tail, count);
      content = content_bytes(arena, tail);
      ascii = tail.has(Item::kAscii);
    }
  } else if (kind == Kind::Any) {
    content = content.subspan(any_prefix(content, count));
  } else if (kind == Kind::Json) {
    content = content.subspan(json_prefix(content, count));
  }
  clock += count;
  length -= count;
  if (kind == Kind::Gc || kind == Kind::Skip) return;
  origin = WireId{client, clock - 1};
}

LazyReader::LazyReader(Bytes update, bool skip_skips, std::deque<Buffer>& owned)
    : in_(update), owned_(&owned), skip_skips_(skip_skips) {
  sections_left_ = in_.var_uint();
  if (sections_left_ > in_.remaining()) in_.fail("more clients than octets");
  next();
}

void LazyReader::next() {
  has_current_ = false;
  do {
    while (structs_left_ == 0) {
      if (sections_left_ == 0 || in_.failed()) return;
      --sections_left_;
      structs_left_ = in_.var_uint();
      if (structs_left_ > in_.remaining()) in_.fail("more structs than octets");
      client_ = in_.var_uint();
      clock_ = in_.var_uint();
    }
    --structs_left_;
    read_struct();
    if (in_.failed()) return;
    clock_ += current_.length;
  } while (skip_skips_ && current_.kind == Kind::Skip);
  has_current_ = true;
}

void LazyReader::read_struct() {
  current_ = LazyStruct{};
  current_.client = client_;
  current_.clock = clock_;
  const std::uint8_t info = in_.u8();
  const unsigned kind = info & 0x1FU;
  // Yjs' lazy reader knows a Skip by the whole octet, and takes a kind of 10 with other bits for an
  // item: an error there.
  if (kind > 10 || (kind == 10 && info != 10)) return in_.fail("a struct of unknown kind");
  current_.kind = static_cast<Kind>(kind);
  if (kind == 0 || kind == 10) {
    current_.length = in_.var_uint();
  } else {
    const auto id = [this] {
      const std::uint64_t client = in_.var_uint();
      return WireId{client, in_.var_uint()};
    };
    if ((info & kHasOrigin) != 0) current_.origin = id();
    if ((info & kHasRightOrigin) != 0) current_.right_origin = id();
    if ((info & (kHasOrigin | kHasRightOrigin)) == 0) {
      if (in_.var_uint() == 1) {
        current_.root = in_.var_string();
      } else {
        current_.parent = id();
      }
      if ((info & kHasParentSub) != 0) current_.parent_sub = in_.var_string();
    }
    read_content();
  }
  if (in_.failed()) return;
  if (current_.length == 0) return in_.fail("a struct without length");
  if (current_.length > kMaxClock - clock_) in_.fail("a clock above 2^53 - 1");
}

Bytes LazyReader::canonical_anys(std::uint64_t count) {
  const std::uint8_t* start = in_.cursor();
  bool canonical = true;
  for (std::uint64_t i = 0; i < count && !in_.failed(); ++i) scan_any(in_, canonical);
  if (in_.failed()) return {};
  const Bytes encoded(start, in_.cursor());
  if (canonical) return encoded;
  Buffer& rewritten = owned_->emplace_back();
  WireReader again(encoded);
  read_anys(again, count, rewritten);
  if (again.failed()) in_.fail(again.why());
  return rewritten;
}

Bytes LazyReader::canonical_json() {
  Buffer& rewritten = owned_->emplace_back();
  read_json(in_, rewritten);
  return rewritten;
}

void LazyReader::read_content() {
  current_.length = 1;
  switch (current_.kind) {
    case Kind::Deleted:
      current_.length = in_.var_uint();
      return;
    case Kind::String: {
      const std::string_view text = in_.var_string();
      const TextShape shape = measure(text);
      current_.length = shape.units;
      current_.ascii = (shape.flags & Item::kAscii) != 0;
      current_.content = as_bytes(text);
      return;
    }
    case Kind::Any:
      current_.length = in_.var_uint();
      if (current_.length > in_.remaining()) return in_.fail("more values than octets");
      current_.content = canonical_anys(current_.length);
      return;
    case Kind::Json: {
      current_.length = in_.var_uint();
      if (current_.length > in_.remaining()) return in_.fail("more values than octets");
      WireWriter values;
      Arena one;
      for (std::uint64_t i = 0; i < current_.length && !in_.failed(); ++i) {
        one.clear();
        read_json(in_, one, true);
        values.var_string(as_text(one));
      }
      current_.content = owned_->emplace_back(std::move(values).take());
      return;
    }
    case Kind::Binary:
      current_.content = in_.var_bytes();
      return;
    case Kind::Embed:
      current_.content = canonical_json();
      return;
    case Kind::Format: {
      WireWriter both;
      both.var_string(in_.var_string());
      both.var_string(as_text(canonical_json()));
      current_.content = owned_->emplace_back(std::move(both).take());
      return;
    }
    case Kind::Type: {
      WireWriter type;
      const std::uint64_t kind = in_.var_uint();
      if (kind >= kTypeKinds) return in_.fail("a type of unknown kind");
      type.reserve(WireWriter::kMaxVar);
      type.var_uint(kind);
      if (kind == kXmlElement || kind == kXmlHook) type.var_string(in_.var_string());
      current_.content = owned_->emplace_back(std::move(type).take());
      return;
    }
    case Kind::Doc: {
      WireWriter guid;
      guid.var_string(in_.var_string());
      Buffer& doc = owned_->emplace_back(std::move(guid).take());
      read_doc_options(in_, doc);
      current_.content = doc;
      return;
    }
    case Kind::Gc:
    case Kind::Skip:
      return;
  }
}

void LazyReader::read_deletes(std::vector<WireDelete>& out) {
  while (current() != nullptr) next();
  const std::uint64_t clients = in_.var_uint();
  if (clients > in_.remaining()) in_.fail("more clients in the delete set than octets");
  for (std::uint64_t i = 0; i < clients && !in_.failed(); ++i) {
    const std::uint64_t client = in_.var_uint();
    const std::uint64_t ranges = in_.var_uint();
    if (ranges > in_.remaining()) return in_.fail("more deletes than octets");
    for (std::uint64_t k = 0; k < ranges && !in_.failed(); ++k) {
      const Clock clock = in_.var_uint();
      const std::uint64_t length = in_.var_uint();
      if (length > kMaxClock - clock) return in_.fail("a deleted clock above 2^53 - 1");
      out.push_back({client, clock, length});
    }
  }
  if (!in_.failed() && in_.remaining() != 0) in_.fail("goes on after its end");
}

Status LazyReader::status() const {
  if (!in_.failed()) return {};
  return Error{ErrorCode::Malformed,
               fmt::format("update: {} (octet {})", in_.why(), in_.failed_at())};
}

void LazyWriter::write(const LazyStruct& value, std::uint64_t offset) {
  out_.reserve(16 * WireWriter::kMaxVar);
  if (runs_.empty() || client_ != value.client) {
    client_ = value.client;
    runs_.push_back({out_.size(), 0});
    out_.var_uint(value.client);
    out_.var_uint(value.clock + offset);
  }
  ++runs_.back().structs;
  if (value.kind == Kind::Gc || value.kind == Kind::Skip) {
    out_.u8(static_cast<std::uint8_t>(value.kind));
    out_.var_uint(value.length - offset);
    return;
  }
  std::optional<WireId> origin = value.origin;
  if (offset > 0) origin = WireId{value.client, value.clock + offset - 1};
  out_.u8(static_cast<std::uint8_t>(static_cast<unsigned>(value.kind) | (origin ? kHasOrigin : 0U) |
                                    (value.right_origin ? kHasRightOrigin : 0U) |
                                    (value.parent_sub ? kHasParentSub : 0U)));
  const auto id = [this](const WireId& wire_id) {
    out_.var_uint(wire_id.client);
    out_.var_uint(wire_id.clock);
  };
  if (origin) id(*origin);
  if (value.right_origin) id(*value.right_origin);
  if (!origin && !value.right_origin) {
    out_.var_uint(value.root ? 1 : 0);
    if (value.root) {
      out_.var_string(*value.root);
    } else {
      id(value.parent);
    }
    if (value.parent_sub) out_.var_string(*value.parent_sub);
    out_.reserve(2 * WireWriter::kMaxVar);
  }
  switch (value.kind) {
    case Kind::Deleted:
      out_.var_uint(value.length - offset);
      return;
    case Kind::String: {
      const std::uint8_t flags = value.ascii ? Item::kAscii : 0;
      return write_text_from(out_, as_text(value.content), flags, offset);
    }
    case Kind::Any:
    case Kind::Json: {
      const std::size_t skipped = offset == 0               ? 0
                                  : value.kind == Kind::Any ? any_prefix(value.content, offset)
                                                            : json_prefix(value.content, offset);
      out_.var_uint(value.length - offset);
      out_.reserve(value.content.size());
      return out_.bytes(value.content.subspan(skipped));
    }
    case Kind::Binary:
    case Kind::Embed:
      return out_.var_string(as_text(value.content));
    default:
      out_.reserve(value.content.size());
      return out_.bytes(value.content);
  }
}

Buffer LazyWriter::finish(std::vector<WireDelete> deletes) {
  std::stable_sort(deletes.begin(), deletes.end(),
                   [](const WireDelete& a, const WireDelete& b) { return a.client > b.client; });
  WireWriter whole;
  whole.reserve(out_.size() + (runs_.size() + deletes.size() * 4 + 2) * WireWriter::kMaxVar);
  whole.var_uint(runs_.size());
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    const std::size_t end = i + 1 < runs_.size() ? runs_[i + 1].start : out_.size();
    whole.var_uint(runs_[i].structs);
    whole.bytes(out_.written().subspan(runs_[i].start, end - runs_[i].start));
  }
  std::uint64_t clients = 0;
  for (std::size_t i = 0; i < deletes.size(); ++i)
    clients += i == 0 || deletes[i].client != deletes[i - 1].client;
  whole.var_uint(clients);
  for (std::size_t i = 0; i < deletes.size();) {
    std::size_t end = i;
    while (end < deletes.size() && deletes[end].client == deletes[i].client) ++end;
    whole.var_uint(deletes[i].client);
    whole.var_uint(end - i);
    for (; i < end; ++i) {
      whole.var_uint(deletes[i].clock);
      whole.var_uint(deletes[i].length);
    }
  }
  return std::move(whole).take();
}

}  // namespace diaryx::crdt
