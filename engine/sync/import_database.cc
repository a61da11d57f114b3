#include "engine/sync/import_database.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string_view>

#include <fmt/format.h>

#include "engine/base/hash.h"
#include "engine/base/json.h"
#include "engine/sync/documents.h"
#include "engine/sync/imported_text.h"
#include "engine/workspace/old_records.h"
#include "engine/workspace/render.h"
#include "engine/workspace/seed.h"

namespace diaryx::sync {
namespace {

using storage::DiaryxDocument;
using workspace::FileRecord;
using workspace::MetadataDoc;

constexpr std::string_view kWorkspacePrefix = "workspace:";
constexpr std::string_view kBodyPrefix = "body:";
constexpr std::string_view kAheadPrefix = "ahead/";
// What a key became: "<file id> <hash of the record>"; of a text without a record " ".
constexpr std::string_view kImportedPrefix = "imported/";
constexpr std::size_t kMostIdBytes = 64;
// As documents.cc has it: a log this long becomes a snapshot.
constexpr std::size_t kFoldRows = 64;

bool is_workspace(std::string_view name) {
  return name == kWorkspaceDocName || name.starts_with(kWorkspacePrefix);
}

// "body:<ws>/<key>", or as clients call it "<key>".
struct BodyName {
  std::string workspace_id;  // "" if it says none.
  std::string key;
};
BodyName parse_body_name(std::string_view name) {
  if (!name.starts_with(kBodyPrefix)) return {"", workspace::old_key(name)};
  name.remove_prefix(kBodyPrefix.size());
  const std::size_t slash = name.find('/');
  if (slash == std::string_view::npos) return {"", workspace::old_key(name)};
  return {std::string(name.substr(0, slash)), workspace::old_key(name.substr(slash + 1))};
}

bool may_be_id(std::string_view key) {
  return !key.empty() && key.size() <= kMostIdBytes &&
         key.find_first_not_of(kUrlSafeAlphabet) == std::string_view::npos;
}

std::string fingerprint(const FileRecord& record) {
  const auto as_written = [](const std::string& link) { return std::optional(link); };
  return fmt::format("{:016x}",
                     stable_hash64(dump_json(workspace::to_file_metadata(record, as_written))));
}

struct Mark {
  std::string id;
  std::string fingerprint;
};

// A key of the database, and what it becomes here.
struct Note {
  std::string id;
  FileRecord record;  // With our links.
  std::string mark;   // Fingerprint.
  bool fresh = false;
};

class Importing {
 public:
  Importing(const ImportInput& input, storage::Store& store, const Clock& clock, Random& random)
      : in_(input), store_(store), clock_(clock), random_(random) {}

  Result<ImportReport> run() {
    for (const auto& row : in_.database.left_out) report_.left_out.emplace_back(row.what, row.why);
    DX_TRY_OK(look_at_disk());
    choose_workspace();
    find_bodies();
    DX_TRY(auto transaction, store_.begin());
    DX_TRY_OK(load_ours());
    DX_TRY_OK(take_records());
    for (auto& [key, note] : notes_) DX_TRY_OK(take_text(key, note));
    DX_TRY_OK(write_records());
    for (auto& [key, note] : notes_) DX_TRY_OK(meet_disk(key, note));
    DX_TRY_OK(take_waiting());
    DX_TRY_OK(transaction.commit());
    return std::move(report_);
  }

 private:
  Status look_at_disk() {
    DX_TRY(const filesystem::Listing listing, in_.files.list());
    for (const filesystem::Listed& file : listing.files) {
      if (!file.path.is_markdown()) continue;
      on_disk_.insert(file.path.str());
      on_disk_stats_.emplace(file.path.str(), file.stat);
    }
    return {};
  }

