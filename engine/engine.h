// The front door: an opened workspace and what one can do with it. cli/ and web/ start here.
//
// A Workspace lives on one thread at a time. Work on files is handed out as values
// (sync/disk_task.h), so that a server can do it on another thread; the one-shot calls below do it
// in place.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/json.h"
#include "engine/base/random.h"
#include "engine/base/result.h"
#include "engine/filesystem/file_set.h"
#include "engine/history/commit.h"
#include "engine/history/log.h"
#include "engine/storage/lock.h"
#include "engine/sync/disk_sync.h"
#include "engine/sync/first_look.h"
#include "engine/sync/healing.h"
#include "engine/sync/health.h"
#include "engine/sync/hub.h"
#include "engine/sync/import_database.h"
#include "engine/sync/live.h"
#include "engine/sync/note_edits.h"
#include "engine/workspace/validate.h"

namespace diaryx {

// What git ignores in the work tree that `root` lies in, for FileTree::ignore_by(). Nothing if it
// is not in one. For one thread at a time.
std::function<bool(const WorkspacePath&)> git_ignores(const std::filesystem::path& root);

// The workspace root for a directory: the nearest parent (or itself) with `.diaryx/`, else itself.
std::filesystem::path find_workspace_root(const std::filesystem::path& start);

struct WorkspaceInfo {
  std::filesystem::path root;
  std::string workspace_id;
  std::string epoch;
};

struct ReconcileReport {
  std::uint64_t files = 0;     // Live files afterwards.
  std::uint64_t updated = 0;   // New or changed on disk, taken in.
  std::uint64_t deleted = 0;   // Vanished from disk, tombstoned.
  std::uint64_t written = 0;   // Written to disk because the documents were ahead.
  std::uint64_t left_out = 0;  // Markdown that may not become notes (sync/intake.h).
  std::vector<std::pair<std::string, std::string>> skipped;  // path, reason
  std::int64_t elapsed_ms = 0;
};

// A workspace that reconcile() has nothing to do for.
struct Unchanged {
  WorkspaceInfo info;
  ReconcileReport report;
};

// done of total; total 0 = not known yet.
using Progress = std::function<void(std::uint64_t done, std::uint64_t total)>;

struct FileSummary {
  std::string id;
  std::string path;
  OrderedJson metadata;  // FileMetadata.
  bool deleted = false;
};

enum class Access {
  Read,    // Store opened read-only, no lock: works beside a running server.
  Write,   // Holds the lock. NotFound if there is no store.
  Create,  // As Write, and makes the store if there is none.
};

class Workspace {
 public:
  struct Options {
    std::filesystem::path root;
    Access access = Access::Read;
    bool write_back = true;  // false: documents never change files.
    // Which files become notes from now on (sync/intake.h; kept in the store); nothing: as it was.
    // Not with Read. An audience of "*" is no filter.
    std::optional<std::string> audience = {};
    std::optional<bool> gitignore = {};
    // A Diaryx 1.4 database to take over first (import.h). Not with Read.
    std::optional<std::filesystem::path> import_db = {};
    // To begin with take_first_look() while the documents are read. Not with Read.
    bool look_ahead = false;
    std::int64_t lock_wait_ms = 0;  // How long to wait for another one-shot command to finish.
  };
  // Clock and random must outlive the workspace. Errors: NotFound (no folder, no store), Busy
  // (locked), TooNew, Corrupt, Io.
  static Result<std::unique_ptr<Workspace>> open(const Options& options, const Clock& clock,
                                                 Random& random);
  ~Workspace();

  // What reconcile() would report, if nothing at all has changed since the last one: then no
  // document needs to be read to know it. Nothing: it has, or one cannot tell. Holds no lock and
  // writes nothing.
  static Result<std::optional<Unchanged>> unchanged(const Options& options, const Clock& clock);

  const WorkspaceInfo& info() const noexcept;
  const sync::IntakeRules& intake() const noexcept;
  // What came of Options::import_db.
  const std::optional<sync::ImportReport>& imported() const noexcept;

  // Brings disk and documents together, both ways, in place (init, commit; a running serve does it
  // by its own turns).
  Result<ReconcileReport> reconcile(const Progress& progress = {});
  // Every live file as the documents have it.
  Result<filesystem::FileSet> render();
  Result<workspace::ValidateReport> validate();
  // A validation that gates something was good, or was not: returns how many in a row were not.
  // Part of the turn of a server; in place else.
  Result<std::uint64_t> count_validation(bool good);
  // Mends what is safe to mend, or says what it would (`trial`); undo_mending() takes the last one
  // back. Part of the turn; settle() or reconcile() afterwards brings it to disk.
  Result<sync::HealReport> mend(bool trial);
  Result<sync::UndoReport> undo_mending();
  // What `commit` commits: call after reconcile() and validate(), in this process or in the server.
  Result<history::CommitReport> commit(const history::CommitOptions& options);
  std::vector<FileSummary> files(bool include_deleted = false) const;
  struct FileCounts {
    std::uint64_t live = 0, deleted = 0;
  };
  FileCounts count_files() const;
  // What notes have attached, as the disk has it now.
  sync::AttachmentIndex::Totals count_attachments();
  // One of them, deleted ones too.
  std::optional<FileSummary> file(const std::string& id) const;
  // The live file that is there.
  std::optional<std::string> id_at(std::string_view path) const;
  // SHA-256 of the live file as the documents have it.
  Result<Sha256> hash_of(const std::string& id);
  // Files whose documents are ahead of the disk.
  Result<std::vector<std::string>> pending();

  // --- For serve, with Write access. One turn: events into hub() and disk(), then end_turn(), then
  // disk().take_tasks(). ---
  // Begins to watch the folder, and lists it; waits for that. The listing is for the first task of
  // disk() that asks for one. An error: the folder cannot be watched in any way.
  Result<sync::FirstLook::Found> take_first_look();
  sync::Hub& hub();
  sync::DiskSync& disk();
  // Changes as a person asks for them. Part of the turn, as everything else.
  sync::NoteEdits notes();
  // Makes what happened durable, and hands out what may be told. If the store cannot be written
  // nothing is told, and those concerned are closed; broken() says when even that does not help.
  sync::Turn end_turn();
  // Goes up with everything that happens in the turn and must be made durable.
  std::size_t turn_work() const;
  // Looks at the timers. next_due_ms(): steady ms of the next one.
  void tick();
  std::optional<std::int64_t> next_due_ms() const;
  // Set once the store can be neither written nor read: nothing may be served from here on.
  std::optional<Error> broken() const;
  std::size_t loaded_documents() const;
  // What became durable since the workspace was opened.
  const sync::StoreCounts& stored() const;
  // Path → why it is not synced, or not written.
  const std::map<std::string, std::string>& problems() const;
  // What does not work now, and will as soon as the disk lets it: problems() and, under the name of
  // its file, the store. Those first that keep something from being saved.
  struct Trouble {
    std::string path, message;
    bool unsaved;  // A document holds what its file does not.
  };
  std::vector<Trouble> troubles() const;
  // What `serve` reports in /api/reconcile: the counts since the workspace was opened.
  ReconcileReport report() const;
  // Folds the store's log file; call last.
  Status close();

 private:
  struct Impl;
  explicit Workspace(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace diaryx
