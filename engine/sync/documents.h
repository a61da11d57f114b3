// The documents in memory, and the turn: everything that changed since the last commit, appended in
// one transaction.
//
// A document is known by its store name:
//   "workspace"        the records of all files
//   "body/<file id>"   the text of one file; may exist before its record does
//   "path/<path>"      the text of a file whose record has not arrived yet; becomes "body/<id>"
//   when it does
//
// Pointers to a LiveDocument are valid until it is unloaded or dropped; only those without
// subscribers are unloaded.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/random.h"
#include "engine/crdt/doc.h"
#include "engine/storage/store.h"
#include "engine/workspace/metadata_doc.h"

namespace diaryx::sync {

// Where an edit came from, as the documents' observers see it. From kFirstSubscription on: the
// subscription's number.
inline constexpr crdt::Origin kOriginServer = 0;
inline constexpr crdt::Origin kOriginDisk = 1;
inline constexpr crdt::Origin kFirstSubscription = 16;

inline constexpr std::string_view kWorkspaceDocName = "workspace";
std::string body_doc_name(std::string_view file_id);
std::string path_doc_name(std::string_view path);

struct LiveDocument {
  std::string name;
  std::unique_ptr<crdt::Doc> doc;
  std::size_t subscribers = 0;     // Kept by the hub. Not unloaded while there are any.
  std::uint64_t log_rows = 0;      // Updates in the store after the snapshot.
  std::uint64_t stored_bytes = 0;  // Snapshot and log,
  std::uint64_t folded_bytes = 0;  // of which the snapshot.
  std::int64_t used_ms = 0;        // Steady time of the last use.

  crdt::Text text() const { return doc->text("body"); }
};

// One update of this turn, in the order in which it happened.
struct DocumentChange {
  LiveDocument* document;
  Buffer update;
  crdt::Origin origin;
};

// What became durable since the start.
struct StoreCounts {
  std::uint64_t updates = 0;
  std::uint64_t octets = 0;
};

class Documents {
 public:
  // Loads the workspace document. `store`, `clock` and `random` must outlive it.
  static Result<std::unique_ptr<Documents>> open(storage::Store& store, const Clock& clock,
                                                 Random& random);
  ~Documents();
  Documents(const Documents&) = delete;
  Documents& operator=(const Documents&) = delete;

  LiveDocument& workspace() { return *workspace_; }
  workspace::MetadataDoc& metadata() { return *metadata_; }
  const workspace::MetadataDoc& metadata() const { return *metadata_; }
  storage::Store& store() { return store_; }
  std::int64_t wall_ms() const { return clock_.wall_ms(); }
  std::int64_t steady_ms() const { return clock_.steady_ms(); }

  // The document of that name, loaded, or new and empty if the store has none. A stored document
  // that cannot be decoded is Corrupt: never an empty one.
  Result<LiveDocument*> open_document(const std::string& name);
  LiveDocument* loaded(std::string_view name);
  // Is the pointer still one of ours? For those who kept one across a failed commit.
  bool holds(const LiveDocument* document) const;
  // In the store, or in memory with content.
  Result<bool> exists(const std::string& name);
  // Documents that wait for their file's record: "path/…", and "body/…" of ids that no record has.
  // Also those that somebody has just opened and not yet written to.
  const std::set<std::string>& waiting() const noexcept { return waiting_; }
  // Names of all documents, stored or in memory with content, that begin with `prefix`.
  Result<std::set<std::string>> names(std::string_view prefix);
  // Text of a body; empty if there is none.
  Result<std::string> body_text(const std::string& file_id);

  // A peer's update. Malformed leaves the document as it was.
  Status apply(LiveDocument& document, Bytes update, crdt::Origin origin);
  // The update that creates a document nobody has loaded yet.
  void create(const std::string& name, Buffer update);
  // A document gets another name, live and stored.
  Status rename(const std::string& from, const std::string& to);
  Status remove(const std::string& name);
  // Runs in this turn's transaction, after the updates were appended.
  void queue(std::function<Status(storage::Store&)> work) { queued_.push_back(std::move(work)); }

