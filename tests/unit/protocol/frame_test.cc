#include "engine/protocol/frame.h"

#include <doctest/doctest.h>

#include "tests/support/hex.h"
#include "tests/support/mutations.h"

using namespace diaryx;
using test::hex;

TEST_SUITE("protocol/frame") {
  TEST_CASE("the example of the header holds") {
    const Buffer bytes = hex("16 \"body:abc123/notes/a.md\" 00 00 01 00");
    const auto frame = protocol::decode_frame(bytes);
    REQUIRE(frame);
    CHECK(frame->doc_id == "body:abc123/notes/a.md");
    CHECK(to_buffer(frame->payload) == hex("00 00 01 00"));
    const auto written = protocol::encode_frame("body:abc123/notes/a.md", hex("00 00 01 00"));
    REQUIRE(written);
    CHECK(*written == bytes);
  }
  TEST_CASE("an id longer than 255 octets is refused, not truncated") {
    CHECK(protocol::encode_frame(std::string(255, 'x'), {}));
    const auto frame = protocol::encode_frame(std::string(256, 'x'), {});
    REQUIRE_FALSE(frame);
    CHECK(frame.error().code == ErrorCode::LimitExceeded);
    CHECK_FALSE(protocol::encode_frame("\xFF", {}));
  }
  TEST_CASE("a long name has a varuint in front, and a bare message has no name") {
    using protocol::Framing;
    const std::string name(200, 'n');
    const auto written = protocol::encode_frame(name, hex("03"), Framing::LongName);
    REQUIRE(written);
    CHECK(to_buffer(Bytes(*written).first(2)) == hex("c8 01"));
    const auto frame = protocol::decode_frame(*written, Framing::LongName);
    REQUIRE(frame);
    CHECK(frame->doc_id == name);
    CHECK(to_buffer(frame->payload) == hex("03"));
    const std::string longest(protocol::kMaxLongNameBytes, 'n');
    CHECK(protocol::encode_frame(longest, {}, Framing::LongName));
    CHECK_FALSE(protocol::encode_frame(longest + "n", {}, Framing::LongName));
    // A length of 2^40 is refused for what it says, before anything is read.
    const auto huge = protocol::decode_frame(hex("80 80 80 80 80 20"), Framing::LongName);
    REQUIRE_FALSE(huge);
    CHECK(huge.error().code == ErrorCode::LimitExceeded);
    const Buffer whole = hex("00 00 01 00");  // The frame looks into it.
    const auto bare = protocol::decode_frame(whole, Framing::Bare);
    REQUIRE(bare);
    CHECK(bare->doc_id.empty());
    CHECK(to_buffer(bare->payload) == whole);
    CHECK(*protocol::encode_frame("whatever", hex("03"), Framing::Bare) == hex("03"));
    CHECK_FALSE(protocol::decode_frame({}, Framing::Bare));
  }
  TEST_CASE("an empty id and an empty payload are well-formed") {
    const Buffer bytes = hex("00");
    const auto frame = protocol::decode_frame(bytes);
    REQUIRE(frame);
    CHECK(frame->doc_id.empty());
    CHECK(frame->payload.empty());
    const auto written = protocol::encode_frame("", {});
    REQUIRE(written);
    CHECK(*written == bytes);
  }
  TEST_CASE("short frames and ids that are not UTF-8 are malformed") {
    for (const char* bad : {"", "01", "05 \"ab\"", "02 c3 28 00", "ff", "03 ed a0 80 00"}) {
      const auto frame = protocol::decode_frame(hex(bad));
      REQUIRE_FALSE(frame);
      CHECK(frame.error().code == ErrorCode::Malformed);
    }
  }
  TEST_CASE("a damaged frame is refused, or is another frame") {
    const Buffer fixture = hex("05 \"w/\" c3 a9 \"x\" 00 02 02 00 00");
    test::for_each_truncation(fixture, [](Bytes cut) {
      CHECK(protocol::decode_frame(cut).has_value() == (cut.size() >= 6));
    });
    test::for_each_octet_change(fixture, [](Bytes changed) {
      const auto frame = protocol::decode_frame(changed);
      if (!frame) return;
      const auto again = protocol::encode_frame(frame->doc_id, frame->payload);
      REQUIRE(again);
      CHECK(*again == to_buffer(changed));
    });
  }
}
