#include "engine/workspace/render.h"

#include <algorithm>
#include <map>

#include "engine/workspace/header.h"
#include "engine/workspace/header_fields.h"
#include "engine/workspace/link.h"
#include "engine/workspace/list_diff.h"
#include "engine/workspace/yaml_scalar.h"

namespace diaryx::workspace {
namespace {

using codec::Any;
using codec::AnyArray;
using codec::AnyObject;

const Any* find(const AnyObject& object, std::string_view key) {
  for (const auto& [name, value] : object) {
    if (name == key) return &value;
  }
  return nullptr;
}

Any texts(const std::vector<std::string>& list) {
  AnyArray out;
  out.reserve(list.size());
  for (const std::string& text : list) out.emplace_back(text);
  return Any(std::move(out));
}

// `link` with the title of `old_text`, if both have one.
std::string with_title_of(const std::string& old_text, const std::string& link) {
  const std::size_t end = link.find("](");
  const auto title = parse_link(old_text).title;
  if (!title || link.substr(0, 1) != "[" || end == std::string::npos) return link;
  return "[" + *title + link.substr(end);
}

// A record's link as the workspace understands it now.
struct Target {
  enum class Kind { File, Dead, Text } kind;
  std::string value;  // The id of a live file; or the link's text, or an id that is no live file's.
};

class HeaderRender {
 public:
  HeaderRender(const FileRecord& record, const HeaderView& view, const LinkResolver& links)
      : record_(record), view_(view), links_(links) {}

  std::vector<HeaderChange> changes() {
    const FileRecord& shown = view_.record;
    text("title", record_.title, shown.title);
    part_of();
    contents();
    audience();
    text("description", record_.description, shown.description);
    attachments();
    extra();
    updated();
    return std::move(changes_);
  }

 private:
  void set(std::string_view key, std::optional<Any> value) {
    changes_.push_back({std::string(key), std::move(value)});
  }

  // A field that the record does not have may be in its `extra`, in a shape of its own; extra()
  // looks after that.
  void take_away(std::string_view key) {
    if (find(record_.extra, key) == nullptr) set(key, std::nullopt);
  }

  void text(std::string_view key, const std::optional<std::string>& value,
            const std::optional<std::string>& shown) {
    if (value == shown) return;
    if (value) {
      set(key, Any(*value));
    } else {
      take_away(key);
    }
  }

  Target target_of(const std::string& value) const {
    if (links_.link_to(value, record_.path)) return {Target::Kind::File, value};
    if (auto id = links_.id_of(value, record_.path)) return {Target::Kind::File, std::move(*id)};
    return {links_.is_file_id(value) ? Target::Kind::Dead : Target::Kind::Text, value};
  }

  // The text for a link that the header does not have yet. `value` is what the record says,
  // `old_text` the link that it replaces, or nothing.
  std::string link_text(const std::string& value, const Target& target,
                        const std::string& old_text) const {
    if (target.kind != Target::Kind::File) return value;
    // A link that was typed as one stays as it was typed.
    if (target.value != value && parse_link(value).title) return value;
    const std::string link = links_.link_to(target.value, record_.path).value_or(value);
    return with_title_of(old_text, link);
  }

  void part_of() {
    if (!record_.part_of) {
      if (view_.record.part_of) take_away("part_of");
      return;
    }
    const Target target = target_of(*record_.part_of);
    if (target.value == view_.record.part_of || target.kind == Target::Kind::Dead) return;
    // A header's link that means nothing now is taken for the old place of the parent, which keeps
    // its title.
    const bool moved =
        view_.record.part_of && target_of(*view_.record.part_of).kind != Target::Kind::File;
    set("part_of", Any(link_text(*record_.part_of, target, moved ? view_.part_of_text : "")));
  }

  void contents() {
    if (!record_.contents) {
      if (view_.record.contents) take_away("contents");
      return;
    }
    std::vector<std::string> links = content_links();
    if (view_.record.contents && links == view_.contents_texts) return;
    set("contents", texts(links));
  }