  // The one that was written last, if there are several.
  void choose_workspace() {
    std::vector<const DiaryxDocument*> found;
    for (const DiaryxDocument& document : in_.database.documents) {
      if (is_workspace(document.name)) found.push_back(&document);
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const auto* a, const auto* b) { return a->last_ms() > b->last_ms(); });
    for (const DiaryxDocument* document : found) {
      if (workspace_) {
        report_.left_out.emplace_back(
            document->name, "another workspace, written to earlier than the one taken over");
        continue;
      }
      workspace_ = put_together(*document, "files", crdt::TypeKind::Map, random_, report_.left_out);
      if (workspace_ && document->name.starts_with(kWorkspacePrefix))
        workspace_id_ = document->name.substr(kWorkspacePrefix.size());
    }
    if (!workspace_) return;
    records_ = workspace::read_old_records(workspace_->doc->map("files"), on_disk_);
    for (const auto& [key, why] : records_.left_out) report_.left_out.emplace_back(key, why);
    workspace_.reset();
    has_records_ = true;
  }

  void find_bodies() {
    for (const DiaryxDocument& document : in_.database.documents) {
      if (is_workspace(document.name)) continue;
      BodyName name = parse_body_name(document.name);
      const bool other = !name.workspace_id.empty() && !workspace_id_.empty() &&
                         name.workspace_id != workspace_id_;
      if (other) {
        report_.left_out.emplace_back(document.name, "the text of another workspace");
        continue;
      }
      bodies_[std::move(name.key)].push_back(&document);
    }
    // A note with an id may have been saved under its path, too.
    for (const auto& [key, record] : records_.by_key) {
      if (workspace::is_path_key(key) || records_.by_key.contains(record.path)) continue;
      const auto by_path = bodies_.find(record.path);
      if (by_path == bodies_.end() || record.deleted) continue;
      auto& own = bodies_[key];
      own.insert(own.end(), by_path->second.begin(), by_path->second.end());
      bodies_.erase(by_path);
    }
    for (auto& [key, documents] : bodies_) {
      // Where there is such a file there is such a note. Without records a path is all that is
      // known of one.
      const bool is_note = !has_records_ || on_disk_.contains(key);
      if (is_note && workspace::is_path_key(key) && !workspace::why_no_note(key) &&
          !records_.by_key.contains(key))
        records_.by_key[key].path = key;
    }
    for (auto& [key, documents] : bodies_) {
      std::stable_sort(documents.begin(), documents.end(),
                       [](const auto* a, const auto* b) { return a->last_ms() > b->last_ms(); });
    }
  }

  Result<std::unique_ptr<crdt::Doc>> load(const std::string& name) {
    auto doc = std::make_unique<crdt::Doc>(crdt::DocOptions{.client_id = random_.client_id()});
    const auto apply = [&doc](Bytes update) -> Status {
      if (Status applied = doc->apply_update(update); !applied)
        return Error{ErrorCode::Corrupt, applied.error().message, "run `diaryx-sync repair`"};
      return {};
    };
    const Status read = store_.visit(
        name, apply, [&](const storage::UpdateView& update) { return apply(update.data); });
    if (!read) return Status(read).error().with(name);
    return doc;
  }

  Status load_ours() {
    DX_TRY(ours_, load(std::string(kWorkspaceDocName)));
    if (auto files = ours_->root("files", crdt::TypeKind::Map); !files)
      return std::move(files).error();
    metadata_ = std::make_unique<MetadataDoc>(*ours_);
    ours_->observe([this](const crdt::TransactionSummary& summary) {
      (void)metadata_->refresh(summary);  // Nobody asks which.
      if (!summary.update.empty()) written_.push_back(to_buffer(summary.update));
    });
    DX_TRY(const auto marks, store_.list_meta(kImportedPrefix));
    for (const auto& [key, value] : marks) {
      const std::size_t space = value.find(' ');
      if (space == std::string::npos) continue;
      marks_[key.substr(kImportedPrefix.size())] = {value.substr(0, space),
                                                    value.substr(space + 1)};
    }
    return {};
  }

  std::string id_for(const std::string& key, const FileRecord& record) const {
    if (const auto it = marks_.find(key); it != marks_.end() && !it->second.id.empty())
      return it->second.id;
    if (auto id = metadata_->id_at(record.path)) return *id;
    if (auto id = metadata_->tombstone_at(record.path); id && workspace::is_path_key(key))
      return *id;
    const bool keeps =
        !workspace::is_path_key(key) && may_be_id(key) && metadata_->find(key) == nullptr;
    return keeps ? key : metadata_->id_for_path(record.path);
  }

