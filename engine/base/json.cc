#include "engine/base/json.h"

namespace diaryx {
namespace {

template <class T>
Result<T> parse(std::string_view text) {
  bool too_deep = false;
  const typename T::parser_callback_t watch_depth = [&](int depth, typename T::parse_event_t, T&) {
    if (depth > kMaxJsonDepth) too_deep = true;
    return !too_deep;
  };
  T value = T::parse(text.begin(), text.end(), watch_depth, /*allow_exceptions=*/false);
  if (too_deep) return Error{ErrorCode::LimitExceeded, "json: nested too deep"};
  if (value.is_discarded()) return Error{ErrorCode::Malformed, "json: not well-formed"};
  return value;
}

template <class T>
std::string dump(const T& value) {
  return value.dump(-1, ' ', false, T::error_handler_t::replace);
}

}  // namespace

Result<Json> parse_json(std::string_view text) {
  return parse<Json>(text);
}
Result<OrderedJson> parse_ordered_json(std::string_view text) {
  return parse<OrderedJson>(text);
}
std::string dump_json(const Json& value) {
  return dump(value);
}
std::string dump_json(const OrderedJson& value) {
  return dump(value);
}

}  // namespace diaryx