  // The record's children as links: those that the header has keep their text.
  std::vector<std::string> content_links() const {
    static const std::vector<std::string> kNone;
    const std::vector<std::string>& shown = view_.record.contents ? *view_.record.contents : kNone;
    std::vector<Target> wanted;
    std::vector<std::string> wanted_values;
    for (const std::string& item : *record_.contents) {
      wanted.push_back(target_of(item));
      wanted_values.push_back(wanted.back().value);
    }
    std::map<std::string, int> shown_count;
    for (const std::string& value : shown) ++shown_count[value];
    std::map<std::string, int> written;
    std::multimap<std::string, std::size_t>
        loose;  // Links of the header without a place yet, by what they mean.
    const std::vector<Hunk> hunks = diff_lists(shown, wanted_values);
    for (const Hunk& hunk : hunks) {
      for (std::size_t i = hunk.a_begin; i < hunk.a_end; ++i) loose.emplace(shown[i], i);
    }
    std::vector<std::string> out;
    std::size_t a = 0;
    std::size_t b = 0;
    const auto keep_to = [&](std::size_t a_end) {
      for (; a < a_end; ++a, ++b) {
        ++written[shown[a]];
        out.push_back(view_.contents_texts[a]);
      }
    };
    for (const Hunk& hunk : hunks) {
      keep_to(hunk.a_begin);
      std::size_t broken = hunk.a_begin;  // The next link of this place that means nothing now.
      const auto next_broken = [&]() -> const std::string* {
        while (broken < hunk.a_end && target_of(shown[broken]).kind == Target::Kind::File) ++broken;
        return broken < hunk.a_end ? &view_.contents_texts[broken++] : nullptr;
      };
      for (b = hunk.b_begin; b < hunk.b_end; ++b) {
        const Target& target = wanted[b];
        // Two peers that added one child at once list it twice; the file lists it once.
        if (target.kind == Target::Kind::File &&
            written[target.value] >= std::max(1, shown_count[target.value]))
          continue;
        ++written[target.value];
        if (const auto moved = loose.find(target.value); moved != loose.end()) {
          out.push_back(view_.contents_texts[moved->second]);
          loose.erase(moved);
        } else if (target.kind == Target::Kind::Dead) {
          if (const std::string* old_text = next_broken()) out.push_back(*old_text);
        } else {
          const std::string* old_text = target.kind == Target::Kind::File ? next_broken() : nullptr;
          out.push_back(
              link_text((*record_.contents)[b], target, old_text == nullptr ? "" : *old_text));
        }
      }
      a = hunk.a_end;
    }
    keep_to(shown.size());
    return out;
  }

  void audience() {
    if (record_.audience == view_.record.audience) return;
    if (!record_.audience) {
      take_away("audience");
    } else if (view_.audience_is_text && record_.audience->size() == 1) {
      set("audience", Any(record_.audience->front()));
    } else {
      set("audience", texts(*record_.audience));
    }
  }

  void attachments() {
    AnyArray wanted;
    std::vector<bool> used(view_.record.attachments.size(), false);
    const auto is_map = [](const Any& value) { return value.get<AnyObject>() != nullptr; };
    const bool maps =
        std::any_of(view_.attachment_values.begin(), view_.attachment_values.end(), is_map);
    for (const Attachment& attachment : record_.attachments) {
      std::size_t i = 0;
      while (i < used.size() && (used[i] || view_.record.attachments[i].path != attachment.path))
        ++i;
      if (i < used.size()) {
        used[i] = true;
        if (auto value = attachment_again(i, attachment)) wanted.push_back(std::move(*value));
      } else if (!attachment.deleted) {
        wanted.push_back(maps ? attachment_map({}, attachment) : Any(attachment.path));
      }
    }
    if (same_in_yaml(Any(wanted), Any(view_.attachment_values))) return;
    if (wanted.empty()) {
      take_away("attachments");
    } else {
      set("attachments", Any(std::move(wanted)));
    }
  }

  std::optional<Any> attachment_again(std::size_t index, const Attachment& attachment) const {
    const Any& value = view_.attachment_values[index];
    const Attachment& shown = view_.record.attachments[index];
    if (attachment.deleted && !shown.deleted) return std::nullopt;
    const auto* members = value.get<AnyObject>();
    if (members == nullptr || attachment == shown) return value;
    return attachment_map(*members, attachment);
  }

