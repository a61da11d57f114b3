#include "tests/compat/codec_steps.h"

#include <cmath>

#include <fmt/format.h>

#include "engine/codec/columns.h"
#include "engine/codec/reader.h"
#include "engine/codec/writer.h"
#include "engine/codec/wtf8.h"
#include "tests/compat/values.h"

namespace diaryx::compat {
namespace {

using codec::Any;

double number_of(const Any& value) {
  const auto* number = value.get<double>();
  return number == nullptr ? 0 : *number;
}

Result<Buffer> encode(std::string_view type, const OrderedJson& input) {
  DX_TRY(const Any value, to_any(input));
  Buffer out;
  codec::Writer writer(out);
  if (type == "varUint") {
    writer.var_uint(static_cast<std::uint64_t>(number_of(value)));
  } else if (type == "varInt") {
    const double number = number_of(value);
    writer.var_int(static_cast<std::uint64_t>(std::fabs(number)), std::signbit(number));
  } else if (type == "varString") {
    writer.var_string(codec::replace_lone_surrogates(*value.get<std::string>()));
  } else if (type == "bytes") {
    writer.var_bytes(*value.get<Buffer>());
  } else if (type == "any") {
    writer.any(value);
  } else {
    return Error{ErrorCode::Unsupported, fmt::format("codec {}", type)};
  }
  return out;
}

Result<Any> decode(std::string_view type, codec::Reader& in) {
  if (type == "varUint") {
    DX_TRY(const std::uint64_t value, in.var_uint());
    return Any(static_cast<double>(value));
  }
  if (type == "varInt") {
    DX_TRY(const codec::Reader::VarInt value, in.var_int());
    const auto magnitude = static_cast<double>(value.magnitude);
    return Any(value.negative ? -magnitude : magnitude);
  }
  if (type == "varString") {
    DX_TRY(const std::string_view text, in.var_string());
    return Any(text);
  }
  if (type == "bytes") {
    DX_TRY(const Bytes bytes, in.var_bytes());
    return Any(to_buffer(bytes));
  }
  return in.any();
}

void run_round_trip(const OrderedJson& step, Report& report) {
  const auto type = step.at("type").get<std::string>();
  const auto bytes = encode(type, step.at("value"));
  if (!bytes) return report.fail("encode", bytes.error().message);
  report.expect_bytes("bytes", step.at("expect").at("bytes"), *bytes);
  codec::Reader in(*bytes);
  const auto value = decode(type, in);
  if (!value) return report.fail("decode", value.error().message);
  report.expect("decoded", step.at("expect").at("decoded"), from_any(*value));
}

void run_decode(const OrderedJson& step, Report& report) {
  const OrderedJson& expected = step.at("expect");
  const auto bytes = to_bytes(step.at("bytes"));
  if (!bytes) return report.fail("bytes", bytes.error().message);
  codec::Reader in(*bytes);
  const auto value = decode(step.at("type").get<std::string>(), in);
  const OrderedJson got =
      value ? OrderedJson{{"value", from_any(*value)}, {"consumed", in.position()}}
            : OrderedJson{{"error", true}};
  report.expect("result", expected, got);
}

// Writes `values` to a column and reads them back.
template <class ColumnWriter, class Write>
Buffer write_column(const OrderedJson& values, const Write& write) {
  ColumnWriter writer;
  for (const OrderedJson& value : values) write(writer, value);
  return writer.finish();
}

template <class ColumnReader, class Show>
Result<OrderedJson> read_column(ColumnReader& reader, std::size_t count, const Show& show) {
  OrderedJson list = OrderedJson::array();
  for (std::size_t i = 0; i < count; ++i) {
    DX_TRY(const auto value, reader.next());
    list.push_back(show(value));
  }
  return list;
}

void run_column(const OrderedJson& step, Report& report) {
  const auto type = step.at("type").get<std::string>();
  const OrderedJson& values = step.at("values");
  const auto finish = [&](const Buffer& bytes, const Result<OrderedJson>& decoded) {
    report.expect_bytes("bytes", step.at("expect").at("bytes"), bytes);
    if (!decoded) return report.fail("decode", decoded.error().message);
    report.expect("decoded", step.at("expect").at("decoded"), *decoded);
  };
  const auto as_number = [](auto value) { return OrderedJson(static_cast<double>(value)); };
  if (type == "uintOptRle") {
    const Buffer bytes = write_column<codec::UintOptRleWriter>(
        values,
        [](auto& writer, const OrderedJson& value) { writer.write(value.get<std::uint64_t>()); });
    codec::UintOptRleReader reader(bytes);
    finish(bytes, read_column(reader, values.size(), as_number));
  } else if (type == "intDiffOptRle") {
    const Buffer bytes = write_column<codec::IntDiffOptRleWriter>(
        values,
        [](auto& writer, const OrderedJson& value) { writer.write(value.get<std::int64_t>()); });
    codec::IntDiffOptRleReader reader(bytes);
    finish(bytes, read_column(reader, values.size(), as_number));
  } else if (type == "rleUint8") {
    const Buffer bytes = write_column<codec::RleUint8Writer>(
        values,
        [](auto& writer, const OrderedJson& value) { writer.write(value.get<std::uint8_t>()); });
    codec::RleUint8Reader reader(bytes);
    finish(bytes, read_column(reader, values.size(), as_number));
  } else if (type == "string") {
    const Buffer bytes = write_column<codec::StringColumnWriter>(
        values, [](auto& writer, const OrderedJson& value) { writer.write(need(to_text(value))); });
    auto reader = codec::StringColumnReader::open(bytes);
    if (!reader) return report.fail("open", reader.error().message);
    finish(bytes, read_column(*reader, values.size(),
                              [](std::string_view text) { return from_text(text); }));
  } else {
    report.unsupported("column " + type);
  }
}

}  // namespace

bool run_codec_step(const OrderedJson& step, Report& report) {
  const auto op = step.at("op").get<std::string>();
  if (op == "codec") {
    run_round_trip(step, report);
  } else if (op == "codec.decode") {
    run_decode(step, report);
  } else if (op == "column") {
    run_column(step, report);
  } else {
    return false;
  }
  return true;
}

}  // namespace diaryx::compat
