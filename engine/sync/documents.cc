#include "engine/sync/documents.h"

#include <utility>

#include "engine/base/log.h"
#include "engine/base/posix.h"
#include "engine/crdt/update.h"

namespace diaryx::sync {
namespace {

// Honest updates pass one or two concurrent items for each of their own; so many take 0.2 to 1 s.
constexpr std::uint64_t kMostRivals = std::uint64_t{1} << 24U;

constexpr std::string_view kBodyPrefix = "body/";
constexpr std::string_view kPathPrefix = "path/";
// A log this long is folded when its document is unloaded.
constexpr std::uint64_t kFoldRows = 64;
// And one of so many octets while it is in use, if the snapshot would be less than half of them.
constexpr std::uint64_t kLongLogBytes = 8U << 20U;
// So many documents, or octets of them, are worth asking the allocator to give memory back.
constexpr std::size_t kManyDocuments = 100;
constexpr std::uint64_t kManyBytes = 4U << 20U;

storage::UpdateOrigin stored_origin(crdt::Origin origin) {
  if (origin == kOriginDisk) return storage::UpdateOrigin::Disk;
  if (origin == kOriginServer) return storage::UpdateOrigin::Local;
  return storage::UpdateOrigin::Remote;
}

}  // namespace

std::string body_doc_name(std::string_view file_id) {
  return std::string(kBodyPrefix).append(file_id);
}
std::string path_doc_name(std::string_view path) {
  return std::string(kPathPrefix).append(path);
}

Documents::Documents(storage::Store& store, const Clock& clock, Random& random)
    : store_(store), clock_(clock), random_(random) {}
Documents::~Documents() = default;

Result<std::unique_ptr<Documents>> Documents::open(storage::Store& store, const Clock& clock,
                                                   Random& random) {
  std::unique_ptr<Documents> documents(new Documents(store, clock, random));
  // Before the documents: what comes in between is found once more.
  DX_TRY(documents->data_version_, store.data_version());
  DX_TRY_OK(documents->load_workspace());
  return documents;
}

Status Documents::load_workspace() {
  DX_TRY(auto document, load(std::string(kWorkspaceDocName)));
  if (auto files = document->doc->root("files", crdt::TypeKind::Map); !files)
    return std::move(files).error();
  workspace_ = document.get();
  metadata_ = std::make_unique<workspace::MetadataDoc>(
      *document->doc);  // Before the document that the old one reads goes.
  documents_.insert_or_assign(document->name, std::move(document));
  watch(*workspace_);
  return find_waiting();
}

bool Documents::lacks_record(std::string_view name) const {
  if (name.starts_with(kPathPrefix)) return true;
  return name.starts_with(kBodyPrefix) && !metadata_->has(name.substr(kBodyPrefix.size()));
}

Status Documents::find_waiting() {
  waiting_.clear();
  for (const std::string_view prefix : {kPathPrefix, kBodyPrefix}) {
    DX_TRY(std::vector<std::string> names, store_.doc_names(prefix));
    for (std::string& name : names) {
      if (lacks_record(name)) waiting_.insert(std::move(name));
    }
  }
  for (const auto& [name, document] : documents_) {
    if (lacks_record(name)) waiting_.insert(name);
  }
  return {};
}

Result<std::unique_ptr<LiveDocument>> Documents::load(const std::string& name) {
  auto document = std::make_unique<LiveDocument>();
  document->name = name;
  document->used_ms = clock_.steady_ms();
  document->doc = std::make_unique<crdt::Doc>(crdt::DocOptions{.client_id = random_.client_id()});
  // As they lie in the store, without a copy of a long log.
  const Status read = store_.visit(
      name,
      [&](Bytes state) -> Status {
        document->stored_bytes = document->folded_bytes = state.size();
        auto applied = document->doc->apply_update(state);
        if (applied) return {};
        return Error{ErrorCode::Corrupt, "stored snapshot: " + applied.error().message};
      },
      [&](const storage::UpdateView& update) -> Status {
        ++document->log_rows;
        document->stored_bytes += update.data.size();
        auto applied = document->doc->apply_update(update.data);
        if (applied) return {};
        return Error{ErrorCode::Corrupt, "stored update " + std::to_string(update.seq) + ": " +
                                             applied.error().message};
      });
  if (!read) return Status(read).error().with(name);
  // From here on updates are a peer's. What is stored already came in under this limit.
  document->doc->limit_rivals(kMostRivals);
  return document;
}

Result<LiveDocument*> Documents::open_document(const std::string& name) {
  if (LiveDocument* live = loaded(name)) {
    live->used_ms = clock_.steady_ms();
    return live;
  }
  // A document made earlier in this very turn is not in the store yet.
  for (const storage::NewUpdate& update : created_) {
    if (update.doc == name) {
      DX_TRY_OK(commit());
      break;
    }
  }
  DX_TRY(auto document, load(name));
  if (auto text = document->doc->root("body", crdt::TypeKind::Text); !text)
    return std::move(text).error();
  log(LogLevel::Debug, "document", "loaded",
      {{"document", name},
       {"octets", static_cast<std::int64_t>(document->stored_bytes)},
       {"updates", static_cast<std::int64_t>(document->log_rows)}});
  LiveDocument* live = document.get();
  documents_.emplace(name, std::move(document));
  if (lacks_record(name)) waiting_.insert(name);
  watch(*live);
  return live;
}

LiveDocument* Documents::loaded(std::string_view name) {
  const auto it = documents_.find(std::string(name));
  return it == documents_.end() ? nullptr : it->second.get();
}

bool Documents::holds(const LiveDocument* document) const {
  for (const auto& [name, live] : documents_) {
    if (live.get() == document) return true;
  }
  return false;
}

Result<bool> Documents::exists(const std::string& name) {
  if (const LiveDocument* live = loaded(name); live != nullptr && !live->doc->empty()) return true;
  for (const storage::NewUpdate& update : created_) {
    if (update.doc == name) return true;
  }
  return store_.exists(name);
}

Result<std::set<std::string>> Documents::names(std::string_view prefix) {
  std::set<std::string> names;
  DX_TRY(const std::vector<std::string> stored, store_.doc_names(prefix));
  names.insert(stored.begin(), stored.end());
  for (const storage::NewUpdate& update : created_) {
    if (update.doc.starts_with(prefix)) names.insert(update.doc);
  }
  for (const auto& [name, document] : documents_) {
    if (name.starts_with(prefix) && !document->doc->empty()) names.insert(name);
  }
  return names;
}

Result<std::string> Documents::body_text(const std::string& file_id) {
  DX_TRY(LiveDocument* const document, open_document(body_doc_name(file_id)));
  return document->text().to_string();
}

void Documents::watch(LiveDocument& document) {
  document.doc->observe([this, &document](const crdt::TransactionSummary& summary) {
    if (&document == workspace_) {
      records_changed_ = true;
      for (std::string& id : metadata_->refresh(summary)) {
        waiting_.erase(body_doc_name(id));
        changed_files_.insert(std::move(id));
      }
    }
    if (summary.update.empty()) return;
    changes_.push_back({&document, to_buffer(summary.update), summary.origin});
    note_changed(document);
  });
}

void Documents::note_changed(const LiveDocument& document) {
  if (document.name.starts_with(kBodyPrefix))
    changed_files_.insert(document.name.substr(kBodyPrefix.size()));
}

Status Documents::apply(LiveDocument& document, Bytes update, crdt::Origin origin) {
  if (broken_) return *broken_;
  const std::size_t before = changes_.size();
  document.used_ms = clock_.steady_ms();
  DX_TRY_OK(document.doc->apply_update(update, origin));
  if (!document.doc->has_pending()) return {};
  // Part of it waits for something that is missing. The observer saw only what could be applied;
  // store and relay the whole, so that the waiting part survives an unload and reaches the others.
  changes_.resize(before);
  changes_.push_back({&document, to_buffer(update), origin});
  note_changed(document);
  return {};
}

void Documents::create(const std::string& name, Buffer update) {
  if (crdt::is_empty_update_v1(update)) return;
  created_.push_back({name, std::move(update), storage::UpdateOrigin::Import, clock_.wall_ms()});
  if (name.starts_with(kBodyPrefix)) changed_files_.insert(name.substr(kBodyPrefix.size()));
}

Status Documents::rename(const std::string& from, const std::string& to) {
  DX_TRY_OK(commit());
  DX_TRY(const bool stored, store_.exists(from));
  if (stored) DX_TRY_OK(store_.rename_doc(from, to));
  waiting_.erase(from);
  auto node = documents_.extract(from);
  if (!node.empty()) {
    node.key() = to;
    node.mapped()->name = to;
    LiveDocument& document = *node.mapped();
    documents_.insert(std::move(node));
    note_changed(document);
  }
  return {};
}

Status Documents::remove(const std::string& name) {
  DX_TRY_OK(commit());
  DX_TRY_OK(store_.remove_doc(name));
  waiting_.erase(name);
  const LiveDocument* document = loaded(name);
  std::erase_if(changes_,
                [document](const DocumentChange& change) { return change.document == document; });
  appended_ = changes_.size();
  documents_.erase(name);
  return {};
}

std::set<std::string> Documents::take_changed_files() {
  records_changed_ = false;
  return std::exchange(changed_files_, {});
}

std::uint64_t Documents::queued_bytes() const {
  std::uint64_t bytes = 0;
  for (const storage::NewUpdate& update : created_) bytes += update.data.size();
  for (std::size_t i = appended_; i < changes_.size(); ++i) bytes += changes_[i].update.size();
  return bytes;
}

std::vector<DocumentChange> Documents::take_changes() {
  DX_CHECK(appended_ == changes_.size());
  appended_ = 0;
  return std::exchange(changes_, {});
}

Status Documents::append_turn() {
  std::vector<storage::NewUpdate> updates = std::move(created_);
  created_.clear();
  updates.reserve(updates.size() + changes_.size() - appended_);
  for (std::size_t i = appended_; i < changes_.size(); ++i) {
    const DocumentChange& change = changes_[i];
    updates.push_back(
        {change.document->name, change.update, stored_origin(change.origin), clock_.wall_ms()});
  }
  DX_TRY(auto transaction, store_.begin());
  DX_TRY_OK(store_.append(updates));
  for (const auto& work : queued_) DX_TRY_OK(work(store_));
  DX_TRY_OK(transaction.commit());
  stored_.updates += updates.size();
  for (const storage::NewUpdate& update : updates) stored_.octets += update.data.size();
  return {};
}

Status Documents::commit() {
  if (broken_) return *broken_;
  if (!has_changes()) return {};
  if (Status status = append_turn(); !status) {
    // One line for a full disk, not one for each time that somebody tries.
    if (std::exchange(told_trouble_, status.error().message) != status.error().message)
      log(LogLevel::Error, "store", status.error().message);
    drop_turn();
    lost_ = status.error();
    return status;
  }
  told_trouble_.clear();
  for (; appended_ < changes_.size(); ++appended_) {
    const DocumentChange& change = changes_[appended_];
    ++change.document->log_rows;
    change.document->stored_bytes += change.update.size();
  }
  queued_.clear();
  return {};
}

void Documents::drop_turn() {
  std::set<std::string> dropped;
  for (const DocumentChange& change : changes_) dropped.insert(change.document->name);
  changes_.clear();
  appended_ = 0;
  created_.clear();
  queued_.clear();
  changed_files_.clear();
  for (const std::string& name : dropped) {
    if (name != kWorkspaceDocName) documents_.erase(name);
  }
  if (!dropped.contains(std::string(kWorkspaceDocName))) return;
  // The records in memory are ahead of the disk: go back to what is stored.
  if (auto reloaded = load_workspace(); !reloaded) broken_ = std::move(reloaded).error();
}

Status Documents::fold(LiveDocument& document) {
  auto copy = fold_and_copy(document);
  return copy ? Status() : Status(std::move(copy).error());
}

// The same document, read back from the snapshot; nothing if nothing of it is stored, or another
// process has just written.
Result<std::unique_ptr<crdt::Doc>> Documents::fold_and_copy(LiveDocument& document) {
  DX_CHECK(!has_changes());
  DX_TRY(const std::int64_t covered, store_.last_seq(document.name));
  if (covered == 0) return std::unique_ptr<crdt::Doc>();
  storage::Snapshot snapshot{covered, document.doc->encode_state_as_update()};
  // Fold only what can be read back as the same document.
  auto copy = std::make_unique<crdt::Doc>(crdt::DocOptions{.client_id = document.doc->client_id()});
  if (auto s = copy->apply_update(snapshot.state); !s)
    return std::move(s).error().with(document.name + ": snapshot");
  if (copy->encode_state_vector() != document.doc->encode_state_vector()) {
    return Error{ErrorCode::Corrupt,
                 document.name + ": snapshot does not hold the same state; log kept"};
  }
  DX_TRY(auto transaction, store_.begin());
  DX_TRY(const std::int64_t version, store_.data_version());
  // The log may hold updates of another process: folded now, they would be gone.
  if (version != data_version_) return std::unique_ptr<crdt::Doc>();
  DX_TRY_OK(store_.fold(document.name, snapshot));
  DX_TRY_OK(transaction.commit());
  document.log_rows = 0;
  document.stored_bytes = document.folded_bytes = snapshot.state.size();
  return copy;
}

Status Documents::fold_long_logs() {
  DX_CHECK(!has_changes());
  bool gave_up = false;
  for (const auto& [name, document] : documents_) {
    const std::uint64_t log_bytes = document->stored_bytes - document->folded_bytes;
    if (log_bytes < std::max(kLongLogBytes, 2 * document->folded_bytes)) continue;
    // What waits for something that is missing is only in the log.
    if (document->doc->has_pending()) continue;
    DX_TRY(auto copy, fold_and_copy(*document));
    if (!copy || document.get() == workspace_) continue;  // The records refer to that one.
    if (auto text = copy->root("body", crdt::TypeKind::Text); !text)
      return std::move(text).error().with(name);
    document->doc = std::move(copy);
    document->doc->limit_rivals(kMostRivals);
    watch(*document);
    gave_up = true;
  }
  if (gave_up) give_back_memory();
  return {};
}

Result<bool> Documents::take_in_foreign() {
  DX_CHECK(!has_changes());
  DX_TRY(const std::int64_t version, store_.data_version());
  if (version == data_version_) return false;
  for (const auto& [name, document] : documents_) {
    DX_TRY(const storage::StoredDoc stored, store_.load(name));
    if (stored.snapshot) DX_TRY_OK(apply(*document, stored.snapshot->state, kOriginServer));
    for (const storage::StoredUpdate& update : stored.updates)
      DX_TRY_OK(apply(*document, update.data, kOriginServer));
    document->log_rows = stored.updates.size();
    // Somebody took it away below us: what is appended next would stand on nothing.
    if (!stored.exists() && !document->doc->empty())
      changes_.push_back({document.get(), document->doc->encode_state_as_update(), kOriginServer});
  }
  DX_TRY_OK(find_waiting());
  data_version_ = version;
  return true;
}

Status Documents::forget(const std::string& name) {
  const LiveDocument* document = loaded(name);
  if (document == nullptr || document == workspace_ || document->subscribers > 0) return {};
  documents_.erase(name);
  return {};
}

Status Documents::unload_idle(std::int64_t before_ms) {
  DX_CHECK(!has_changes());
  std::size_t unloaded = 0;
  std::uint64_t unloaded_bytes = 0;
  for (auto it = documents_.begin(); it != documents_.end();) {
    LiveDocument& document = *it->second;
    if (&document == workspace_ || document.subscribers > 0 || document.used_ms > before_ms) {
      ++it;
      continue;
    }
    if (document.log_rows >= kFoldRows) DX_TRY_OK(fold(document));
    if (document.doc->empty()) waiting_.erase(document.name);
    ++unloaded;
    unloaded_bytes += document.stored_bytes;
    log(LogLevel::Debug, "document", "unloaded", {{"document", document.name}});
    if (unloaded_) unloaded_(document.name);
    it = documents_.erase(it);
  }
  if (unloaded >= kManyDocuments || unloaded_bytes >= kManyBytes) give_back_memory();
  return {};
}

}  // namespace diaryx::sync
