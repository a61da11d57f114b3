#include "engine/protocol/hocuspocus_message.h"

#include <doctest/doctest.h>

#include "engine/protocol/frame.h"
#include "tests/support/hex.h"
#include "tests/support/mutations.h"

using namespace diaryx;
using protocol::HocuspocusKind;
using test::hex;

namespace {

Buffer framed(std::string_view name, Bytes rest) {
  return *protocol::encode_frame(name, rest, protocol::Framing::LongName);
}

}  // namespace

TEST_SUITE("protocol/hocuspocus_message") {
  TEST_CASE("the example of the header holds") {
    Buffer scope;
    protocol::write_authenticated(scope, true);
    CHECK(framed("d", scope) == hex("01 \"d\" 02 02 08 \"readonly\""));
  }

  TEST_CASE("what a provider sends is read: bytes of @hocuspocus/provider 4.8.0") {
    const Buffer auth_bytes = hex("01 \"d\" 02 00 05 \"token\" 05 \"4.8.0\"");
    const auto auth = protocol::decode_hocuspocus(auth_bytes);
    REQUIRE(auth);
    CHECK(auth->kind == HocuspocusKind::Auth);
    CHECK(auth->name == "d");
    CHECK(auth->text == "token");
    const Buffer older_bytes = hex("01 \"d\" 02 00 00");
    const auto older = protocol::decode_hocuspocus(older_bytes);
    REQUIRE(older);
    CHECK(older->text.empty());
    const Buffer step1_bytes = hex("01 \"d\" 00 00 01 00");
    const auto step1 = protocol::decode_hocuspocus(step1_bytes);
    REQUIRE(step1);
    CHECK(step1->kind == HocuspocusKind::Sync);
    CHECK(to_buffer(step1->payload) == hex("00 00 01 00"));
    const Buffer stateless_bytes = hex("01 \"d\" 05 02 \"hi\"");
    const auto stateless = protocol::decode_hocuspocus(stateless_bytes);
    REQUIRE(stateless);
    CHECK(stateless->text == "hi");
    CHECK(protocol::decode_hocuspocus(hex("01 \"d\" 07"))->kind == HocuspocusKind::Close);
    CHECK(protocol::decode_hocuspocus(hex("09"))->kind == HocuspocusKind::Ping);
    CHECK(protocol::decode_hocuspocus(hex("0a"))->kind == HocuspocusKind::Pong);
  }

  TEST_CASE("a name may carry a session's id behind a NUL") {
    CHECK(protocol::document_of(std::string_view("doc\0abc", 7)) == "doc");
    CHECK(protocol::document_of("doc") == "doc");
  }

  TEST_CASE("what no client says, or is cut off, is malformed") {
    for (const char* bad : {"", "01", "05 \"d\"", "01 \"d\"", "01 \"d\" 0b", "01 \"d\" 02",
                            "01 \"d\" 02 01 00", "01 \"d\" 02 00 05 \"to\"", "01 \"d\" 05",
                            "01 \"d\" 08 01", "01 \"d\" 02 00 00 05 \"4\""}) {
      CAPTURE(bad);
      CHECK_FALSE(protocol::decode_hocuspocus(hex(bad)));
    }
  }

  TEST_CASE("no octets crash it") {
    const Buffer auth = hex("01 \"d\" 02 00 05 \"token\" 05 \"4.8.0\"");
    const auto read = [](Bytes bytes) {
      if (const auto message = protocol::decode_hocuspocus(bytes))
        CHECK(message->name.size() <= protocol::kMaxLongNameBytes);
    };
    test::for_each_truncation(auth, read);
    test::for_each_octet_change(auth, read);
  }
}
