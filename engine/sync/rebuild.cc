#include "engine/sync/rebuild.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "engine/crdt/doc.h"
#include "engine/sync/documents.h"
#include "engine/workspace/markdown_file.h"
#include "engine/workspace/metadata_doc.h"
#include "engine/workspace/render.h"
#include "engine/workspace/seed.h"

namespace diaryx::sync {
namespace {

using workspace::FileRecord;
using workspace::MetadataDoc;
using Records = std::map<std::string, FileRecord, std::less<>>;

constexpr std::string_view kBodyPrefix = "body/";
constexpr std::string_view kAheadPrefix = "ahead/";
constexpr std::string_view kRecords = "the records of all notes";

// A document as far as it can be put together.
struct Document {
  std::unique_ptr<crdt::Doc> doc = std::make_unique<crdt::Doc>(crdt::DocOptions{.client_id = 1});
  bool whole = true;
  std::string text() const { return doc->text("body").to_string(); }
};

Document put_together(const storage::SalvagedDoc& salvaged) {
  Document document;
  const bool is_workspace = salvaged.name == kWorkspaceDocName;
  document.whole = salvaged.whole;
  if (salvaged.stored.snapshot && !document.doc->apply_update(salvaged.stored.snapshot->state))
    document.whole = false;
  for (const storage::StoredUpdate& update : salvaged.stored.updates) {
    if (!document.doc->apply_update(update.data)) document.whole = false;
  }
  const bool has_root = is_workspace ? document.doc->root("files", crdt::TypeKind::Map).has_value()
                                     : document.doc->root("body", crdt::TypeKind::Text).has_value();
  if (!has_root || !document.doc->check_invariants()) {
    document = {};
    document.whole = false;
    if (is_workspace) {
      (void)document.doc->map("files");  // Declares the root.
    } else {
      (void)document.doc->text("body");  // As above.
    }
  }
  return document;
}

// Between the files that the ledger knows.
class KnownLinks final : public workspace::LinkResolver {
 public:
  explicit KnownLinks(const std::map<std::string, std::string>& by_path) : by_path_(by_path) {}
  std::optional<std::string> id_of(std::string_view link_text,
                                   std::string_view from) const override {
    for (const auto format :
         {workspace::LinkFormat::MarkdownRoot, workspace::LinkFormat::PlainRelative}) {
      const auto target =
          workspace::canonical_target(workspace::parse_link(link_text), from, format);
      if (!target) continue;
      if (const auto it = by_path_.find(*target); it != by_path_.end()) return it->second;
    }
    return std::nullopt;
  }
  std::optional<std::string> link_to(std::string_view, std::string_view) const override {
    return std::nullopt;
  }

 private:
  const std::map<std::string, std::string>& by_path_;
};

// Damage makes paths of paths, and only some are such as we write.
bool is_note_path(const std::string& text) {
  const auto path = WorkspacePath::parse(text);
  return path && path->is_markdown() && !path->is_hidden();
}

std::string body_of(const std::string& file) {
  auto parts = workspace::split_markdown(file);
  return parts ? std::move(parts->body) : std::string();
}

class Rebuilding {
 public:
  Rebuilding(const RebuildInput& input, storage::Store& fresh, const Clock& clock)
      : in_(input), fresh_(fresh), clock_(clock) {}

  Result<RebuildReport> run() {
    DX_TRY_OK(look_at_disk());
    for (const storage::SalvagedDoc& doc : in_.salvage.docs) salvaged_.emplace(doc.name, &doc);
    DX_TRY(auto transaction, fresh_.begin());
    for (const auto& [key, value] : in_.salvage.meta) {
      if (key != "epoch" && key != "failed_validations") DX_TRY_OK(fresh_.set_meta(key, value));
    }
    DX_TRY_OK(take_records());
    for (const auto& [id, record] : metadata_->records()) {
      if (!record.deleted) DX_TRY_OK(take_note(id, record));
    }
    DX_TRY_OK(take_others());
    DX_TRY_OK(transaction.commit());
    for (const auto& [path, bytes] : in_.committed) {
      if (!on_disk_.contains(path.str()) && !metadata_->id_at(path.str()) &&
          !metadata_->tombstone_at(path.str()))
        report_.only_in_git.push_back(path.str());
    }
    std::sort(report_.rebuilt.begin(), report_.rebuilt.end(),
              [](const Rebuilt& a, const Rebuilt& b) { return a.path < b.path; });
    return std::move(report_);
  }

 private:
  Status look_at_disk() {
    DX_TRY(const filesystem::Listing listing, in_.files.list());
    for (const filesystem::Listed& file : listing.files) {
      if (file.path.is_markdown()) on_disk_.insert(file.path.str());
    }
    return {};
  }

