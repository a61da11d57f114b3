#include "engine/workspace/header_fields.h"

#include <charconv>
#include <cmath>

#include "engine/codec/reader.h"
#include "engine/workspace/header_layout.h"

namespace diaryx::workspace {
namespace {

using codec::Any;
using codec::AnyArray;
using codec::AnyObject;

bool is_scalar(const YamlSpan& span) {
  return span.style != YamlStyle::Flow && span.style != YamlStyle::BlockList &&
         span.style != YamlStyle::BlockMap;
}

// A scalar's text, numbers as they are written; an alias' own text.
std::optional<std::string> text_of(const YamlSpan& span) {
  if (!is_scalar(span) || span.value.is_null()) return std::nullopt;
  if (const auto* text = span.value.get<std::string>()) return *text;
  return span.text;
}

// Nothing unless every item is a text.
std::optional<std::vector<std::string>> texts_of(const Any& value) {
  const auto* array = value.get<AnyArray>();
  if (array == nullptr) return std::nullopt;
  std::vector<std::string> texts;
  for (const Any& item : *array) {
    const auto* text = item.get<std::string>();
    if (text == nullptr) return std::nullopt;
    texts.push_back(*text);
  }
  return texts;
}

bool is_whole(double number) {
  return std::trunc(number) == number &&
         std::abs(number) <= static_cast<double>(codec::kMaxSafeInteger);
}

// One member of an attachment's map. False if it is not what we know under that name.
bool read_member(Attachment& attachment, const std::string& key, const Any& value) {
  const auto* text = value.get<std::string>();
  const auto* number = value.get<double>();
  const auto* flag = value.get<bool>();
  if (key == "path" || key == "source" || key == "hash" || key == "mime_type") {
    std::string& field = key == "path"     ? attachment.path
                         : key == "source" ? attachment.source
                         : key == "hash"   ? attachment.hash
                                           : attachment.mime_type;
    if (text != nullptr) field = *text;
    return text != nullptr;
  }
  if (key == "size" && number != nullptr && *number >= 0 && is_whole(*number)) {
    attachment.size = static_cast<std::uint64_t>(*number);
    return true;
  }
  if (key == "uploaded_at" && (value.is_null() || (number != nullptr && is_whole(*number)))) {
    if (number != nullptr) attachment.uploaded_at = static_cast<std::int64_t>(*number);
    return true;
  }
  if (key == "deleted" && flag != nullptr) attachment.deleted = *flag;
  return key == "deleted" && flag != nullptr;
}

std::optional<Attachment> read_attachment(const Any& value) {
  Attachment attachment;
  if (const auto* text = value.get<std::string>()) {
    attachment.path = *text;
    return attachment;
  }
  const auto* members = value.get<AnyObject>();
  if (members == nullptr || value.find("path") == nullptr) return std::nullopt;
  for (const auto& [key, member] : *members) {
    if (!read_member(attachment, key, member)) return std::nullopt;
  }
  return attachment;
}

class Viewer {
 public:
  Viewer(HeaderView& out, std::string_view path, const LinkResolver& links)
      : out_(out), path_(path), links_(links) {}

  void entry(YamlEntry& entry) {
    const bool known = field(entry);
    if (entry.key == "updated") updated(entry.value);
    if (!known) out_.record.extra.emplace_back(std::move(entry.key), std::move(entry.value.value));
  }

 private:
  // True if the entry is a field of the record, and of a shape that the record can hold.
  bool field(const YamlEntry& entry) {
    const std::string& key = entry.key;
    if (key == "title" || key == "description") {
      return scalar(entry.value, key == "title" ? out_.record.title : out_.record.description);
    }
    if (key == "part_of") {
      std::optional<std::string> text;
      if (!scalar(entry.value, text)) return false;
      if (text) out_.record.part_of = resolve(*text);
      out_.part_of_text = text.value_or("");
      return true;
    }
    if (key == "contents") return contents(entry.value.value);
    if (key == "audience") return audience(entry.value);
    return key == "attachments" && attachments(entry.value.value);
  }

  static bool scalar(const YamlSpan& value, std::optional<std::string>& field) {
    if (!is_scalar(value)) return false;
    field = text_of(value);
    return true;
  }

  std::string resolve(const std::string& text) const {
    auto id = links_.id_of(text, path_);
    return id ? std::move(*id) : text;
  }

  bool contents(const Any& value) {
    if (value.is_null()) return true;
    auto texts = texts_of(value);
    if (!texts) return false;
    out_.record.contents.emplace();
    for (const std::string& text : *texts) out_.record.contents->push_back(resolve(text));
    out_.contents_texts = std::move(*texts);
    return true;
  }

  bool audience(const YamlSpan& value) {
    if (value.value.is_null()) return true;
    if (const auto* text = value.value.get<std::string>()) {
      out_.record.audience = std::vector<std::string>{*text};
      out_.audience_is_text = true;
      return true;
    }
    out_.record.audience = texts_of(value.value);
    return out_.record.audience.has_value();
  }

  bool attachments(const Any& value) {
    if (value.is_null()) return true;
    const auto* array = value.get<AnyArray>();
    if (array == nullptr) return false;
    std::vector<Attachment> read;
    for (const Any& item : *array) {
      auto attachment = read_attachment(item);
      if (!attachment) return false;
      read.push_back(std::move(*attachment));
    }
    out_.record.attachments = std::move(read);
    out_.attachment_values = *array;
    return true;
  }

  void updated(const YamlSpan& value) {
    if (const auto* number = value.value.get<double>()) {
      if (!std::isfinite(*number) || std::abs(*number) > 9.0e15) return;
      out_.updated.ms = static_cast<std::int64_t>(*number);
      out_.updated_is_number = true;
    } else if (const auto* text = value.value.get<std::string>()) {
      std::int64_t ms = 0;
      const auto result = std::from_chars(text->data(), text->data() + text->size(), ms);
      if (result.ec == std::errc() && result.ptr == text->data() + text->size()) {
        out_.updated.ms = ms;
        out_.updated_is_number = true;
      } else if (const auto stamp = parse_rfc3339(*text)) {
        out_.updated = *stamp;
      } else {
        return;
      }
    } else {
      return;
    }
    out_.has_updated = true;
    out_.record.modified_at = out_.updated.ms;
  }

  HeaderView& out_;
  std::string_view path_;
  const LinkResolver& links_;
};

}  // namespace

HeaderView view_header(const std::optional<std::string>& header, std::string_view path,
                       const LinkResolver& links) {
  HeaderView out;
  out.record.header = header;
  if (!header) return out;
  const auto lay_out = [&]() -> Result<HeaderLayout> {
    DX_TRY(const FencedHeader fenced, take_apart_header(*header));
    return lay_out_header(fenced.inner);
  };
  auto layout = lay_out();
  if (!layout) {
    out.unreadable = std::move(layout).error();
    return out;
  }
  Viewer viewer(out, path, links);
  for (YamlEntry& entry : layout->entries) viewer.entry(entry);
  return out;
}

HeaderFields read_fields(const std::optional<std::string>& header, std::string_view path,
                         const LinkResolver& links) {
  HeaderView view = view_header(header, path, links);
  return {std::move(view.record), std::move(view.unreadable)};
}

}  // namespace diaryx::workspace
