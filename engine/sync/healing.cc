#include "engine/sync/healing.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include <fmt/core.h>

#include "engine/sync/examination.h"
#include "engine/workspace/render.h"

namespace diaryx::sync {
namespace {

using workspace::Attachment;
using workspace::FileRecord;

constexpr std::string_view kPrefix = "fixes/";

// --- what a fix changes of a record, as JSON and back ---

constexpr std::array<const char*, 5> kFields{"path", "part_of", "contents", "deleted",
                                             "attachments"};

OrderedJson field_of(const FileRecord& record, std::string_view field) {
  if (field == "path") return record.path;
  if (field == "part_of") return record.part_of ? OrderedJson(*record.part_of) : OrderedJson();
  if (field == "contents") return record.contents ? OrderedJson(*record.contents) : OrderedJson();
  if (field == "deleted") return record.deleted;
  OrderedJson attachments = OrderedJson::array();
  for (const Attachment& attachment : record.attachments) {
    attachments.push_back(
        {{"path", attachment.path}, {"hash", attachment.hash}, {"size", attachment.size}});
  }
  return attachments;
}

// Those fields of `record` that `other` has otherwise.
OrderedJson differing(const FileRecord& record, const FileRecord& other) {
  OrderedJson out = OrderedJson::object();
  for (const char* const field : kFields) {
    OrderedJson value = field_of(record, field);
    if (value != field_of(other, field)) out[field] = std::move(value);
  }
  return out;
}

// Reads link texts as they stand.
class NoLinks : public workspace::LinkResolver {
 public:
  std::optional<std::string> id_of(std::string_view, std::string_view) const override {
    return std::nullopt;
  }
  std::optional<std::string> link_to(std::string_view, std::string_view) const override {
    return std::nullopt;
  }
};

// The record with its entries for deleted notes as link texts, as they stand in its header: an id
// that means nobody could not be written into the file again.
FileRecord with_link_texts(FileRecord record, const workspace::MetadataDoc& metadata) {
  if (!record.contents) return record;
  const workspace::LinkFormat format = metadata.link_format();
  const auto in_header =
      workspace::read_fields(record.header, record.path, NoLinks()).record.contents;
  const auto text_for = [&](const FileRecord& child) {
    for (const std::string& text : in_header.value_or(std::vector<std::string>())) {
      if (workspace::canonical_target(workspace::parse_link(text), record.path, format) ==
          child.path) {
        return text;
      }
    }
    return workspace::format_link(format, record.path, child.path,
                                  child.title.value_or(workspace::path_to_title(child.path)));
  };
  for (std::string& entry : *record.contents) {
    const FileRecord* child = metadata.find(entry);
    if (child != nullptr && child->deleted) entry = text_for(*child);
  }
  return record;
}

struct Change {
  std::string id;
  OrderedJson before, after;
};

// A stored change again; null and empty where it is not as we write it.
const OrderedJson& at(const OrderedJson& object, const char* key) {
  static const OrderedJson nothing;
  if (!object.is_object()) return nothing;
  const auto it = object.find(key);
  return it == object.end() ? nothing : *it;
}
std::optional<std::string> text_of(const OrderedJson& value) {
  return value.is_string() ? std::optional(value.get<std::string>()) : std::nullopt;
}
std::vector<std::string> list_of(const OrderedJson& value) {
  std::vector<std::string> out;
  if (!value.is_array()) return out;
  for (const OrderedJson& entry : value) out.push_back(text_of(entry).value_or(""));
  return out;
}

// Entries that were taken out stand where they stood, or at the end of what is there now.
void bring_back_entries(std::vector<std::string>& now, const std::vector<std::string>& before,
                        const std::vector<std::string>& after) {
  const auto stands_in = [](const std::vector<std::string>& entries, const std::string& entry) {
    return std::find(entries.begin(), entries.end(), entry) != entries.end();
  };
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (stands_in(after, before[i]) || stands_in(now, before[i])) continue;
    now.insert(now.begin() + static_cast<std::ptrdiff_t>(std::min(i, now.size())), before[i]);
  }
}

void bring_back_attachments(std::vector<Attachment>& now, const OrderedJson& before) {
  for (const OrderedJson& old : before) {
    for (Attachment& attachment : now) {
      if (attachment.path != text_of(at(old, "path"))) continue;
      attachment.hash = text_of(at(old, "hash")).value_or("");
      const OrderedJson& size = at(old, "size");
      attachment.size = size.is_number_unsigned() ? size.get<std::uint64_t>() : 0;
    }
  }
}

// Where the header is as our change left it, or was not yet written, the old one says it better
// than any that we could make.
void bring_back_header(FileRecord& record, const OrderedJson& before, const OrderedJson& after) {
  const auto old = text_of(at(before, "header"));
  if (old && record.header == text_of(at(after, "header"))) record.header = old;
}

// Gives `record` back what it had. False: something has been changed again since, and stays.
bool reverse(FileRecord& record, const OrderedJson& before, const OrderedJson& after) {
  bool whole = true;
  bring_back_header(record, before, after);
  for (const auto& [field, old] : before.items()) {
    if (field == "contents") {
      if (!record.contents) record.contents.emplace();
      bring_back_entries(*record.contents, list_of(old), list_of(at(after, "contents")));
    } else if (field == "attachments") {
      if (old.is_array()) bring_back_attachments(record.attachments, old);
    } else if (field == "header") {
      continue;
    } else if (field_of(record, field) != at(after, field.c_str())) {
      whole = false;
    } else if (field == "path") {
      record.path = text_of(old).value_or(record.path);
    } else if (field == "part_of") {
      record.part_of = text_of(old);
    } else if (field == "deleted") {
      record.deleted = old == true;
    }
  }
  return whole;
}

// As it is going to be written.
OrderedJson header_of(const std::string& id, const workspace::MetadataDoc& metadata) {
  const auto file = workspace::split_markdown(
      workspace::render_file(*metadata.find(id), std::string(), metadata));
  return file && file->header ? OrderedJson(*file->header) : OrderedJson();
}

std::string key_of(std::uint64_t number) {
  return fmt::format("{}{:010}", kPrefix, number);
}

Result<std::uint64_t> number_of(const std::string& key) {
  std::uint64_t number = 0;
  for (const char c : std::string_view(key).substr(kPrefix.size())) {
    if (c < '0' || c > '9') return Error{ErrorCode::Corrupt, key + ": no number of fixes"};
    number = number * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return number;
}

Status keep(Documents& documents, std::vector<Change>&& changes) {
  DX_TRY(const auto kept, documents.store().list_meta(kPrefix));
  std::uint64_t number = 1;
  if (!kept.empty()) {
    DX_TRY(const std::uint64_t last, number_of(kept.back().first));
    number = last + 1;
  }
  OrderedJson rows = OrderedJson::array();
  for (Change& change : changes) {
    rows.push_back({{"id", change.id},
                    {"before", std::move(change.before)},
                    {"after", std::move(change.after)}});
  }
  const std::string value =
      dump_json(OrderedJson{{"time_ms", documents.wall_ms()}, {"changes", std::move(rows)}});
  std::vector<std::string> old;
  for (std::size_t i = 0; i + Healing::kMostKept <= kept.size(); ++i) old.push_back(kept[i].first);
  documents.queue(
      [key = key_of(number), value, old = std::move(old)](storage::Store& store) -> Status {
        for (const std::string& key_of_old : old) DX_TRY_OK(store.erase_meta(key_of_old));
        return store.set_meta(key, value);
      });
  return {};
}

}  // namespace

OrderedJson to_json(const Mended& mended) {
  return {{"kind", to_string(mended.kind)}, {"path", mended.path}, {"message", mended.message}};
}

OrderedJson to_json(const UndoReport& report) {
  return {{"time_ms", report.time_ms}, {"undone", report.undone}, {"kept", report.kept}};
}

Result<HealReport> Healing::heal(bool trial) {
  DX_TRY(workspace::ValidateInput input, examine(documents_, disk_, files_));
  workspace::MetadataDoc& metadata = documents_.metadata();
  HealReport report;
  std::vector<Change> changes;
  for (const workspace::IssueKind kind : workspace::fixable_kinds()) {
    const workspace::ValidateReport found = workspace::validate(input);
    const workspace::SafeFixes fixes(input);
    for (const workspace::Issue& issue : found.issues) {
      if (issue.kind != kind) continue;
      auto fix = fixes.fix(issue);
      if (!fix) continue;
      report.mended.push_back({fix->kind, fix->path, std::move(fix->message)});
      if (trial) continue;
      for (auto& [id, record] : fix->records) {
        record.modified_at = documents_.wall_ms();
        const FileRecord* stored = metadata.find(id);
        Change change{id, nullptr, nullptr};
        const FileRecord shown = with_link_texts(record, metadata);
        if (stored != nullptr) {
          const FileRecord was = with_link_texts(*stored, metadata);
          change.before = differing(was, shown);
          change.after = differing(shown, was);
          if (was.header) change.before["header"] = *was.header;
        }
        metadata.put(id, record, kOriginServer);
        if (change.before.contains("header")) change.after["header"] = header_of(id, metadata);
        changes.push_back(std::move(change));
      }
      // The text that waited has its note.
      if (kind == workspace::IssueKind::OrphanBodyDoc) input.orphan_paths.erase(issue.key);
    }
  }
  // What was mended is on its way to disk.
  for (const Change& change : changes) {
    if (const auto path = metadata.path_of(change.id)) input.not_written.insert(*path);
  }
  report.left = workspace::validate(input);
  if (!changes.empty()) DX_TRY_OK(keep(documents_, std::move(changes)));
  return report;
}

Result<UndoReport> Healing::undo() {
  DX_TRY(const auto kept, documents_.store().list_meta(kPrefix));
  if (kept.empty()) return Error{ErrorCode::NotFound, "nothing was mended that could be undone"};
  const auto& [key, value] = kept.back();
  DX_TRY(const OrderedJson stored, parse_ordered_json(value));
  const OrderedJson& changes = at(stored, "changes");
  if (!changes.is_array())
    return Error{ErrorCode::Corrupt, key + ": what was mended cannot be read"};
  workspace::MetadataDoc& metadata = documents_.metadata();
  UndoReport report;
  if (at(stored, "time_ms").is_number_integer())
    report.time_ms = at(stored, "time_ms").get<std::int64_t>();
  for (auto change = changes.rbegin(); change != changes.rend(); ++change) {
    const std::string id = text_of(at(*change, "id")).value_or("");
    const FileRecord* const now = metadata.find(id);
    if (now == nullptr) continue;
    FileRecord record = *now;
    bool whole = true;
    if (const OrderedJson& before = at(*change, "before"); before.is_object()) {
      whole = reverse(record, before, at(*change, "after"));
    } else {
      record.deleted = true;  // It was made; its text stays in its document, its file in the trash.
    }
    std::vector<std::string>& told = whole ? report.undone : report.kept;
    if (std::find(told.begin(), told.end(), now->path) == told.end()) told.push_back(now->path);
    if (record == *now) continue;
    record.modified_at = documents_.wall_ms();
    metadata.put(id, record, kOriginServer);
  }
  documents_.queue(
      [key_of_it = key](storage::Store& store) { return store.erase_meta(key_of_it); });
  return report;
}

}  // namespace diaryx::sync
