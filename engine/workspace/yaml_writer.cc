#include "engine/workspace/yaml_writer.h"

#include "engine/base/utf.h"
#include "engine/workspace/header_layout.h"

namespace diaryx::workspace {
namespace {

using codec::Any;
using codec::AnyArray;
using codec::AnyObject;

// The key, the list around it and so on count, too.
constexpr int kMaxDepth = kMaxHeaderDepth - 2;

bool put_inline(std::string& out, const Any& value, Quote quote, YamlPlace place, int depth) {
  if (depth > kMaxDepth) return false;
  if (const auto* flag = value.get<bool>()) {
    out += *flag ? "true" : "false";
  } else if (const auto* number = value.get<double>()) {
    out += write_number(*number);
  } else if (const auto* text = value.get<std::string>()) {
    out += write_string(*text, quote, place);
  } else if (const auto* array = value.get<AnyArray>()) {
    out += '[';
    for (std::size_t i = 0; i < array->size(); ++i) {
      if (i > 0) out += ", ";
      if (!put_inline(out, (*array)[i], quote, YamlPlace::Flow, depth + 1)) return false;
    }
    out += ']';
  } else if (const auto* object = value.get<AnyObject>()) {
    out += '{';
    for (std::size_t i = 0; i < object->size(); ++i) {
      if (i > 0) out += ", ";
      out += write_string((*object)[i].first, Quote::Double, YamlPlace::Flow) + ": ";
      if (!put_inline(out, (*object)[i].second, quote, YamlPlace::Flow, depth + 1)) return false;
    }
    out += '}';
  } else {
    out += "null";
  }
  return true;
}

// A literal says a text as it is if no line needs an escape, and its first line shows where the
// lines begin.
bool fits_literal(std::string_view text) {
  const std::size_t lf = text.find('\n');
  if (lf == std::string_view::npos || lf == 0 || text.front() == ' ' || text.front() == '\t')
    return false;
  if (text.size() >= 2 && text.substr(text.size() - 2) == "\n\n") return false;
  // A line of white space alone would be hard to see and easy to lose.
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    if (end > at && text.substr(at, end - at).find_first_not_of(" \t") == std::string_view::npos)
      return false;
    // What write_string() would not leave as it is needs escapes; letters around keep its other
    // rules quiet.
    const std::string line = "x" + std::string(text.substr(at, end - at)) + "x";
    if (write_string(line, Quote::Single, YamlPlace::Block).front() != '\'' &&
        line.find('\t') == std::string::npos)
      return false;
    at = end + 1;
  }
  return true;
}

class BlockWriter {
 public:
  explicit BlockWriter(const YamlHabit& habit) : habit_(habit) {}

  // What follows "key:" or "-", which stands at `column`; the last break included.
  bool value(const Any& value, std::size_t column, bool in_list, int depth) {
    if (depth > kMaxDepth) return false;
    const auto* text = value.get<std::string>();
    if (text != nullptr && fits_literal(*text)) return literal(*text, column + 2);
    const auto* array = value.get<AnyArray>();
    if (array != nullptr && !array->empty() && !in_list) return list(*array, column, depth);
    const auto* object = value.get<AnyObject>();
    if (object != nullptr && !object->empty()) return map(*object, column + 2, in_list, depth);
    out_ += ' ';
    if (!put_inline(out_, value, habit_.quote, YamlPlace::Block, depth)) return false;
    out_ += '\n';
    return true;
  }

  std::string& out() { return out_; }

 private:
  bool literal(std::string_view text, std::size_t column) {
    const bool ends = text.back() == '\n';
    out_ += ends ? " |\n" : " |-\n";
    if (ends) text.remove_suffix(1);
    for (std::size_t at = 0; at <= text.size();) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      if (end > at) out_.append(column, ' ').append(text.substr(at, end - at));
      out_ += '\n';
      at = end + 1;
    }
    return true;
  }

  bool list(const AnyArray& array, std::size_t column, int depth) {
    out_ += '\n';
    const std::size_t dash = column + habit_.list_indent;
    for (const Any& item : array) {
      out_.append(dash, ' ') += '-';
      if (!value(item, dash, true, depth + 1)) return false;
    }
    return true;
  }

  bool map(const AnyObject& object, std::size_t column, bool in_list, int depth) {
    out_ += in_list ? ' ' : '\n';
    for (std::size_t i = 0; i < object.size(); ++i) {
      if (i > 0 || !in_list) out_.append(column, ' ');
      out_ += write_string(object[i].first, Quote::Plain, YamlPlace::Key) + ':';
      if (!value(object[i].second, column, false, depth + 1)) return false;
    }
    return true;
  }

  YamlHabit habit_;
  std::string out_;
};

}  // namespace

std::optional<std::string> write_inline(const Any& value, Quote quote, YamlPlace place) {
  std::string out;
  if (!put_inline(out, yaml_form(value), quote, place, 1)) return std::nullopt;
  return out;
}

std::optional<std::string> write_entry(std::string_view key, const Any& value, std::size_t indent,
                                       const YamlHabit& habit) {
  BlockWriter writer(habit);
  writer.out().append(indent, ' ').append(key) += ':';
  if (!writer.value(yaml_form(value), indent, false, 1)) return std::nullopt;
  return std::move(writer.out());
}

}  // namespace diaryx::workspace
