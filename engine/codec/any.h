// Any: the JSON-like value that Yjs stores in maps and arrays (lib0's "any").
//
// Three kinds of nothing are three values: Undefined, Null, and absent (no Any at all).
// A number is a double; it is written as a var int if integral and |x| <= 2^31 - 1, as float32 if exact, else as float64.
// BigInt is a 64-bit integer of its own. Strings are UTF-8; a lone surrogate of JavaScript is held as WTF-8
// (ED A0 80 …) only where noted, and written as U+FFFD. Object keys keep their order.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine/base/bytes.h"

namespace diaryx::codec {

class Any;
using AnyArray = std::vector<Any>;
using AnyObject = std::vector<std::pair<std::string, Any>>;  // In insertion order; keys are unique.

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
  using Storage = std::variant<Undefined, Null, bool, double, BigInt, std::string, Buffer, AnyArray, AnyObject>;

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

}  // namespace diaryx::codec