  // What happened since the last call and is durable: only after a good commit(). For telling the
  // subscribers.
  std::vector<DocumentChange> take_changes();
  // Files whose record, path or body changed since the last call, by anybody.
  std::set<std::string> take_changed_files();
  const std::set<std::string>& changed_file_ids() const noexcept { return changed_files_; }
  // How many those are.
  std::size_t changed_files() const noexcept { return changed_files_.size(); }
  // Some record or path changed since take_changed_files().
  bool records_changed() const noexcept { return records_changed_; }
  // How much this turn has to make durable: goes up with every change.
  std::size_t turn_work() const noexcept {
    return changes_.size() + created_.size() + queued_.size();
  }
  // Octets that the next commit() will write, about.
  std::uint64_t queued_bytes() const;
  bool has_changes() const noexcept {
    return appended_ < changes_.size() || !created_.empty() || !queued_.empty();
  }

  // All of the turn so far is durable, or (on an error) none of it. After an error every document
  // of the turn has been dropped from memory (and the workspace document loaded afresh): see
  // dropped().
  Status commit();
  // Why a commit in the middle of the turn failed (open_document() makes one where it must), if one
  // did: what came before it is dropped, though the turn's last commit() may have been good.
  std::optional<Error> take_lost() { return std::exchange(lost_, std::nullopt); }
  // Set once even the workspace document cannot be read any more: nothing may be served from here
  // on.
  const std::optional<Error>& broken() const noexcept { return broken_; }

  // Documents without subscribers, unused since `before_ms`, leave memory; long logs are folded.
  // Between turns only.
  Status unload_idle(std::int64_t before_ms);
  // Called with the name of each document that leaves memory because nobody has it open.
  void on_unload(std::function<void(const std::string&)> listener) {
    unloaded_ = std::move(listener);
  }
  // Documents that are in use for long, and whose log has grown beyond what they are: it is folded,
  // and they are read afresh, so that neither the store nor memory holds for ever what was typed
  // and deleted again. Between turns only.
  Status fold_long_logs();
  // One document leaves memory, if nobody has it open.
  Status forget(const std::string& name);
  // Snapshot now, verified before the log goes; not while the store holds what we do not know of
  // (take_in_foreign()). Between turns only.
  Status fold(LiveDocument& document);
  // What another process appended to the store becomes part of the documents in memory, and of this
  // turn, so that everybody is told. False: nothing was. Between turns only.
  Result<bool> take_in_foreign();
  const StoreCounts& stored() const noexcept { return stored_; }
  std::size_t loaded_count() const noexcept { return documents_.size(); }

 private:
  Documents(storage::Store& store, const Clock& clock, Random& random);
  Result<std::unique_ptr<LiveDocument>> load(const std::string& name);
  Result<std::unique_ptr<crdt::Doc>> fold_and_copy(LiveDocument& document);
  Status load_workspace();
  void watch(LiveDocument& document);
  void note_changed(const LiveDocument& document);
  bool lacks_record(std::string_view name) const;
  Status find_waiting();
  Status append_turn();
  void drop_turn();

  storage::Store& store_;
  const Clock& clock_;
  Random& random_;
  std::unordered_map<std::string, std::unique_ptr<LiveDocument>> documents_;
  LiveDocument* workspace_ = nullptr;
  std::unique_ptr<workspace::MetadataDoc> metadata_;

  std::vector<DocumentChange> changes_;
  std::size_t appended_ = 0;  // So many of changes_ are durable.
  std::vector<storage::NewUpdate> created_;
  std::vector<std::function<Status(storage::Store&)>> queued_;
  std::set<std::string> changed_files_;
  bool records_changed_ = false;
  std::set<std::string> waiting_;
  std::string told_trouble_;  // Why the last append failed; empty if it did not.
  std::optional<Error> lost_;
  std::optional<Error> broken_;
  StoreCounts stored_;
  std::int64_t data_version_ = 0;  // Of the store, when we last looked for what is not ours.
  std::function<void(const std::string&)> unloaded_;
};

}  // namespace diaryx::sync