  Status take_records() {
    std::map<std::string, std::string, std::less<>> ids;
    std::map<std::string, std::string, std::less<>> key_at_path;
    std::set<std::string> taken;
    for (const auto& [key, record] : records_.by_key) {
      std::string id = id_for(key, record);
      if (!taken.insert(id).second) {
        report_.left_out.emplace_back(key, record.path + ": two records of the same file");
        continue;
      }
      ids.emplace(key, std::move(id));
      if (!record.deleted) key_at_path.emplace(record.path, key);
    }
    for (auto& [key, record] : records_.by_key) {
      const auto id = ids.find(key);
      if (id == ids.end()) continue;
      Note& note = notes_[key];
      note.id = id->second;
      note.mark = fingerprint(record);
      note.fresh = metadata_->find(note.id) == nullptr;
      note.record = std::move(record);
      workspace::link_old_record(note.record, ids, key_at_path);
      if (!note.fresh) {
        ++report_.known;
      } else {
        ++(note.record.deleted ? report_.deleted : report_.notes);
      }
    }
    return {};
  }

  // All documents of that note as one; what cannot be one is kept aside.
  Result<std::optional<ImportedDocument>> gather(const std::string& key, const std::string& path) {
    std::optional<ImportedDocument> first;
    const auto it = bodies_.find(key);
    if (it == bodies_.end()) return first;
    for (const DiaryxDocument* stored : it->second) {
      auto next = put_together(*stored, "body", crdt::TypeKind::Text, random_, report_.left_out);
      if (!next) continue;
      if (!first) {
        first = std::move(next);
      } else if (share_history(*first->doc, *next->doc)) {
        for (ImportedRow& row : next->rows) {
          if (first->doc->apply_update(row.data)) first->rows.push_back(std::move(row));
        }
      } else {
        const std::string text = next->doc->text("body").to_string();
        const std::string chosen = first->doc->text("body").to_string();
        if (chosen.empty() && !text.empty()) {
          first = std::move(next);
        } else {
          DX_TRY_OK(keep_aside(path, text, chosen));
        }
      }
    }
    bodies_.erase(it);
    return first;
  }

  Status keep_aside(const std::string& path, const std::string& text, const std::string& chosen) {
    if (is_contained(text, chosen)) return {};
    DX_TRY_OK(in_.keep_aside(path, text));
    report_.aside.push_back(path);
    return {};
  }

  Status write_rows(const std::string& name, const std::vector<ImportedRow>& rows,
                    const crdt::Doc& doc) {
    ++report_.documents;
    report_.updates += rows.size();
    DX_TRY(const bool there, store_.exists(name));
    if (!there && rows.size() >= kFoldRows)
      return store_.fold(name, {.covers_seq = 1, .state = doc.encode_state_as_update()});
    std::vector<storage::NewUpdate> updates;
    updates.reserve(rows.size());
    for (const ImportedRow& row : rows)
      updates.push_back({name, row.data, row.origin, row.time_ms});
    return store_.append(updates);
  }

  Status mark_ahead(const std::string& id) {
    return store_.set_meta(std::string(kAheadPrefix) + id, "1");
  }