  const storage::LedgerEntry* ledger(const std::string& id) const {
    const auto it = in_.salvage.ledger.find(id);
    if (it == in_.salvage.ledger.end() || it->second.path.empty()) return nullptr;
    // Where an entry's place is not its record's, and nothing says that the file is about to be
    // moved, the entry is damaged: it would lead to somebody else's file.
    if (metadata_->path_of(id) != it->second.path && !was_ahead(id)) return nullptr;
    return &it->second;
  }
  bool was_ahead(const std::string& id) const {
    const auto it = in_.salvage.ledger.find(id);
    return in_.salvage.meta.contains(std::string(kAheadPrefix) + id) ||
           (it != in_.salvage.ledger.end() && it->second.pending);
  }

  void note(std::string path, std::string source, std::string message) {
    report_.rebuilt.push_back({std::move(path), std::move(source), std::move(message)});
  }
  void keep_aside(const std::string& path, const std::string& text, const std::string& chosen) {
    if (!text.empty() && text != chosen) report_.aside.emplace_back(path, text);
  }

  Status copy(const storage::SalvagedDoc& doc) {
    ++report_.whole;
    if (doc.stored.snapshot) DX_TRY_OK(fresh_.fold(doc.name, *doc.stored.snapshot));
    std::vector<storage::NewUpdate> updates;
    for (const storage::StoredUpdate& update : doc.stored.updates)
      updates.push_back({doc.name, update.data, update.origin, update.time_ms});
    return fresh_.append(updates);
  }

  Status write(const std::string& name, Buffer update) {
    const storage::NewUpdate fresh{name, std::move(update), storage::UpdateOrigin::Import,
                                   clock_.wall_ms()};
    return fresh_.append({&fresh, 1});
  }

  // The records of all notes: as they were, or from what disk and documents last agreed on.
  Status take_records() {
    const auto it = salvaged_.find(std::string(kWorkspaceDocName));
    if (it != salvaged_.end()) workspace_ = put_together(*it->second);
    if (it == salvaged_.end()) {
      (void)workspace_.doc->map("files");  // Declares the root.
      // An empty workspace has none either.
      workspace_.whole = salvaged_.empty() && in_.salvage.ledger.empty();
    }
    metadata_ = std::make_unique<MetadataDoc>(*workspace_.doc);
    if (workspace_.whole && metadata_->unreadable().empty())
      return it == salvaged_.end() ? Status() : copy(*it->second);

    records_are_new_ = true;
    Records records = agreed_records();
    std::set<std::string> claimed;
    for (const auto& [id, record] : records) claimed.insert(record.path);
    const std::size_t agreed = records.size();
    for (const auto& [id, record] : metadata_->records()) {
      const bool may =
          record.deleted || (is_note_path(record.path) && !claimed.contains(record.path));
      if (workspace_.whole) {
        records.insert_or_assign(id, record);
      } else if (may) {
        records.emplace(id, record);
      }
    }
    note("", agreed > 0 ? "ledger" : "log",
         fmt::format("{}: written anew, {} of {} from what disk and documents last agreed on",
                     kRecords, workspace_.whole ? 0 : agreed, records.size()));
    // What it was read from goes before what is read.
    metadata_.reset();
    workspace_ = {};
    (void)workspace_.doc->map("files");  // Declares the root.
    if (!records.empty()) {
      const workspace::Seed seed = workspace::seed_records(records);
      DX_TRY_OK(workspace_.doc->apply_update(seed.update));
      DX_TRY_OK(write(std::string(kWorkspaceDocName), seed.update));
    }
    metadata_ = std::make_unique<MetadataDoc>(*workspace_.doc);
    return {};
  }

  FileRecord record_of(const std::string& path, workspace::MarkdownFile&& parts,
                       const KnownLinks& links) const {
    FileRecord record = workspace::read_fields(parts.header, path, links).record;
    record.path = path;
    record.header = std::move(parts.header);
    record.eol = parts.eol;
    record.bom = parts.bom;
    return record;
  }

  Records agreed_records() {
    std::map<std::string, std::string> by_path;
    for (const auto& [id, entry] : in_.salvage.ledger) {
      if (is_note_path(entry.path)) by_path.emplace(entry.path, id);
    }
    const KnownLinks links(by_path);
    Records records;
    for (const auto& [path, id] : by_path) {
      if (auto parts = workspace::split_markdown(in_.salvage.ledger.at(id).base))
        records.emplace(id, record_of(path, std::move(*parts), links));
    }
    adopt_by_text(records, by_path, links);
    return records;
  }

