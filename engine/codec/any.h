// Any: the JSON-like value that Yjs stores in maps and arrays (lib0's "any").
//
// Three kinds of nothing are three values: Undefined, Null, and absent (no Any at all).
// A number is a double; it is written as a var int if integral and |x| <= 2^31 - 1, as float32 if
// exact, else as float64. BigInt is a 64-bit integer of its own.
//
// Strings and keys are WTF-8: UTF-8 that may also hold a lone surrogate of JavaScript (ED A0 80 …
// ED BF BF; wtf8.h). Such a string only comes out of JSON text with a "\ud800" in it, and goes back
// there unharmed; Writer writes it as U+FFFD, as TextEncoder does. What Reader reads is always
// UTF-8.
//
// Objects follow JavaScript: what Reader and parse_js_json return is in the order of Object.keys
// (integer-like keys first and ascending, the others as they came), and Writer and to_js_json write
// in that order whatever order they are given.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "engine/base/bytes.h"

namespace diaryx::codec {

class Any;
using AnyArray = std::vector<Any>;
using AnyObject = std::vector<std::pair<std::string, Any>>;  // Keys are unique.

struct Undefined {
  bool operator==(const Undefined&) const = default;
};
struct Null {
  bool operator==(const Null&) const = default;
};
struct BigInt {
  std::int64_t value;
  bool operator==(const BigInt&) const = default;
};

class Any {
 public:
  using Storage =
      std::variant<Undefined, Null, bool, double, BigInt, std::string, Buffer, AnyArray, AnyObject>;

  Any() = default;  // Undefined.
  Any(Null) : storage_(Null{}) {}
  Any(bool value) : storage_(value) {}
  Any(double value) : storage_(value) {}
  Any(int value) : storage_(static_cast<double>(value)) {}
  Any(std::int64_t value) : storage_(static_cast<double>(value)) {}  // Exact up to 2^53.
  Any(BigInt value) : storage_(value) {}
  Any(const char* value) : storage_(std::string(value)) {}
  Any(std::string value) : storage_(std::move(value)) {}
  Any(std::string_view value) : storage_(std::string(value)) {}
  Any(Buffer value) : storage_(std::move(value)) {}
  Any(AnyArray value) : storage_(std::move(value)) {}
  Any(AnyObject value) : storage_(std::move(value)) {}

  bool is_undefined() const noexcept { return std::holds_alternative<Undefined>(storage_); }
  bool is_null() const noexcept { return std::holds_alternative<Null>(storage_); }
  // Null pointers if it holds something else. Borrow from this Any.
  template <class T>
  const T* get() const noexcept {
    return std::get_if<T>(&storage_);
  }
  template <class T>
  T* get() noexcept {
    return std::get_if<T>(&storage_);
  }
  // The value of `key` in an object; null pointer if this is no object or has no such key.
  const Any* find(std::string_view key) const noexcept;

  const Storage& storage() const noexcept { return storage_; }
  // NaN equals NaN, 0 differs from -0: equality of bytes. Object key order counts.
  bool operator==(const Any& other) const;

 private:
  Storage storage_;
};

// True for the decimal form of 0 .. 2^32 - 2: the keys that JavaScript puts first ("0", "7", not
// "07", "-1", "4294967295").
bool is_integer_like(std::string_view key) noexcept;
// Makes of a list of assignments what a JavaScript object would hold: a key given twice keeps its
// first place and its last value; then integer-like keys first and ascending.
void normalise_keys(AnyObject& object);
// The entries in JavaScript's order, each key once if they were unique. Pointers into `object`.
std::vector<const AnyObject::value_type*> in_key_order(const AnyObject& object);

}  // namespace diaryx::codec