  Status take_text(const std::string& key, Note& note) {
    DX_TRY(auto body, gather(key, note.record.path));
    if (!body) return {};
    const std::string name = body_doc_name(note.id);
    DX_TRY(const auto ours, load(name));
    if (auto text = ours->root("body", crdt::TypeKind::Text); !text)
      return std::move(text).error().with(name);
    if (ours->empty()) {
      if (note.fresh) note.record.eol = use_line_feeds(*body, clock_.wall_ms());
      DX_TRY_OK(write_rows(name, body->rows, *body->doc));
      if (!note.fresh) return mark_ahead(note.id);
      // Needed once more, when the records are there.
      body->doc.reset();
      if (!note.record.deleted && on_disk_.contains(note.record.path))
        taken_over_.emplace(key, std::move(*body));
      return {};
    }
    const std::string text = ours->text("body").to_string();
    if (!text.empty() && !share_history(*ours, *body->doc))
      return keep_aside(note.record.path, body->doc->text("body").to_string(), text);
    std::vector<ImportedRow> news;
    bool changed = false;
    const std::uint64_t observer = ours->observe(
        [&changed](const crdt::TransactionSummary& summary) { changed = !summary.update.empty(); });
    for (const ImportedRow& row : body->rows) {
      changed = false;
      const bool waited = ours->has_pending();
      DX_TRY_OK(ours->apply_update(row.data));
      if (changed || (!waited && ours->has_pending())) news.push_back(row);
    }
    ours->unobserve(observer);
    if (news.empty()) return {};
    DX_TRY_OK(write_rows(name, news, *ours));
    return mark_ahead(note.id);
  }

  // What came from the same key before, and was changed there since.
  void renew(const Note& note, const std::string& key) {
    const FileRecord* stored = metadata_->find(note.id);
    const auto mark = marks_.find(key);
    if (mark == marks_.end() || mark->second.fingerprint == note.mark) return;
    if (note.record.deleted || stored->deleted || stored->modified_at >= note.record.modified_at)
      return;
    FileRecord record = *stored;
    workspace::merge_fields(record, FileRecord{}, note.record);
    record.header = stored->header;
    metadata_->put(note.id, record, kOriginServer);
    renewed_.insert(note.id);
  }

  Status write_records() {
    std::map<std::string, FileRecord, std::less<>> fresh;
    for (const auto& [key, note] : notes_) {
      if (note.fresh) fresh.emplace(note.id, note.record);
    }
    const workspace::Seed seed = workspace::seed_records(fresh);
    const bool seedable = !fresh.empty() && ours_->clock_of(seed.client_id) == 0;
    if (seedable) DX_TRY_OK(ours_->apply_update(seed.update));
    ours_->transact([&] {
      for (const auto& [key, note] : notes_) {
        if (!note.fresh) {
          renew(note, key);
        } else if (!seedable) {
          metadata_->put(note.id, note.record, kOriginServer);
        }
      }
    });
    std::vector<storage::NewUpdate> updates;
    for (Buffer& update : written_) {
      updates.push_back({std::string(kWorkspaceDocName), std::move(update),
                         storage::UpdateOrigin::Import, clock_.wall_ms()});
    }
    DX_TRY_OK(store_.append(updates));
    for (const auto& [key, note] : notes_) {
      const bool same = marks_.contains(key) && marks_.at(key).fingerprint == note.mark;
      if (!same)
        DX_TRY_OK(store_.set_meta(std::string(kImportedPrefix) + key, note.id + " " + note.mark));
    }
    for (const std::string& id : renewed_) DX_TRY_OK(mark_ahead(id));
    return {};
  }

  // What disk and document agreed on; then what the file says since is taken in.
  Status set_base(const std::string& id, const FileRecord& record, const std::string& body) {
    storage::LedgerEntry entry;
    entry.file_id = id;
    entry.path = record.path;
    entry.base = workspace::render_file(record, body, *metadata_);
    entry.base_hash = sha256(as_bytes(entry.base));
    const filesystem::FileStat& stat = on_disk_stats_.at(record.path);
    entry.size = stat.size;
    entry.inode = stat.inode;  // No time: it is read at the next look.
    return store_.put_ledger(entry);
  }

  Result<std::optional<workspace::MarkdownFile>> file_at(const std::string& path) {
    std::optional<workspace::MarkdownFile> none;
    const auto parsed = WorkspacePath::parse(path);
    if (!parsed || !on_disk_.contains(path)) return none;
    const auto content = in_.files.read(*parsed, filesystem::kMaxNoteBytes);
    if (!content) return none;  // Whoever takes in the file will say why.
    auto parts = workspace::split_markdown(content->bytes);
    if (!parts) return none;
    return std::optional(std::move(*parts));
  }

