// The columns of update v2, written the plain way, behind Results: what the engine's quick readers
// and writers (engine/crdt/wire/columns.h, which has the formats) are compared with.
//
// Readers refuse to read behind the end of a column, where lib0 reads zeros. After an error a
// reader is of no more use.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/bytes.h"
#include "engine/base/result.h"
#include "engine/codec/reader.h"

namespace diaryx::test {

class UintOptRleWriter {
 public:
  void write(std::uint64_t value);  // <= 2^53 - 1
  // Ends the column. Write nothing after it.
  Buffer finish();

 private:
  void flush();
  Buffer out_;
  std::uint64_t value_ = 0;
  std::uint64_t count_ = 0;
};

class UintOptRleReader {
 public:
  explicit UintOptRleReader(Bytes column) : in_(column) {}
  Result<std::uint64_t> next();

 private:
  codec::Reader in_;
  std::uint64_t value_ = 0;
  std::uint64_t count_ = 0;
};

class IntDiffOptRleWriter {
 public:
  // Values and their differences: magnitude below 2^52, because twice a difference must be exact in
  // JavaScript.
  void write(std::int64_t value);
  Buffer finish();

 private:
  void flush();
  Buffer out_;
  std::int64_t value_ = 0;
  std::int64_t difference_ = 0;
  std::uint64_t count_ = 0;
};

class IntDiffOptRleReader {
 public:
  explicit IntDiffOptRleReader(Bytes column) : in_(column) {}
  // May be negative; its magnitude is at most 2^53 - 1.
  Result<std::int64_t> next();

 private:
  codec::Reader in_;
  std::int64_t value_ = 0;
  std::int64_t difference_ = 0;
  std::uint64_t count_ = 0;
};

class RleUint8Writer {
 public:
  void write(std::uint8_t value);
  Buffer finish();

 private:
  Buffer out_;
  std::uint8_t value_ = 0;
  std::uint64_t count_ = 0;
};

class RleUint8Reader {
 public:
  explicit RleUint8Reader(Bytes column) : in_(column) {}
  Result<std::uint8_t> next();

 private:
  codec::Reader in_;
  std::uint8_t value_ = 0;
  std::uint64_t count_ = 0;
  bool for_ever_ = false;
};

class StringColumnWriter {
 public:
  // WTF-8. A high surrogate at the end of one text and a low one at the start of the next become
  // one character.
  void write(std::string_view wtf8);
  Buffer finish();

 private:
  std::string joined_;
  UintOptRleWriter lengths_;
};

class StringColumnReader {
 public:
  // Malformed if the joined text is cut off or no UTF-8. Borrows `column`.
  static Result<StringColumnReader> open(Bytes column);
  // WTF-8: a length may cut a character above U+FFFF in two. Valid until the next call, or as long
  // as the column if it has no half character at its ends.
  Result<std::string_view> next();

 private:
  StringColumnReader(std::string_view joined, Bytes lengths);
  std::string_view rest_;
  UintOptRleReader lengths_;
  bool ascii_;
  char16_t low_half_ = 0;  // Second half of the character before rest_, not yet given out.
  std::string scratch_;
};

}  // namespace diaryx::test