  // A text without a record is that of the file that says the same, if nobody else has that.
  void adopt_by_text(Records& records, const std::map<std::string, std::string>& by_path,
                     const KnownLinks& links) {
    std::map<std::string, std::string> texts;  // Id → text.
    for (const auto& [name, doc] : salvaged_) {
      if (!name.starts_with(kBodyPrefix)) continue;
      const std::string id = name.substr(kBodyPrefix.size());
      if (records.contains(id) || metadata_->find(id) != nullptr) continue;
      const Document document = put_together(*doc);
      if (document.whole && !document.text().empty()) texts.emplace(id, document.text());
    }
    if (texts.empty()) return;
    for (const std::string& path : on_disk_) {
      const auto parsed = WorkspacePath::parse(path);
      if (!parsed || by_path.contains(path) || metadata_->id_at(path)) continue;
      const auto file = in_.files.read(*parsed, filesystem::kMaxNoteBytes);
      auto parts = file ? workspace::split_markdown(file->bytes)
                        : Result<workspace::MarkdownFile>(file.error());
      if (!parts) continue;
      const auto owner = std::find_if(texts.begin(), texts.end(),
                                      [&](const auto& text) { return text.second == parts->body; });
      if (owner == texts.end()) continue;
      records.emplace(owner->first, record_of(path, std::move(*parts), links));
      texts.erase(owner);
    }
  }

  Status take_note(const std::string& id, const FileRecord& record) {
    const std::string name = body_doc_name(id);
    const auto it = salvaged_.find(name);
    const storage::LedgerEntry* agreed = ledger(id);
    Document document;
    if (it != salvaged_.end()) document = put_together(*it->second);
    if (it == salvaged_.end()) {
      (void)document.doc->text("body");  // Declares the root.
      document.whole = agreed != nullptr && body_of(agreed->base).empty();
    }
    // Its end may be gone without a trace.
    if (document.whole && agreed != nullptr && !was_ahead(id) && !in_.salvage.faults.empty() &&
        document.text() != body_of(agreed->base))
      document.whole = false;
    if (document.whole) {
      if (it != salvaged_.end()) DX_TRY_OK(copy(*it->second));
      return agreed != nullptr ? fresh_.put_ledger(*agreed) : agree_anew(id, record, document);
    }
    return write_anew(id, record, document, agreed);
  }

  // The text is whole, and what was agreed on is not known: is the file older, or newer? Whatever
  // the disk says is taken for what was agreed on, if the document was ahead; else what the
  // document says. The other text is kept aside.
  Status agree_anew(const std::string& id, const FileRecord& record, const Document& document) {
    const auto pending = in_.salvage.ledger.find(id);
    if (pending != in_.salvage.ledger.end()) return fresh_.put_ledger(pending->second);
    const auto path = WorkspacePath::parse(record.path);
    if (!path || !on_disk_.contains(record.path)) return mark_ahead(id);
    DX_TRY(const filesystem::FileContent file, in_.files.read(*path, filesystem::kMaxNoteBytes));
    const std::string rendered = workspace::render_file(record, document.text(), *metadata_);
    if (rendered != file.bytes) {
      keep_aside(record.path, was_ahead(id) ? file.bytes : rendered, {});
      note(record.path, was_ahead(id) ? "log" : "disk",
           was_ahead(id) ? "what was agreed on is not known: the document was ahead, and wins"
                         : "what was agreed on is not known: the file wins");
    }
    return put_base(id, record.path, was_ahead(id) ? file.bytes : rendered);
  }

  Status put_base(const std::string& id, const std::string& path, const std::string& base) {
    storage::LedgerEntry entry;
    entry.file_id = id;
    entry.path = path;
    entry.base = base;
    entry.base_hash = sha256(as_bytes(base));
    return fresh_.put_ledger(entry);  // Without a stat: the file is read at the next look.
  }

  Status mark_ahead(const std::string& id) {
    return fresh_.set_meta(std::string(kAheadPrefix) + id, "1");
  }