  // `members`, brought up to date, and what is not said by leaving it out.
  static Any attachment_map(AnyObject members, const Attachment& attachment) {
    const Attachment plain;
    const auto put = [&](std::string_view key, Any value, bool needed) {
      for (auto& [name, member] : members) {
        if (name != key) continue;
        member = std::move(value);
        return;
      }
      if (needed) members.emplace_back(key, std::move(value));
    };
    put("path", Any(attachment.path), true);
    put("source", Any(attachment.source), attachment.source != plain.source);
    put("hash", Any(attachment.hash), !attachment.hash.empty());
    put("mime_type", Any(attachment.mime_type), !attachment.mime_type.empty());
    put("size", Any(static_cast<double>(attachment.size)), attachment.size != 0);
    const Any uploaded = attachment.uploaded_at ? Any(static_cast<double>(*attachment.uploaded_at))
                                                : Any(codec::Null{});
    put("uploaded_at", uploaded, attachment.uploaded_at.has_value());
    put("deleted", Any(attachment.deleted), attachment.deleted);
    return Any(std::move(members));
  }

  bool is_set_field(std::string_view key) const {
    return (key == "title" && record_.title) || (key == "part_of" && record_.part_of) ||
           (key == "contents" && record_.contents) || (key == "audience" && record_.audience) ||
           (key == "description" && record_.description) ||
           (key == "attachments" && !record_.attachments.empty());
  }

  void extra() {
    std::vector<HeaderChange> found;
    for (const auto& [key, value] : record_.extra) {
      if (is_set_field(key)) continue;
      const Any* shown = find(view_.record.extra, key);
      if (shown == nullptr || !same_in_yaml(*shown, value)) found.push_back({key, value});
    }
    for (const auto& [key, value] : view_.record.extra) {
      if (!is_set_field(key) && find(record_.extra, key) == nullptr)
        found.push_back({key, std::nullopt});
    }
    std::sort(found.begin(), found.end(),
              [](const auto& a, const auto& b) { return a.key < b.key; });
    std::move(found.begin(), found.end(), std::back_inserter(changes_));
  }

  void updated() {
    const auto is_updated = [](const HeaderChange& change) { return change.key == "updated"; };
    if (!view_.has_updated || changes_.empty() ||
        std::any_of(changes_.begin(), changes_.end(), is_updated))
      return;
    if (record_.modified_at <= 0 || record_.modified_at == view_.updated.ms) return;
    if (view_.updated_is_number) {
      set("updated", Any(static_cast<double>(record_.modified_at)));
    } else {
      set("updated", Any(format_rfc3339(record_.modified_at, view_.updated)));
    }
  }

  const FileRecord& record_;
  const HeaderView& view_;
  const LinkResolver& links_;
  std::vector<HeaderChange> changes_;
};

}  // namespace

std::optional<std::string> render_header(const FileRecord& record, const LinkResolver& links) {
  const HeaderView view = view_header(record.header, record.path, links);
  if (view.unreadable) return record.header;
  const std::vector<HeaderChange> changes = HeaderRender(record, view, links).changes();
  if (changes.empty()) return record.header;
  if (auto all = edit_header(record.header, changes)) return std::move(*all);
  // One change that cannot be written must not hold back the others.
  std::optional<std::string> header = record.header;
  for (const HeaderChange& change : changes) {
    if (auto edited = edit_header(header, {change})) header = std::move(*edited);
  }
  return header;
}

std::string render_file(const FileRecord& record, std::string_view body,
                        const LinkResolver& links) {
  MarkdownFile file{record.bom, record.eol, render_header(record, links), std::string(body)};
  const bool starts_like_one = body.substr(0, 3) == "---" || body.substr(0, 3) == "\xEF\xBB\xBF";
  if (!file.header && starts_like_one) {
    const auto split = split_markdown(body);
    if (split && (split->header || split->bom)) file.header = "---\n---\n";
  }
  return join_markdown(file);
}

}  // namespace diaryx::workspace
