// Result<T>: a value, or an Error with a code to branch on and a message to print.
//
// Anything that can go wrong outside our code returns Result; nothing in engine/ or web/ throws
// across its border. The surface is that of std::expected as far as g++ 12 lets us (it has
// <expected> only under C++23), so that this can become an alias one day. A dropped Result is a
// compile error; a deliberate discard is `(void)call();  // why`.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "engine/base/check.h"

namespace diaryx {

enum class ErrorCode {
  Malformed,        // Bytes or text that do not follow their format.
  LimitExceeded,    // Well-formed, but larger or deeper than we accept.
  InvalidArgument,  // The caller asked for something that makes no sense.
  NotFound,
  AlreadyExists,
  Conflict,    // Somebody else changed it first.
  NotAllowed,  // Refused by a rule: permissions, confinement, read-only.
  Busy,        // Locked by another process; trying again later may help.
  NoSpace,     // Disk full or quota.
  Io,          // Any other failure of disk or network.
  Corrupt,     // Our own stored data is damaged.
  TooNew,      // Written by a newer version of this program.
  Unsupported,
  Interrupted,
};

// "malformed", "no space", …: stable names, for logs and JSON.
std::string_view to_string(ErrorCode code) noexcept;

struct Error {
  ErrorCode code;
  std::string message;  // Lower case, names the thing and the numbers, reads outer to inner.
  std::string hint;     // What the person can do about it; may be empty.

  Error(ErrorCode error_code, std::string text, std::string remedy = {})
      : code(error_code), message(std::move(text)), hint(std::move(remedy)) {}

  // "journal/a.md: " + message.
  Error with(std::string_view context) && {
    message.insert(0, ": ").insert(0, context);
    return std::move(*this);
  }
  Error hinted(std::string remedy) && {
    if (hint.empty()) hint = std::move(remedy);
    return std::move(*this);
  }
};

template <class T>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit by design
  Result(Error error)
      : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit by design
  template <class U>
  requires(std::is_convertible_v<U, T> && !std::is_same_v<std::remove_cvref_t<U>, T> &&
           !std::is_same_v<std::remove_cvref_t<U>, Result> &&
           !std::is_same_v<std::remove_cvref_t<U>, Error>) Result(U&& value)
      : state_(std::in_place_index<0>, T(std::forward<U>(value))) {}  // NOLINT

  bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  T& value() & {
    DX_CHECK(has_value());
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    DX_CHECK(has_value());
    return *std::get_if<0>(&state_);
  }
  T&& value() && {
    DX_CHECK(has_value());
    return std::move(*std::get_if<0>(&state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T value_or(T fallback) && { return has_value() ? std::move(*this).value() : std::move(fallback); }

  const Error& error() const& {
    DX_CHECK(!has_value());
    return *std::get_if<1>(&state_);
  }
  Error&& error() && {
    DX_CHECK(!has_value());
    return std::move(*std::get_if<1>(&state_));
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit by design

  bool has_value() const noexcept { return !error_.has_value(); }
  explicit operator bool() const noexcept { return has_value(); }
  const Error& error() const& {
    DX_CHECK(!has_value());
    return *error_;
  }
  Error&& error() && {
    DX_CHECK(!has_value());
    return std::move(*error_);
  }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace diaryx

#define DX_CONCAT_INNER(a, b) a##b
#define DX_CONCAT(a, b) DX_CONCAT_INNER(a, b)
#define DX_TRY_INNER(declaration, expression, name) \
  auto name = (expression);                         \
  if (!name) return std::move(name).error();        \
  declaration = std::move(name).value()
// DX_TRY(const auto x, call()): unwraps, or returns the error to our caller.
#define DX_TRY(declaration, expression) \
  DX_TRY_INNER(declaration, expression, DX_CONCAT(dx_result_, __LINE__))
// DX_TRY_OK(call()): the same for a Status.
#define DX_TRY_OK(expression)                                                           \
  do {                                                                                  \
    if (auto dx_status = (expression); !dx_status) return std::move(dx_status).error(); \
  } while (false)
