// The four column encodings of update format v2 (source: lib0 0.2.120). A column is a run of octets
// without an end mark; readers are told where it ends.
//
//   uintOptRle     each run of equal values: varint(value), or varint(-value) varuint(count - 2) if
//   the run is longer than one.
//                  A run of zeros starts with "minus zero", 40.                        5 5 5 1 = 45
//                  01 01
//   intDiffOptRle  differences to the value before (0 before the first); each run of equal
//   differences:
//                  varint(2 × difference), or varint(2 × difference + 1) varuint(count - 2).
//                                                                                      0 1 2 3 4 =
//                                                                                      00 03 02
//   rleUint8       each run: the octet, then varuint(count - 1), which the last run leaves out: its
//   octet repeats for ever.
//                                                                                      5 5 5 1 = 05
//                                                                                      02 01
//   string         varstring of all texts joined, then their UTF-16 lengths as uintOptRle.
//                                                                                      "a" "b" "c"
//                                                                                      = 03 "abc"
//                                                                                      41 01
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

namespace diaryx::codec {

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
  Reader in_;
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
  Reader in_;
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
  Reader in_;
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

}  // namespace diaryx::codec
