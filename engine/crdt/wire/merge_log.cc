#include "engine/crdt/wire/merge_log.h"

#include <algorithm>
#include <unordered_map>
#include <vector>

#include "engine/base/keyed_hash.h"
#include "engine/crdt/structs/content.h"
#include "engine/crdt/wire/wire_deletes.h"

namespace diaryx::crdt {
namespace {

constexpr std::uint8_t kHasOrigin = 0x80;
constexpr std::uint8_t kHasRightOrigin = 0x40;
constexpr std::uint8_t kHasParentSub = 0x20;

// What one client has written, as it will stand in the result.
struct Stream {
  std::uint64_t client = 0;
  Clock first = 0;
  Clock end = 0;
  std::uint64_t structs = 0;
  WireWriter octets;
};

class LogMerge {
 public:
  bool take(Bytes update) {
    WireReader in(update);
    const std::uint64_t sections = number(in);
    std::uint64_t above = 0;
    for (std::uint64_t i = 0; i < sections; ++i) {
      const std::uint64_t structs = number(in);
      const std::uint64_t client = number(in);
      // Clients that are not in descending order would be read in another one.
      if (structs == 0 || (i > 0 && client >= above)) return false;
      above = client;
      if (!section(in, stream_of(client), structs)) return false;
    }
    deletes(in);
    return plain_ && !in.failed() && in.remaining() == 0;
  }

  Buffer finish() {
    std::vector<const Stream*> streams;
    std::size_t size = 2 * WireWriter::kMaxVar;
    for (const Stream& stream : streams_) {
      streams.push_back(&stream);
      size += stream.octets.size() + 3 * WireWriter::kMaxVar;
    }
    std::sort(streams.begin(), streams.end(),
              [](const Stream* a, const Stream* b) { return a->client > b->client; });
    sort_and_join(deletes_);
    V1Sink sink;
    WireWriter& out = sink.rest();
    out.reserve(size);
    out.var_uint(streams.size());
    for (const Stream* stream : streams) {
      out.var_uint(stream->structs);
      out.var_uint(stream->client);
      out.var_uint(stream->first);
      out.bytes(stream->octets.written());
    }
    write_deletes(sink, deletes_);
    return std::move(sink).take();
  }

 private:
  // A number in its shortest form: what is copied must be what would be written.
  std::uint64_t number(WireReader& in) noexcept {
    const std::uint8_t* start = in.cursor();
    const std::uint64_t value = in.var_uint();
    if (in.cursor() - start > 1 && in.cursor()[-1] == 0) plain_ = false;
    return value;
  }

  Stream& stream_of(std::uint64_t client) {
    if (last_ < streams_.size() && streams_[last_].client == client) return streams_[last_];
    const auto [known, is_new] = places_.try_emplace(client, streams_.size());
    last_ = known->second;
    if (is_new) {
      streams_.emplace_back();
      streams_.back().client = client;
    }
    return streams_[last_];
  }

  bool section(WireReader& in, Stream& stream, std::uint64_t structs) {
    const Clock clock = number(in);
    if (stream.structs == 0) {
      stream.first = clock;
    } else if (clock < stream.end) {
      return false;  // Something comes twice, or late.
    } else if (clock > stream.end) {
      stream.octets.reserve(1 + WireWriter::kMaxVar);
      stream.octets.u8(static_cast<std::uint8_t>(Kind::Skip));
      stream.octets.var_uint(clock - stream.end);
      ++stream.structs;
    }
    stream.end = clock;
    for (std::uint64_t i = 0; i < structs; ++i) {
      const std::uint8_t* start = in.cursor();
      const std::uint8_t info = in.u8();
      const std::uint64_t length = rest_of_struct(in, info);
      if (!plain_ || in.failed() || length == 0 || length > kMaxClock - stream.end) return false;
      const Bytes octets(start, in.cursor());
      stream.octets.reserve(octets.size());
      // A parent sub behind an origin is not on the wire, and not said to be there.
      const bool has_parent = (info & (kHasOrigin | kHasRightOrigin)) == 0;
      stream.octets.u8(has_parent ? info : static_cast<std::uint8_t>(info & ~kHasParentSub));
      stream.octets.bytes(octets.subspan(1));
      stream.end += length;
      ++stream.structs;
    }
    return true;
  }

  // Reads what is behind `info` and returns the length; 0 for what is not copied as it is.
  std::uint64_t rest_of_struct(WireReader& in, std::uint8_t info) {
    if ((info & kHasOrigin) != 0) id(in);
    if ((info & kHasRightOrigin) != 0) id(in);
    if ((info & (kHasOrigin | kHasRightOrigin)) == 0) {
      const std::uint64_t is_root = number(in);
      if (is_root > 1) return 0;
      if (is_root == 1) {
        string(in);
      } else {
        id(in);
      }
      if ((info & kHasParentSub) != 0) string(in);
    }
    switch (static_cast<Kind>(info & 0x1FU)) {
      case Kind::Deleted:
        return number(in);
      case Kind::String:
        return measure(string(in)).units;
      case Kind::Binary:
        in.skip(number(in));
        return 1;
      case Kind::Type:
        return type(in);
      case Kind::Any:
        return anys(in);
      default:
        return 0;  // Gaps, which may grow together, and JSON, which may have to be written anew.
    }
  }

  void id(WireReader& in) {
    (void)number(in);
    (void)number(in);
  }
  std::string_view string(WireReader& in) {
    const std::string_view text = as_text(in.bytes(number(in)));
    if (!is_utf8(text)) plain_ = false;
    return text;
  }
  std::uint64_t type(WireReader& in) {
    const std::uint64_t kind = number(in);
    constexpr std::uint64_t kXmlElement = 3;
    constexpr std::uint64_t kXmlHook = 5;
    constexpr std::uint64_t kXmlText = 6;
    if (kind == kXmlElement || kind == kXmlHook) string(in);
    return kind <= kXmlText ? 1 : 0;
  }
  std::uint64_t anys(WireReader& in) {
    const std::uint64_t count = number(in);
    if (count > in.remaining()) return 0;
    for (std::uint64_t i = 0; i < count && !in.failed(); ++i) scan_any(in, plain_);
    return count;
  }

  void deletes(WireReader& in) {
    const std::uint64_t clients = in.var_uint();
    for (std::uint64_t i = 0; i < clients && !in.failed(); ++i) {
      const std::uint64_t client = in.var_uint();
      const std::uint64_t ranges = in.var_uint();
      for (std::uint64_t k = 0; k < ranges && !in.failed(); ++k) {
        const Clock clock = in.var_uint();
        const std::uint64_t length = in.var_uint();
        if (length > kMaxClock - clock) in.fail("a deleted clock above 2^53 - 1");
        if (length > 0) deletes_.push_back({client, clock, length});
      }
    }
  }

  bool plain_ = true;  // All so far can be copied as it is.
  std::vector<Stream> streams_;
  std::unordered_map<std::uint64_t, std::size_t, KeyedHash> places_;
  std::size_t last_ = 0;
  std::vector<WireDelete> deletes_;
};

}  // namespace

std::optional<Buffer> merge_log(std::span<const Bytes> updates) {
  LogMerge merge;
  for (const Bytes update : updates) {
    if (!merge.take(update)) return std::nullopt;
  }
  return merge.finish();
}

}  // namespace diaryx::crdt
