#include "engine/sync/importer.h"

#include <utility>

#include "engine/base/log.h"
#include "engine/base/utf.h"
#include "engine/sync/text_edits.h"
#include "engine/workspace/render.h"
#include "engine/workspace/seed.h"
#include "engine/workspace/text_diff.h"

namespace diaryx::sync {
namespace {

using workspace::FileRecord;
using workspace::MarkdownFile;

// Sees the files of a batch before they have records.
class BatchLinks final : public workspace::LinkResolver {
 public:
  BatchLinks(const workspace::MetadataDoc& known, const std::map<std::string, std::string>& batch)
      : known_(known), batch_(batch) {}

  std::optional<std::string> id_of(std::string_view link_text,
                                   std::string_view from) const override {
    if (auto id = known_.id_of(link_text, from)) return id;
    const auto target =
        workspace::canonical_target(workspace::parse_link(link_text), from, known_.link_format());
    if (!target) return std::nullopt;
    const auto it = batch_.find(*target);
    if (it == batch_.end()) return std::nullopt;
    return it->second;
  }
  std::optional<std::string> link_to(std::string_view id, std::string_view from) const override {
    return known_.link_to(id, from);
  }
  bool is_file_id(std::string_view text) const override { return known_.is_file_id(text); }

 private:
  const workspace::MetadataDoc& known_;
  const std::map<std::string, std::string>& batch_;  // path → id
};

// Whether `now` comes from `ours`, which we meant to write over `base`, rather than from `base`. In
// doubt it does not: to say twice what we wrote is better than to take it out again.
bool is_later(const std::string& base, const std::string& ours, const std::string& now) {
  const std::size_t from_base = workspace::change_between(base, now);
  const std::size_t from_ours = workspace::change_between(ours, now);
  return from_ours + workspace::change_between(base, ours) / 2 < from_base;
}

}  // namespace

std::optional<MarkdownFile> Importer::split(const Observed& file) {
  auto parts = workspace::split_markdown(file.content.bytes);
  if (parts) {
    problems_.erase(file.path.str());
    return std::move(*parts);
  }
  problems_[file.path.str()] = parts.error().message;
  return std::nullopt;
}

Importer::Side Importer::side(MarkdownFile file, const std::string& path,
                              const workspace::LinkResolver& links) const {
  workspace::HeaderFields fields = workspace::read_fields(file.header, path, links);
  return {std::move(file), std::move(fields.record), !fields.unreadable.has_value()};
}

bool Importer::may_be_ours(const std::string& id, const std::string& bytes, bool exactly) {
  const auto entry = table_.entry(id);
  if (!entry || !*entry || !(*entry)->pending) return false;
  const std::string& ours = *(*entry)->pending;
  return exactly ? ours == bytes : is_utf8(bytes) && workspace::are_alike(ours, bytes);
}

Status Importer::known(const std::string& id, Observed&& file) {
  const FileTable::Row* row = table_.find(id);
  if (row == nullptr) return {};
  if (row->on_disk && row->base_hash == file.hash) {
    problems_.erase(file.path.str());
    if (row->path == file.path.str() && row->stat != file.content.stat)
      table_.touch(id, file.content.stat);
    if (row->has_pending) table_.give_up(id);  // We meant to write and did not get to it.
    return {};
  }
  DX_TRY(const auto entry, table_.entry(id));
  if (!entry) return {};
  if (entry->pending && *entry->pending == file.content.bytes) {
    // Our own write, finished just before a crash or before we were told.
    table_.agree(id, file.path.str(), std::move(file.content.bytes), file.hash, file.content.stat);
    return {};
  }
  auto disk = split(file);
  if (!disk) return {};
  // Somebody changed the file after our write, of which we were never told, or before it came to
  // be.
  DX_TRY(const auto buried, table_.buried(id));
  const std::string* agreed = row->on_disk ? &entry->base : buried ? &*buried : nullptr;
  if (entry->pending &&
      (agreed == nullptr || is_later(*agreed, *entry->pending, file.content.bytes)))
    agreed = &*entry->pending;
  if (agreed == nullptr) return {};
  auto base = workspace::split_markdown(*agreed);
  if (!base) return Error{ErrorCode::Corrupt, file.path.str() + ": the ledger's base is not text"};
  return merge(id, std::move(file), std::move(*disk), &*base);
}

Status Importer::merge(const std::string& id, Observed&& file, MarkdownFile&& disk,
                       const MarkdownFile* base) {
  workspace::MetadataDoc& metadata = documents_.metadata();
  const std::string path = file.path.str();
  const FileRecord* stored = metadata.find(id);
  FileRecord record = stored != nullptr ? *stored : FileRecord{};
  const bool revived = stored == nullptr || stored->deleted;
  if (revived) record.path = path;

  const Side theirs = side(std::move(disk), path, metadata);
  if (theirs.readable) {
    Side ours{.file = {}, .fields = record, .readable = true};
    if (base != nullptr && !revived) {
      if (Side agreed = side(*base, path, metadata); agreed.readable) ours = std::move(agreed);
    } else if (!revived) {
      ours.fields = FileRecord{};  // Never agreed on anything: what the file says is added to what
                                   // the record says.
    }
    workspace::merge_fields(record, ours.fields, theirs.fields);
  }
  record.header = theirs.file.header;
  record.eol = theirs.file.eol;
  record.bom = theirs.file.bom;
  record.deleted = false;

  std::string agreed_body;
  if (base != nullptr) {
    agreed_body = base->body;
  } else if (revived) {
    DX_TRY(agreed_body, documents_.body_text(id));  // The file is the truth again.
  }
  DX_TRY_OK(merge_body(id, agreed_body, theirs.file.body));
  metadata.put(id, record, kOriginDisk);
  table_.agree(id, path, std::move(file.content.bytes), file.hash, file.content.stat);
  ++updated;
  return {};
}

Status Importer::merge_body(const std::string& id, const std::string& base,
                            const std::string& theirs) {
  const std::string name = body_doc_name(id);
  DX_TRY(LiveDocument* const document, documents_.open_document(name));
  const std::string ours = document->text().to_string();
  if (utf16_length(ours) != document->text().length()) {
    return Error{ErrorCode::Unsupported,
                 name + ": holds something that is not text; the file was not taken in",
                 "remove the embedded object in the editor that put it there"};
  }
  const auto edits = workspace::rebase_edits(base, ours, theirs);
  if (edits.empty()) return {};
  document->doc->transact([&] { apply_text_edits(document->text(), ours, edits); }, kOriginDisk);
  return {};
}

std::set<std::string> Importer::not_wanted(const std::vector<Arrival>& files,
                                           const std::map<std::string, std::string>& ids) const {
  const workspace::MetadataDoc& metadata = documents_.metadata();
  const BatchLinks links(metadata, ids);
  const auto read = [&](const auto& is_wanted) {
    Intake::Found found;
    for (const Arrival& arrival : files) {
      const FileRecord* stored = metadata.find(arrival.id);
      if ((stored != nullptr && !stored->deleted) || !is_wanted(arrival)) continue;
      const std::string path = arrival.file.path.str();
      FileRecord& record = found[arrival.id];
      record = workspace::read_fields(arrival.parts.header, path, links).record;
      record.path = path;
    }
    return found;
  };
  // Mostly there is nothing to leave out, and what says so is the root index alone.
  const bool has_root = metadata.root_index().has_value();
  const auto may_be_root = [&](const Arrival& arrival) {
    return !has_root && arrival.parts.header &&
           arrival.parts.header->find("contents") != std::string::npos;
  };
  if (!intake_.may_leave_out(read(may_be_root))) return {};
  return intake_.left_out(read([](const Arrival&) { return true; }));
}

Status Importer::fresh(std::vector<Observed>&& files) {
  workspace::MetadataDoc& metadata = documents_.metadata();
  std::vector<Arrival> arrivals;
  std::map<std::string, std::string> ids;  // path → id, of this batch
  for (Observed& file : files) {
    auto parts = split(file);
    if (!parts) continue;
    const std::string path = file.path.str();
    // Who has a file elsewhere, and wants to be here or was here when it was deleted, is not this.
    const auto has_none = [&](const std::optional<std::string>& candidate) {
      const FileTable::Row* row = candidate ? table_.find(*candidate) : nullptr;
      return candidate && (row == nullptr || !row->on_disk || row->path == path);
    };
    std::optional<std::string> id = metadata.id_at(path);
    if (!has_none(id)) id = metadata.tombstone_at(path);
    if (!has_none(id)) id.reset();
    if (id) {
      DX_TRY(const bool may_be, may_become(*id, file.content.bytes, *parts));
      if (!may_be) id.reset();
    }
    bool may_seed = !id.has_value();
    if (!id) {
      id = metadata.id_for_path(path);
      DX_TRY(const bool waiting, documents_.exists(path_doc_name(path)));
      DX_TRY(const bool written, documents_.exists(body_doc_name(*id)));
      may_seed = !waiting && !written;
    }
    ids.emplace(path, *id);
    arrivals.push_back({std::move(file), std::move(*parts), std::move(*id), may_seed});
  }
  const std::set<std::string> unwanted = not_wanted(arrivals, ids);
  left_out += unwanted.size();
  std::erase_if(arrivals, [&](const Arrival& one) { return unwanted.contains(one.id); });
  std::erase_if(ids, [&](const auto& entry) { return unwanted.contains(entry.second); });

  const BatchLinks links(metadata, ids);
  std::map<std::string, FileRecord, std::less<>> records;
  for (Arrival& one : arrivals) {
    if (!one.may_seed) continue;
    Side theirs = side(std::move(one.parts), one.file.path.str(), links);
    FileRecord& record = records[one.id];
    record = std::move(theirs.fields);
    record.path = one.file.path.str();
    record.header = theirs.file.header;
    record.eol = theirs.file.eol;
    record.bom = theirs.file.bom;
    documents_.create(body_doc_name(one.id), workspace::seed_body(one.id, theirs.file.body).update);
    table_.agree(one.id, record.path, std::move(one.file.content.bytes), one.file.hash,
                 one.file.content.stat);
    ++updated;
  }
  if (!records.empty()) {
    const workspace::Seed seed = workspace::seed_records(records);
    LiveDocument& document = documents_.workspace();
    if (document.doc->clock_of(seed.client_id) == 0) {
      DX_TRY_OK(documents_.apply(document, seed.update, kOriginDisk));
    } else {
      for (const auto& [id, record] : records) metadata.put(id, record, kOriginDisk);
    }
  }
  for (Arrival& one : arrivals) {
    if (one.may_seed) continue;
    DX_TRY_OK(take_in_unseeded(one.id, std::move(one.file), std::move(one.parts)));
  }
  return {};
}

// Whether a note that has no file may have this one, which is where its own was or is to be. Not if
// that would put another text in the place of its own: deleted or not, it may be wanted.
Result<bool> Importer::may_become(const std::string& id, const std::string& bytes,
                                  const MarkdownFile& file) {
  const FileRecord* stored = documents_.metadata().find(id);
  DX_TRY(const auto buried, table_.buried(id));
  if (buried) return workspace::are_alike(*buried, bytes);
  if (stored != nullptr && !stored->deleted) return true;
  DX_TRY(const std::string body, documents_.body_text(id));
  return body.empty() || body == file.body;
}

Status Importer::take_in_unseeded(const std::string& id, Observed&& file, MarkdownFile&& disk) {
  const std::string waiting = path_doc_name(file.path.str());
  const std::string body = body_doc_name(id);
  DX_TRY(const bool has_waiting, documents_.exists(waiting));
  DX_TRY(const bool has_body, documents_.exists(body));
  if (has_waiting && !has_body) DX_TRY_OK(documents_.rename(waiting, body));
  return merge_again(id, std::move(file), std::move(disk));
}

// Of a file that is not in the ledger, or not any more: then what disk and document agreed on
// before it was gone still is the base, and what its document says more than that is not undone.
Status Importer::merge_again(const std::string& id, Observed&& file, MarkdownFile&& disk) {
  DX_TRY(const auto buried, table_.buried(id));
  if (buried) {
    if (auto base = workspace::split_markdown(*buried))
      return merge(id, std::move(file), std::move(disk), &*base);
  }
  return merge(id, std::move(file), std::move(disk), nullptr);
}

Status Importer::vanished(const std::string& id) {
  const FileTable::Row* row = table_.find(id);
  if (row == nullptr) return {};
  const std::string path = row->path;
  const FileRecord* stored = documents_.metadata().find(id);
  if (!row->on_disk) {
    table_.forget(id);  // A first write that did not come about.
    return {};
  }
  if (stored == nullptr || stored->deleted) return table_.bury(id, FileTable::Burial::Vanished);
  DX_TRY(const std::string rendered, render(id));
  const bool seen =
      sha256(as_bytes(rendered)) == row->base_hash && documents_.metadata().path_of(id) == path;
  DX_TRY_OK(table_.bury(id, FileTable::Burial::Vanished));
  if (!seen) {
    log(LogLevel::Warning, "disk",
        path + ": deleted on disk while it had unseen edits; written again");
    return {};
  }
  FileRecord record = *stored;
  record.deleted = true;
  record.modified_at = documents_.wall_ms();
  documents_.metadata().put(id, record, kOriginDisk);
  ++deleted;
  return {};
}

Status Importer::moved(const std::string& id, Observed&& file, std::string_view lost_at) {
  const FileRecord* stored = documents_.metadata().find(id);
  const bool was_here =
      lost_at == file.path.str();  // Where a peer wants it since is another thing.
  if (stored != nullptr && !stored->deleted && !was_here) {
    FileRecord record = *stored;
    record.path = file.path.str();
    documents_.metadata().put(id, record, kOriginDisk);
  }
  const FileTable::Row* row = table_.find(id);
  if (row == nullptr || !row->on_disk) {  // Believed to be deleted, until now.
    auto disk = split(file);
    if (!disk) return {};
    return merge_again(id, std::move(file), std::move(*disk));
  }
  DX_TRY_OK(table_.move(id, file.path.str()));
  return known(id, std::move(file));
}

void Importer::relink() {
  workspace::MetadataDoc& metadata = documents_.metadata();
  const auto resolve = [&](std::string& link, const std::string& from) {
    if (metadata.has(link)) return false;
    const auto id = metadata.id_of(link, from);
    if (!id) return false;
    link = *id;
    return true;
  };
  std::map<std::string, FileRecord> changed;
  for (const auto& [id, record] : metadata.records()) {
    if (record.deleted) continue;
    FileRecord copy = record;
    bool any = copy.part_of && resolve(*copy.part_of, copy.path);
    if (copy.contents) {
      for (std::string& link : *copy.contents) any |= resolve(link, copy.path);
    }
    if (any) changed.emplace(id, std::move(copy));
  }
  for (const auto& [id, record] : changed) metadata.put(id, record, kOriginDisk);
}

Result<std::string> Importer::render(const std::string& id) {
  const workspace::MetadataDoc& metadata = documents_.metadata();
  const FileRecord* record = metadata.find(id);
  if (record == nullptr) return Error{ErrorCode::NotFound, id + ": no such file"};
  DX_TRY(const std::string body, documents_.body_text(id));
  return workspace::render_file(*record, body, metadata);
}

}  // namespace diaryx::sync