  Status meet_disk(const std::string& key, const Note& note) {
    if (!note.fresh || note.record.deleted) return {};
    const bool has_place = metadata_->path_of(note.id) == note.record.path;
    if (!has_place || !on_disk_.contains(note.record.path)) return mark_ahead(note.id);
    DX_TRY(const auto file, file_at(note.record.path));
    if (!file) return {};  // It stays as it is, and so does the document.
    FileRecord agreed;
    const std::int64_t changed_ms = on_disk_stats_.at(note.record.path).mtime_ns / 1'000'000;
    if (note.record.modified_at <= changed_ms) agreed = note.record;
    agreed.path = note.record.path;
    agreed.eol = workspace::Eol::Lf;
    std::string base;
    if (const auto body = taken_over_.find(key); body != taken_over_.end()) {
      DX_TRY(base, base_of(body->second, note.record.path, file->body));
      taken_over_.erase(body);
    }
    DX_TRY_OK(set_base(note.id, agreed, base));
    return mark_ahead(note.id);
  }

  Result<std::string> base_of(const ImportedDocument& body, const std::string& path,
                              const std::string& on_disk) {
    crdt::Doc doc(crdt::DocOptions{.client_id = 1});
    const crdt::Text shared = doc.text("body");
    for (const ImportedRow& row : body.rows) DX_TRY_OK(doc.apply_update(row.data));
    std::string text = shared.to_string();
    if (text == on_disk || (!on_disk.empty() && was_once(body, on_disk))) return on_disk;
    DX_TRY_OK(keep_aside(path, text, on_disk));
    return text;
  }

  // Texts whose note has no record.
  Status take_waiting() {
    while (!bodies_.empty()) {
      const std::string key = bodies_.begin()->first;
      const bool is_path = workspace::is_path_key(key);
      std::optional<std::string> why = is_path ? workspace::why_no_note(key) : std::nullopt;
      if (!is_path && !may_be_id(key)) why = "neither a path nor an id";
      if (why) {
        for (const DiaryxDocument* document : bodies_.begin()->second)
          report_.left_out.emplace_back(document->name, *why);
        bodies_.erase(bodies_.begin());
        continue;
      }
      DX_TRY_OK(take_waiting(key, is_path));
    }
    return {};
  }

  Status take_waiting(const std::string& key, bool is_path) {
    Note note;
    note.record.path = is_path ? key : key + ".md";
    if (is_path) {
      if (const auto id = metadata_->id_at(key)) {
        note.id = *id;
        return take_text(key, note);
      }
    }
    DX_TRY(auto body, gather(key, note.record.path));
    if (!body || body->doc->text("body").length() == 0) return {};
    const std::string name = is_path ? path_doc_name(key) : body_doc_name(key);
    DX_TRY(const bool there, store_.exists(name));
    if (there || marks_.contains(key)) return {};  // From a run before this one.
    DX_TRY_OK(store_.set_meta(std::string(kImportedPrefix) + key, " "));
    return write_rows(name, body->rows, *body->doc);
  }

  const ImportInput& in_;
  storage::Store& store_;
  const Clock& clock_;
  Random& random_;
  ImportReport report_;

  std::set<std::string> on_disk_;                              // Markdown.
  std::map<std::string, filesystem::FileStat> on_disk_stats_;  // Of these.
  std::optional<ImportedDocument> workspace_;                  // Of the database.
  std::string workspace_id_;                                   // "" if it has none.
  bool has_records_ = false;
  workspace::OldRecords records_;
  std::map<std::string, std::vector<const DiaryxDocument*>, std::less<>> bodies_;  // By key.
  std::map<std::string, Mark> marks_;                                              // By key.
  std::map<std::string, Note> notes_;                                              // By key.
  std::map<std::string, ImportedDocument> taken_over_;  // By key, without the documents.
  std::set<std::string> renewed_;

  std::unique_ptr<crdt::Doc> ours_;  // Our workspace document.
  std::unique_ptr<MetadataDoc> metadata_;
  std::vector<Buffer> written_;
};

}  // namespace

Result<ImportReport> import_database(const ImportInput& input, storage::Store& store,
                                     const Clock& clock, Random& random) {
  return Importing(input, store, clock, random).run();
}

}  // namespace diaryx::sync
