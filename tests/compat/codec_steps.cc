#include "tests/compat/codec_steps.h"

#include <cmath>

#include <fmt/format.h>

#include "engine/codec/reader.h"
#include "engine/codec/writer.h"
#include "engine/codec/wtf8.h"
#include "engine/crdt/wire/columns.h"
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

// Writes `values` to a column with the engine's writer and reads them back with its reader.
struct Column {
  Buffer octets;
  OrderedJson decoded = OrderedJson::array();
  bool failed = false;
};

template <class Writer, class Reader, class Write, class Read>
Column through_column(const OrderedJson& values, const Write& write, const Read& read) {
  Column column;
  Writer writer;
  for (const OrderedJson& value : values) write(writer, value);
  column.octets = to_buffer(writer.finish());
  Reader reader{Bytes(column.octets)};
  for (std::size_t i = 0; i < values.size(); ++i) column.decoded.push_back(read(reader));
  column.failed = reader.failed();
  return column;
}

Result<Column> through_column(std::string_view type, const OrderedJson& values) {
  const auto read_number = [](auto& reader) {
    return OrderedJson(static_cast<double>(reader.next()));
  };
  if (type == "uintOptRle") {
    return through_column<crdt::UintColumnWriter, crdt::UintColumnReader>(
        values, [](auto& writer, const OrderedJson& value) { writer.write(value); }, read_number);
  }
  if (type == "intDiffOptRle") {
    return through_column<crdt::DiffColumnWriter, crdt::SignedDiffColumnReader>(
        values, [](auto& writer, const OrderedJson& value) { writer.write_signed(value); },
        read_number);
  }
  if (type == "rleUint8") {
    return through_column<crdt::OctetColumnWriter, crdt::OctetColumnReader>(
        values, [](auto& writer, const OrderedJson& value) { writer.write(value); }, read_number);
  }
  if (type == "string") {
    return through_column<crdt::StringColumnWriter, crdt::StringColumnReader>(
        values,
        [](auto& writer, const OrderedJson& value) {
          const std::string text = need(to_text(value));
          writer.write(text, crdt::measure(text).flags);
        },
        [](auto& reader) {
          bool lasting = false;
          return from_text(reader.next(lasting));
        });
  }
  return Error{ErrorCode::Unsupported, fmt::format("column {}", type)};
}

void run_column(const OrderedJson& step, Report& report) {
  const auto type = step.at("type").get<std::string>();
  const auto column = through_column(type, step.at("values"));
  if (!column) return report.unsupported(column.error().message);
  report.expect_bytes("bytes", step.at("expect").at("bytes"), column->octets);
  if (column->failed) return report.fail("decode", "the column cannot be read back");
  report.expect("decoded", step.at("expect").at("decoded"), column->decoded);
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
