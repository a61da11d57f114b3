#include "engine/crdt/wire/columns.h"

#include "engine/crdt/wire/sink.h"

namespace diaryx::crdt {
namespace {

WireReader reader_behind_text(Bytes column, std::string_view& text) {
  WireReader in(column);
  text = in.var_string();
  return in;
}

}  // namespace

StringColumnReader::StringColumnReader(Bytes column) : lengths_(reader_behind_text(column, rest_)) {
  ascii_ = is_ascii(rest_);
}

std::string_view StringColumnReader::next(bool& lasting) {
  lasting = true;
  if (ascii_) return take(lengths_.next());
  const std::uint64_t units = lengths_.next();
  if (failed()) return {};
  if (units == 0) return {};
  scratch_.clear();
  std::uint64_t wanted = units;
  if (low_half_ != 0) {
    append_code_point(scratch_, low_half_);
    low_half_ = 0;
    --wanted;
  }
  if (wanted > rest_.size()) {
    failed_ = true;
    return {};
  }
  const Utf8Offset cut = utf8_offset(rest_, static_cast<std::size_t>(wanted));
  const std::string_view whole = rest_.substr(0, cut.bytes);
  if (utf16_length(whole) + (cut.inside_surrogates ? 1 : 0) != wanted) {
    failed_ = true;
    return {};
  }
  rest_.remove_prefix(cut.bytes);
  if (scratch_.empty() && !cut.inside_surrogates) return whole;
  lasting = false;
  scratch_.append(whole);
  if (cut.inside_surrogates) {
    const char32_t value = code_point_at(rest_, 0).value - 0x10000;
    append_code_point(scratch_, 0xD800 + (value >> 10U));
    low_half_ = static_cast<char16_t>(0xDC00 + (value & 0x3FFU));
    rest_.remove_prefix(4);
  }
  return scratch_;
}

void write_var_int(WireWriter& out, std::uint64_t magnitude, bool negative) {
  const auto first = static_cast<std::uint8_t>((magnitude & 0x3FU) | (negative ? 0x40U : 0U));
  magnitude >>= 6U;
  if (magnitude == 0) return out.u8(first);
  out.u8(first | 0x80U);
  out.var_uint(magnitude);
}

Bytes StringColumnWriter::finish() {
  out_.var_string(surrogates_ ? codec::replace_lone_surrogates(joined_) : joined_);
  const Bytes lengths = lengths_.finish();
  out_.reserve(lengths.size());
  out_.bytes(lengths);
  return out_.written();
}

Buffer V2Sink::take() && {
  const Bytes columns[] = {key_clocks_.finish(),   clients_.finish(),   left_clocks_.finish(),
                           right_clocks_.finish(), infos_.finish(),     strings_.finish(),
                           parent_infos_.finish(), type_refs_.finish(), lengths_.finish()};
  std::size_t size = rest_.size() + 1;
  for (const Bytes column : columns) size += column.size() + WireWriter::kMaxVar;
  WireWriter out;
  out.reserve(size);
  out.u8(0);
  for (const Bytes column : columns) {
    out.var_uint(column.size());
    out.bytes(column);
  }
  out.bytes(rest_.written());
  return std::move(out).take();
}

}  // namespace diaryx::crdt
