#include "engine/protocol/sync_message.h"

#include <doctest/doctest.h>

#include "tests/support/hex.h"
#include "tests/support/mutations.h"

using namespace diaryx;
using protocol::Message;
using protocol::MessageKind;
using test::hex;

namespace {

void write(Buffer& out, const Message& message) {
  switch (message.kind) {
    case MessageKind::SyncStep1:
      return protocol::write_sync_step1(out, message.body);
    case MessageKind::SyncStep2:
      return protocol::write_sync_step2(out, message.body);
    case MessageKind::Update:
      return protocol::write_update(out, message.body);
    case MessageKind::Awareness:
      return protocol::write_awareness(out, message.body);
    case MessageKind::AuthDenied:
      return protocol::write_auth_denied(out, as_text(message.body));
    case MessageKind::AuthGranted:
      return protocol::write_auth_granted(out);
    case MessageKind::QueryAwareness:
      return protocol::write_query_awareness(out);
  }
}

Buffer rewritten(const std::vector<Message>& messages) {
  Buffer out;
  for (const Message& message : messages) write(out, message);
  return out;
}

}  // namespace

TEST_SUITE("protocol/sync_message") {
  TEST_CASE("each kind of message has its bytes") {
    const Buffer text = hex("\"no entry\"");
    const Buffer update = hex("00 00");
    const Buffer vector = hex("01 05 05");
    const std::pair<Message, Buffer> known[] = {
        {{MessageKind::SyncStep1, vector}, hex("00 00 03 01 05 05")},
        {{MessageKind::SyncStep2, update}, hex("00 01 02 00 00")},
        {{MessageKind::Update, update}, hex("00 02 02 00 00")},
        {{MessageKind::Awareness, Bytes(update).first(1)}, hex("01 01 00")},
        {{MessageKind::AuthDenied, text}, hex("02 00 08 \"no entry\"")},
        {{MessageKind::AuthGranted, {}}, hex("02 01")},
        {{MessageKind::QueryAwareness, {}}, hex("03")}};
    Buffer all;
    for (const auto& [message, bytes] : known) {
      Buffer out;
      write(out, message);
      CHECK(out == bytes);
      const auto read = protocol::decode_messages(bytes);
      REQUIRE(read);
      REQUIRE(read->size() == 1);
      CHECK((*read)[0].kind == message.kind);
      CHECK(to_buffer((*read)[0].body) == to_buffer(message.body));
      all.insert(all.end(), bytes.begin(), bytes.end());
    }
    const auto read = protocol::decode_messages(all);
    REQUIRE(read);
    CHECK(read->size() == std::size(known));
    CHECK(rewritten(*read) == all);
  }

  TEST_CASE("several messages in one payload come in order, and one can be taken alone") {
    const Buffer payload = hex("00 01 02 00 00  00 00 01 00");
    const auto read = protocol::decode_messages(payload);
    REQUIRE(read);
    REQUIRE(read->size() == 2);
    CHECK((*read)[0].kind == MessageKind::SyncStep2);
    CHECK((*read)[1].kind == MessageKind::SyncStep1);
    codec::Reader in(payload);
    const auto first = protocol::read_message(in);
    REQUIRE(first);
    CHECK(first->kind == MessageKind::SyncStep2);
    CHECK(in.remaining() == 4);
  }

  TEST_CASE("a payload holds 4,096 messages, and not one more") {
    Buffer many(protocol::kMostMessages, 3);
    const auto read = protocol::decode_messages(many);
    REQUIRE(read);
    CHECK(read->size() == many.size());
    many.push_back(3);
    const auto more = protocol::decode_messages(many);
    REQUIRE_FALSE(more);
    CHECK(more.error().code == ErrorCode::Malformed);
  }

  TEST_CASE("one bad message spoils the payload") {
    for (const char* bad :
         {"", "00", "00 00", "00 03 00", "00 02 03 00 00", "04", "02", "02 02", "02 00 01 ff",
          "01 05 00", "00 01 02 00 00 07", "00 01 02 00 00 00 02 09 00"}) {
      const auto read = protocol::decode_messages(hex(bad));
      REQUIRE_FALSE(read);
      CHECK(read.error().code == ErrorCode::Malformed);
    }
  }

  TEST_CASE("damaged payloads are refused, or mean something else") {
    const Buffer fixture =
        hex("00 01 02 00 00 00 00 03 01 05 05 01 05 01 05 01 02 \"{}\" 02 00 02 c3 a9 03");
    (void)protocol::decode_messages(fixture);
    test::for_each_truncation(fixture, [](Bytes cut) {
      const auto read = protocol::decode_messages(cut);
      if (read) CHECK(rewritten(*read) == to_buffer(cut));
    });
    test::for_each_octet_change(fixture, [](Bytes changed) {
      const auto read = protocol::decode_messages(changed);
      if (!read) return;
      const Buffer once = rewritten(*read);
      const auto again = protocol::decode_messages(once);
      REQUIRE(again);
      CHECK(rewritten(*again) == once);
    });
  }
}
