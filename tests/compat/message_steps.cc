#include "tests/compat/message_steps.h"

#include "engine/base/base64.h"
#include "engine/base/check.h"
#include "engine/protocol/frame.h"
#include "engine/protocol/sync_message.h"
#include "tests/compat/values.h"

namespace diaryx::compat {
namespace {

Buffer bytes_field(const OrderedJson& step, const char* key) {
  return need(to_bytes(step.at(key)));
}

void encode_envelope(const OrderedJson& step, Report& report) {
  Buffer out;
  switch (step.at("type").get<int>()) {
    case 0: {
      // The payload is a whole sync message: take it apart and write it again.
      Buffer message{0};
      const Buffer payload = bytes_field(step, "payload");
      message.insert(message.end(), payload.begin(), payload.end());
      const auto read = protocol::decode_messages(message);
      if (!read) return report.fail("payload", read.error().message);
      for (const protocol::Message& part : *read) {
        if (part.kind == protocol::MessageKind::SyncStep1)
          protocol::write_sync_step1(out, part.body);
        if (part.kind == protocol::MessageKind::SyncStep2)
          protocol::write_sync_step2(out, part.body);
        if (part.kind == protocol::MessageKind::Update) protocol::write_update(out, part.body);
      }
      break;
    }
    case 1:
      protocol::write_awareness(out, bytes_field(step, "payload"));
      break;
    case 2:
      protocol::write_auth_denied(out, step.at("reason").get<std::string>());
      break;
    case 3:
      protocol::write_query_awareness(out);
      break;
    default:
      return report.unsupported("envelope type");
  }
  report.expect_bytes("bytes", step.at("expect").at("bytes"), out);
}

void encode_frame(const OrderedJson& step, Report& report) {
  const auto frame =
      protocol::encode_frame(step.at("doc").get<std::string>(), bytes_field(step, "payload"));
  if (!frame) return report.fail("encode", frame.error().message);
  report.expect_bytes("bytes", step.at("expect").at("bytes"), *frame);
}

void decode_frame(const OrderedJson& step, Report& report) {
  const Buffer bytes = bytes_field(step, "bytes");
  const auto frame = protocol::decode_frame(bytes);
  report.expect("frame", step.at("expect"),
                frame ? OrderedJson{{"doc", frame->doc_id}, {"payload", to_base64(frame->payload)}}
                      : OrderedJson{{"error", true}});
}

}  // namespace

Bytes without_envelope(Bytes message) {
  DX_CHECK(!message.empty());
  DX_CHECK(message[0] == 0);
  return message.subspan(1);
}

bool run_message_step(const OrderedJson& step, Report& report) {
  const auto op = step.at("op").get<std::string>();
  if (op == "sync.update") {
    Buffer message;
    protocol::write_update(message, bytes_field(step, "update"));
    report.expect_bytes("message", step.at("expect").at("message"), without_envelope(message));
  } else if (op == "envelope.encode") {
    encode_envelope(step, report);
  } else if (op == "frame.encode") {
    encode_frame(step, report);
  } else if (op == "frame.decode") {
    decode_frame(step, report);
  } else {
    return false;
  }
  return true;
}

}  // namespace diaryx::compat
