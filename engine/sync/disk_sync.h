// Keeps files and documents the same, both ways. Decides; does no I/O but the store's: what is to
// be done on disk is handed out as tasks and comes back as results.
//
//   disk → documents   rescan(), paths_changed() → ListTask, ReadTask → complete() → Importer
//   documents → disk   every change marks its file as ahead; quiet for 300 ms, or 2 s behind (up to
//                      10 s while hundreds are typed into at once) → WriteTask, MoveTask,
//                      TrashTask, each only if the disk still is as the ledger says
//
// One turn: events → plan() → Documents::commit() → release() → take_tasks(). A task leaves only
// after what it relies on (the ledger's note that we are about to write) is durable.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/sync/attachment_index.h"
#include "engine/sync/complaints.h"
#include "engine/sync/disk_task.h"
#include "engine/sync/file_table.h"
#include "engine/sync/importer.h"
#include "engine/sync/level.h"
#include "engine/sync/mounts.h"

namespace diaryx::sync {

struct DiskSyncOptions {
  bool write_back = true;          // false: documents never change files.
  std::int64_t quiet_ms = 300;     // After the last edit of a file.
  std::int64_t behind_ms = 2'000;  // After the first.
  // Or so long for each file that is ahead, if that is more: what is typed into without a pause is
  // written anew each time, so a thousand such files would cost more than all else. Their documents
  // are durable meanwhile.
  std::int64_t behind_each_ms = 10;
  std::int64_t behind_most_ms = 10'000;
  IntakeRules intake = {};  // Which files become notes.
};

// A scan: files that changed together. Known files are read before unknown ones, so that a file
// that vanished is known to have vanished when its twin under another name is looked at.
struct DiskScan {
  std::set<std::string> reading;          // Paths of ReadTasks in flight.
  std::vector<Importer::Observed> fresh;  // Unknown files, read.
  std::uint64_t fresh_bytes = 0;
  std::map<std::string, std::string> gone;  // Ids of files that were not found → where.
  struct Replaced {
    std::string id;     // Whose place it is.
    std::string by_id;  // Whose file lies there now, it seems.
    Importer::Observed file;
  };
  std::vector<Replaced> replaced;
  // Of the ledger's files as they were when the scan began; made when first needed.
  std::unordered_map<std::uint64_t, std::string> by_inode;
  std::set<std::string> looked_at;  // Paths read, or about to be.
  std::set<std::string> not_read;   // Of these, what could not be: there or not.
  bool added = false;
  std::uint64_t total = 0;
};

class DiskSync {
 public:
  DiskSync(Documents& documents, const DiskSyncOptions& options);
  // Reads the ledger. Call once, and after a commit failed.
  Status load();

  // List everything and take in what changed since last time.
  void rescan();
  // These may have changed, appeared or gone. Others than Markdown are only looked at if a note has
  // them attached.
  void paths_changed(const std::set<WorkspacePath>& paths);
  // Quiet times are over: write what waits now, and from here on at once.
  void hurry(bool on = true) {
    hurry_ = on;
    look_ms_ = 0;
  }

  // The store did not take what was to be noted: nothing is planned for a while, each time longer,
  // until it does.
  void store_failed();
  void store_works() { hold_ms_ = hold_until_ms_ = 0; }

  void plan();
  void release();
  std::vector<DiskTask> take_tasks();
  void complete(DiskResult&& result);

  // Steady ms at which plan() has something to do; nothing if it waits for results or events only.
  std::optional<std::int64_t> next_due_ms() const;
  // Nothing in flight, nothing waiting to be read or written (files that cannot be written now do
  // not count, nor does anything while the store does not work).
  bool idle() const;
  // The first rescan has been taken in.
  bool reconciled() const noexcept { return reconciled_; }

  // Files whose documents are ahead of the disk.
  std::vector<std::string> ahead() const;
  // Hash of the file's octets, where disk and document are known to agree on them: then it need not
  // be rendered to be known.
  std::optional<Sha256> agreed_hash(const std::string& id) const;
  const AttachmentIndex& attachments() const noexcept { return attachments_; }
  // Path → why it is not synced, or not written.
  const Problems& problems() const noexcept { return problems_; }
  // Those of them whose documents hold what the disk would not take; it is tried again and again.
  std::set<std::string> unwritten() const;
  struct Counts {
    std::uint64_t updated = 0, deleted = 0, written = 0;
    std::uint64_t left_out = 0;                   // Files that may not become notes (intake.h).
    std::uint64_t scan_done = 0, scan_total = 0;  // Files of the scan in progress.
  };
  Counts counts() const;
  // As of the last listing, if there is nothing left to do for anybody; else nothing.
  std::optional<Level> level() const;

 private:
  struct Ahead {
    std::int64_t since_ms, last_ms;
    std::uint64_t changes = 0;       // Since it is ahead. Two may fall into one millisecond.
    std::int64_t not_before_ms = 0;  // After a failed write.
    std::int64_t retry_ms = 0;
  };