  Status write_anew(const std::string& id, const FileRecord& record, const Document& left,
                    const storage::LedgerEntry* agreed) {
    const std::string rest = left.text();
    const auto seed = [&](const std::string& text) -> Status {
      if (text.empty()) return {};
      return write(body_doc_name(id), workspace::seed_body(id, text).update);
    };
    if (agreed != nullptr) {
      const std::string text = body_of(agreed->base);
      keep_aside(record.path, rest, text);
      note(record.path, "ledger", "the text as disk and document last agreed on it");
      written_anew_.insert(text);
      DX_TRY_OK(seed(text));
      storage::LedgerEntry entry = *agreed;
      entry.pending.reset();
      entry.size = 0;  // The file is looked at once more.
      return fresh_.put_ledger(entry);
    }
    if (on_disk_.contains(record.path)) {
      const auto path = WorkspacePath::parse(record.path);
      const auto file = path ? in_.files.read(*path, filesystem::kMaxNoteBytes)
                             : Result<filesystem::FileContent>(path.error());
      const std::string text = file ? body_of(file->bytes) : std::string();
      keep_aside(record.path, rest, text);
      note(record.path, "disk", "the text of the file");
      return {};  // Taken in as a file that nobody knows.
    }
    if (const auto path = WorkspacePath::parse(record.path);
        path && in_.committed.contains(*path)) {
      const std::string text = body_of(in_.committed.at(*path));
      keep_aside(record.path, rest, text);
      note(record.path, "git", "the text as it was last committed");
      DX_TRY_OK(seed(text));
      return mark_ahead(id);
    }
    note(record.path, rest.empty() ? "nothing" : "log",
         rest.empty() ? "its text is lost: neither store nor disk nor git has it"
                      : "what is left of the text in the log");
    DX_TRY_OK(seed(rest));
    return mark_ahead(id);
  }

  // Deleted notes, and texts that wait for their note.
  Status take_others() {
    for (const auto& [name, doc] : salvaged_) {
      if (name == kWorkspaceDocName) continue;
      const bool is_body = name.starts_with(kBodyPrefix);
      const FileRecord* record =
          is_body ? metadata_->find(name.substr(kBodyPrefix.size())) : nullptr;
      if (record != nullptr && !record->deleted) continue;
      const Document document = put_together(*doc);
      const std::string rest = document.text();
      // Its name is damaged, and its note has the text by other ways.
      if (record == nullptr && written_anew_.contains(rest)) continue;
      if (is_body && record == nullptr && records_are_new_) {
        // Whose it was is not known any more: a note that was deleted, or one whose file is there
        // under another id.
        keep_aside(name + ".md", rest, {});
        continue;
      }
      if (document.whole) {
        DX_TRY_OK(copy(*doc));
        continue;
      }
      if (rest.empty()) continue;
      note(record != nullptr ? record->path : name, "log", "what is left of a text without a file");
      DX_TRY_OK(write(name, workspace::seed_body(name, rest).update));
    }
    return {};
  }

  const RebuildInput& in_;
  storage::Store& fresh_;
  const Clock& clock_;
  std::map<std::string, const storage::SalvagedDoc*> salvaged_;
  std::set<std::string> on_disk_;
  Document workspace_;
  std::unique_ptr<MetadataDoc> metadata_;
  bool records_are_new_ = false;
  std::set<std::string> written_anew_;  // Texts.
  RebuildReport report_;
};

}  // namespace

std::vector<std::string> find_damage(const storage::Salvage& salvage) {
  std::vector<std::string> damage = salvage.faults;
  if (salvage.lost_ledger > 0)
    damage.push_back(
        fmt::format("ledger: {} entries are not what was written", salvage.lost_ledger));
  std::set<std::string> bodies;
  const storage::SalvagedDoc* workspace = nullptr;
  for (const storage::SalvagedDoc& doc : salvage.docs) {
    if (doc.name == kWorkspaceDocName) workspace = &doc;
    if (doc.name.starts_with(kBodyPrefix)) bodies.insert(doc.name.substr(kBodyPrefix.size()));
    if (!doc.whole) continue;  // Told of among the faults.
    if (!put_together(doc).whole)
      damage.push_back(fmt::format("document \"{}\": it cannot be put together", doc.name));
  }
  for (const char* key : {"workspace_id", "epoch"}) {
    if (!salvage.meta.contains(key)) damage.push_back(fmt::format("meta: no {}", key));
  }
  if (workspace == nullptr) {
    if (!salvage.docs.empty() || !salvage.ledger.empty())
      damage.push_back(fmt::format("{} are not there", kRecords));
    return damage;
  }
  const Document document = put_together(*workspace);
  const MetadataDoc metadata(*document.doc);
  for (const std::string& id : metadata.unreadable())
    damage.push_back(fmt::format("the record \"{}\" is no record", id));
  for (const auto& [id, entry] : salvage.ledger) {
    const FileRecord* record = metadata.find(id);
    if (record != nullptr && !record->deleted && !bodies.contains(id) &&
        !body_of(entry.base).empty())
      damage.push_back(fmt::format("{}: its text has no document", record->path));
  }
  return damage;
}

Result<RebuildReport> rebuild(const RebuildInput& input, storage::Store& fresh,
                              const Clock& clock) {
  return Rebuilding(input, fresh, clock).run();
}

}  // namespace diaryx::sync