  bool is_held() const { return documents_.steady_ms() < hold_until_ms_; }
  void schedule(DiskTask task) { planned_.push_back(std::move(task)); }
  void start_scan(const std::set<WorkspacePath>& known, const std::set<WorkspacePath>& unknown,
                  std::map<std::string, std::string> replaced = {});
  void listed(filesystem::Listing&& listing);
  void read_done(const ReadTask& task, DiskResult&& result);
  // Another program is writing it: true if we had better look later.
  bool wait_for_writer(const WorkspacePath& path, const filesystem::FileContent& content);
  // True if we look again soon; false if we have done so for long enough.
  bool look_again(const WorkspacePath& path);
  void read_in_scan(const WorkspacePath& path);
  bool look_for_old_places();
  // Which note a file is that nobody knew: one whose file vanished. Alike: the same file or the
  // same text; in its place: where it was, with much the same text, or where its record wants it.
  enum class Likeness { Alike, InItsPlace };
  std::optional<std::string> vanished_as(const Importer::Observed& file, Likeness likeness);
  // Whether its text is much the same as what the note's file held.
  bool is_same_file(const std::string& id, const Importer::Observed& file);
  void put_off_unsettled(std::vector<Importer::Observed>& files);
  // In the place of `id` now lies another known file: it was moved there. Taken out of `file` if
  // so.
  bool is_replaced(const std::string& id, Importer::Observed& file);
  void take_in_replaced();
  void take_in_fresh();
  void finish_scan();
  void written(const WriteTask& task, DiskResult&& result);
  void moved(const MoveTask& task, const DiskResult& result);
  void trashed(const TrashTask& task, const DiskResult& result);
  // `uncertain`: it may have been done all the same.
  void failed(const std::string& id, const WorkspacePath& path, const Error& error,
              bool uncertain = false);
  void works_again(const WorkspacePath& path);

  void mark_ahead(const std::string& id);
  void mark_level(const std::string& id);
  std::int64_t due_ms(const Ahead& ahead) const;
  static std::int64_t retry_after(Ahead& ahead);  // ms
  void look_at(const Ahead& ahead);               // Not later than when it is due.
  // How many files may be sent off in this turn.
  std::size_t room_for_files() const;
  void plan_file(const std::string& id);
  void wait_for_place(const std::string& id, const WorkspacePath& path);
  // A file of the last listing that nobody could read is the vanished one, by its inode.
  bool lies_unread(const std::string& id) const;
  // A file was there a moment ago: a program may be saving it by deleting it first. Or we are about
  // to look whether one is where a folder would be made.
  bool is_warm(const WorkspacePath& path) const;
  // To be written there, or moved there or from there: not while that is away. True if it waits.
  bool wait_for_mount(const std::string& id, const WorkspacePath& path, const FileTable::Row* row);
  void look_for_mounts();
  void look_at_mounts(const filesystem::Listing& listing);
  void wait(const std::string& id, std::int64_t ms);
  void send_off(const std::string& id, DiskTask task);
  void plan_removal(const std::string& id, const FileTable::Row& row);
  void note(const Status& status, const std::string& what);

  Documents& documents_;
  DiskSyncOptions options_;
  FileTable table_;
  Problems problems_;
  Complaints complaints_;
  Importer importer_;
  AttachmentIndex attachments_;
  Mounts mounts_;
  std::int64_t probe_ms_ = 0;  // When to look whether what is away is back; steady.

  std::vector<DiskTask> planned_;
  std::vector<DiskTask> released_;
  std::optional<DiskScan> scan_;
  bool listing_ = false;
  bool list_wanted_ = false;
  std::int64_t listed_ms_ = 0;  // When the last listing was asked for; steady.
  std::set<WorkspacePath> paths_wanted_;
  struct BusyFile {  // Open for writing elsewhere, or it is not clear which note it is.
    std::int64_t since_ms;
    std::int64_t next_ms;  // When to look again.
  };
  std::map<WorkspacePath, BusyFile> busy_;
  std::unordered_map<std::string, Ahead> ahead_;
  // None of ahead_ is due before. Typing makes a file due later, and is not noted here: a look too
  // early finds the new time, and a thousand files that are typed in are not looked at every turn.
  std::int64_t look_ms_ = 0;
  // Ids with a Write-, Move- or TrashTask out → changes then.
  std::map<std::string, std::uint64_t> in_flight_;
  std::uint64_t written_ = 0;
  std::int64_t hold_ms_ = 0;        // How long nothing is planned after the last failure, and
  std::int64_t hold_until_ms_ = 0;  // until when.
  bool held_back_ = false;          // Files are due that wait for room.
  std::uint64_t left_out_ = 0;      // Of the last listing.
  // Of the last listing: Markdown that the ledger did not know, and what was skipped.
  filesystem::Listing strangers_;
  bool hurry_ = false;
  bool reconciled_ = false;
};

}  // namespace diaryx::sync
