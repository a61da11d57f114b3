#include "engine/engine.h"

#include <algorithm>
#include <cerrno>
#include <future>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/log.h"
#include "engine/base/path.h"
#include "engine/base/posix.h"
#include "engine/filesystem/disk_tree.h"
#include "engine/history/ignore.h"
#include "engine/import.h"
#include "engine/repair.h"
#include "engine/storage/store.h"
#include "engine/sync/examination.h"
#include "engine/workspace/render.h"

namespace diaryx {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFolder = ".diaryx";
constexpr std::string_view kStoreFile = "store.db";
constexpr std::string_view kIdAlphabet = "abcdefghijkmnopqrstuvwxyz23456789";

constexpr const char* kMayWrite =
    "check that there is room and that you may write in the workspace";

// The folder's names are on disk.
// Whole or not at all: half a line would let git have the database, and the secrets in it.
Status write_ignore_file(const fs::path& folder) {
  const fs::path file = folder / ".gitignore";
  std::error_code error;
  if (fs::exists(file, error)) return {};
  const fs::path making = folder / temporary_name();
  const auto failed = [&] {
    Error why = errno_error(errno, file.string() + ": cannot be written");
    (void)::unlink(making.c_str());  // Of no use to anybody, and may not be there.
    return std::move(why).hinted(kMayWrite);
  };
  const Fd fd(::open(making.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) return failed();
  if (Status written = write_all(fd.get(), "*\n", file.string()); !written) {
    (void)::unlink(making.c_str());  // As above.
    return std::move(written).error().hinted(kMayWrite);
  }
  if (::fsync(fd.get()) != 0 || ::rename(making.c_str(), file.c_str()) != 0) return failed();
  return {};
}

// `.diaryx/` keeps itself out of git, and out of sight of other people of the machine. On disk when
// this returns: what is told to be saved is saved in it.
Status make_folder(const fs::path& folder) {
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return errno_error(errno, folder.string() + ": cannot be made").hinted(kMayWrite);
  DX_TRY_OK(write_ignore_file(folder));
  // Also if it was there: whoever made it may have been stopped before it came to this.
  DX_TRY_OK(sync_path(folder));
  return sync_path(folder.parent_path());
}

Result<std::string> meta_or_new(storage::Store& store, std::string_view key, Random& random) {
  DX_TRY(const auto found, store.meta(key));
  if (found) return *found;
  const std::string made = random.text(16, kIdAlphabet);
  DX_TRY_OK(store.set_meta(key, made));
  return made;
}

using Faults = Result<std::vector<std::string>>;

using VerifyPart = storage::Store::VerifyPart;

Faults verify(const fs::path& file, VerifyPart part) {
  const auto store = storage::Store::open(file, storage::OpenMode::ReadOnly);
  if (store) return (*store)->verify(part);
  if (store.error().code != ErrorCode::Corrupt) return store.error();
  return std::vector<std::string>{store.error().message};
}

// On a thread of its own, or when it is asked for, where there is no thread to be had.
std::future<Faults> verify_beside(const fs::path& file, VerifyPart part) {
  try {
    return std::async(std::launch::async, verify, file, part);
  } catch (const std::system_error&) {
    return std::async(std::launch::deferred, verify, file, part);
  }
}

// What both found, each once: a store that cannot be opened says so to both.
void add_faults(std::vector<std::string>& faults, const std::vector<std::string>& more) {
  for (const std::string& fault : more) {
    if (std::find(faults.begin(), faults.end(), fault) == faults.end()) faults.push_back(fault);
  }
}

}  // namespace

std::function<bool(const WorkspacePath&)> git_ignores(const std::filesystem::path& root) {
  const auto rules = std::make_shared<history::IgnoreRules>(history::IgnoreRules::open(root));
  return [rules](const WorkspacePath& path) { return rules->ignored(path); };
}

std::filesystem::path find_workspace_root(const std::filesystem::path& start) {
  std::error_code error;
  fs::path absolute = fs::absolute(start, error).lexically_normal();
  if (!absolute.has_filename() && absolute.has_parent_path()) absolute = absolute.parent_path();
  for (fs::path at = absolute;; at = at.parent_path()) {
    if (fs::is_directory(at / kFolder, error)) return at;
    if (!at.has_relative_path()) return absolute;
  }
}

struct Workspace::Impl {
  Status change_intake();
  Options options;
  const Clock& clock;
  Random& random;
  WorkspaceInfo info;
  std::optional<storage::WorkspaceLock> lock;
  std::unique_ptr<storage::Store> store;
  std::unique_ptr<filesystem::DiskTree> files;
  std::unique_ptr<sync::Live> live;
  sync::IntakeRules intake;
  std::optional<sync::ImportReport> imported;
  std::optional<sync::FirstLook> look;

  fs::path folder() const { return info.root / kFolder; }
  Status open_store();
  const workspace::MetadataDoc& metadata() const { return live->documents().metadata(); }
  std::vector<std::pair<std::string, std::string>> live_files() const;  // id, path
};

Workspace::Workspace(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Workspace::~Workspace() = default;

Status Workspace::Impl::open_store() {
  const fs::path file = folder() / kStoreFile;
  std::error_code error;
  const bool exists = fs::exists(file, error);
  if (!exists && options.access != Access::Create) {
    return Error{ErrorCode::NotFound, info.root.string() + ": no diaryx-sync workspace here",
                 "run `diaryx-sync init` in it first"};
  }
  if (options.access == Access::Create) DX_TRY_OK(make_folder(folder()));
  if (options.access != Access::Read) {
    DX_TRY(lock, storage::WorkspaceLock::acquire(folder(), options.lock_wait_ms));
  }
  DX_TRY_OK(check_no_repair_pending(folder()));
  const storage::OpenMode mode = options.access == Access::Read    ? storage::OpenMode::ReadOnly
                                 : options.access == Access::Write ? storage::OpenMode::ReadWrite
                                                                   : storage::OpenMode::Create;
  DX_TRY(store, storage::Store::open(file, mode));
  if (options.access == Access::Read) {
    DX_TRY(const auto id, store->meta("workspace_id"));
    DX_TRY(const auto epoch, store->meta("epoch"));
    if (!id || !epoch)
      return Error{ErrorCode::Corrupt, file.string() + ": has no workspace id",
                   "run `diaryx-sync init`"};
    info.workspace_id = *id;
    info.epoch = *epoch;
    return {};
  }
  DX_TRY(info.workspace_id, meta_or_new(*store, "workspace_id", random));
  DX_TRY(info.epoch, meta_or_new(*store, "epoch", random));
  return {};
}

Status Workspace::Impl::change_intake() {
  sync::IntakeRules wanted = intake;
  if (options.audience) wanted.audience = *options.audience == "*" ? "" : *options.audience;
  if (options.gitignore) wanted.gitignore = *options.gitignore;
  if (options.access == Access::Read || wanted == intake) return {};
  intake = wanted;
  return sync::save_intake_rules(*store, intake);
}

Result<std::unique_ptr<Workspace>> Workspace::open(const Options& options, const Clock& clock,
                                                   Random& random) {
  auto impl = std::make_unique<Impl>(Impl{.options = options, .clock = clock, .random = random});
  std::error_code error;
  impl->info.root = fs::canonical(options.root, error);
  if (error) {
    return Error{ErrorCode::NotFound, options.root.string() + ": " + error.message(),
                 "name a folder that exists"};
  }
  if (!fs::is_directory(impl->info.root, error)) {
    return Error{ErrorCode::InvalidArgument, options.root.string() + ": not a folder",
                 "name the folder of your notes"};
  }
  std::optional<storage::DiaryxDatabase> import;  // Before anything is made.
  if (options.import_db && options.access != Access::Read) {
    DX_TRY(import, storage::read_diaryx_database(*options.import_db));
  }
  DX_TRY_OK(impl->open_store());
  DX_TRY(impl->files,
         filesystem::DiskTree::open(impl->info.root, {.tidy = options.access != Access::Read}));
  DX_TRY(impl->intake, sync::load_intake_rules(*impl->store));
  DX_TRY_OK(impl->change_intake());
  if (impl->intake.gitignore) impl->files->ignore_by(git_ignores(impl->info.root));
  if (import) {
    DX_TRY(impl->imported,
           import_into(*impl->store, *impl->files, impl->folder(), *import, clock, random));
    import.reset();
  }
  if (options.look_ahead) {
    DX_TRY(auto files, filesystem::DiskTree::open(impl->info.root, {.tidy = true}));
    if (impl->intake.gitignore) files->ignore_by(git_ignores(impl->info.root));
    impl->look.emplace(impl->info.root, std::move(files));
  }
  DX_TRY(impl->live,
         sync::Live::open({.workspace_id = impl->info.workspace_id,
                           .epoch = impl->info.epoch,
                           .disk = {.write_back = options.write_back, .intake = impl->intake},
                           .limits = {}},
                          *impl->store, clock, random));
  return std::unique_ptr<Workspace>(new Workspace(std::move(impl)));
}

const WorkspaceInfo& Workspace::info() const noexcept {
  return impl_->info;
}
const sync::IntakeRules& Workspace::intake() const noexcept {
  return impl_->intake;
}
const std::optional<sync::ImportReport>& Workspace::imported() const noexcept {
  return impl_->imported;
}
Result<sync::FirstLook::Found> Workspace::take_first_look() {
  Impl& self = *impl_;
  if (!self.look) {
    DX_TRY(auto files, filesystem::DiskTree::open(self.info.root, {.tidy = true}));
    if (self.intake.gitignore) files->ignore_by(git_ignores(self.info.root));
    self.look.emplace(self.info.root, std::move(files));
  }
  auto found = self.look->end();
  self.look.reset();
  return found;
}
sync::Hub& Workspace::hub() {
  return impl_->live->hub();
}
sync::DiskSync& Workspace::disk() {
  return impl_->live->disk();
}
std::optional<Error> Workspace::broken() const {
  return impl_->live->documents().broken();
}
const std::map<std::string, std::string>& Workspace::problems() const {
  return impl_->live->disk().problems();
}

std::size_t Workspace::loaded_documents() const {
  return impl_->live->documents().loaded_count();
}
const sync::StoreCounts& Workspace::stored() const {
  return impl_->live->documents().stored();
}
sync::NoteEdits Workspace::notes() {
  return {impl_->live->documents(), impl_->random};
}

std::size_t Workspace::turn_work() const {
  return impl_->live->documents().turn_work();
}

sync::Turn Workspace::end_turn() {
  return impl_->live->end_turn();
}
void Workspace::tick() {
  impl_->live->tick();
}
std::optional<std::int64_t> Workspace::next_due_ms() const {
  return impl_->live->next_due_ms();
}

Result<std::optional<Unchanged>> Workspace::unchanged(const Options& options, const Clock& clock) {
  const std::optional<Unchanged> unknown;
  const std::int64_t start = clock.steady_ms();
  std::error_code error;
  const fs::path root = fs::canonical(options.root, error);
  if (error || !fs::exists(root / kFolder / kStoreFile, error)) return unknown;
  DX_TRY(const auto store,
         storage::Store::open(root / kFolder / kStoreFile, storage::OpenMode::ReadOnly));
  DX_TRY(const auto id, store->meta("workspace_id"));
  DX_TRY(const auto epoch, store->meta("epoch"));
  DX_TRY(const sync::IntakeRules rules, sync::load_intake_rules(*store));
  if (!id || !epoch || rules.gitignore) return unknown;
  DX_TRY(auto files, filesystem::DiskTree::open(root));
  sync::FirstLook look({}, std::move(files));
  DX_TRY(const auto noted, sync::load_noted(*store));
  if (!noted) return unknown;
  DX_TRY(const auto found, look.end());
  DX_TRY_OK(found.listed.status);
  if (!sync::is_still_level(*noted, *found.listed.listing)) return unknown;
  Unchanged same{.info = {.root = root, .workspace_id = *id, .epoch = *epoch}, .report = {}};
  same.report.files = noted->level.files;
  same.report.left_out = noted->level.left_out;
  for (const auto& problem : noted->level.problems) same.report.skipped.push_back(problem);
  same.report.elapsed_ms = clock.steady_ms() - start;
  return same;
}

Result<ReconcileReport> Workspace::reconcile(const Progress& progress) {
  Impl& self = *impl_;
  DX_CHECK(self.options.access != Access::Read);
  const std::int64_t start = self.clock.steady_ms();
  self.live->disk().rescan();
  DX_TRY_OK(self.live->settle(*self.files, progress));
  if (auto level = self.live->disk().level()) {
    DX_TRY(level->seq, self.store->last_seq(sync::kWorkspaceDocName));
    DX_TRY_OK(sync::save_level(*self.store, *level));
  }
  ReconcileReport result = report();
  result.elapsed_ms = self.clock.steady_ms() - start;
  return result;
}

ReconcileReport Workspace::report() const {
  const sync::DiskSync::Counts counts = impl_->live->disk().counts();
  ReconcileReport report;
  report.files = count_files().live;
  report.updated = counts.updated;
  report.deleted = counts.deleted;
  report.written = counts.written;
  report.left_out = counts.left_out;
  for (const auto& [path, reason] : impl_->live->disk().problems())
    report.skipped.emplace_back(path, reason);
  return report;
}

std::vector<std::pair<std::string, std::string>> Workspace::Impl::live_files() const {
  std::vector<std::pair<std::string, std::string>> files_by_id;
  const workspace::MetadataDoc& records = metadata();
  for (const auto& [id, record] : records.records()) {
    if (auto path = records.path_of(id)) files_by_id.emplace_back(id, std::move(*path));
  }
  std::sort(files_by_id.begin(), files_by_id.end(),
            [](const auto& a, const auto& b) { return a.second < b.second; });
  return files_by_id;
}

Result<filesystem::FileSet> Workspace::render() {
  Impl& self = *impl_;
  filesystem::FileSet rendered;
  for (const auto& [id, path] : self.live_files()) {
    DX_TRY(WorkspacePath checked, WorkspacePath::parse(path));
    const std::string name = sync::body_doc_name(id);
    DX_TRY(std::string body, self.live->documents().body_text(id));
    rendered.emplace(std::move(checked),
                     workspace::render_file(*self.metadata().find(id), body, self.metadata()));
    if (!self.live->documents().has_changes()) DX_TRY_OK(self.live->documents().forget(name));
  }
  return rendered;
}

Result<workspace::ValidateReport> Workspace::validate() {
  Impl& self = *impl_;
  // The store looks at all of itself meanwhile, by connections of its own.
  auto structure = verify_beside(self.folder() / kStoreFile, VerifyPart::Structure);
  auto contents = verify_beside(self.folder() / kStoreFile, VerifyPart::Contents);
  DX_TRY(workspace::ValidateInput input,
         sync::examine(self.live->documents(), self.live->disk(), *self.files));
  for (auto* part : {&structure, &contents}) {
    DX_TRY(const auto faults, part->get());
    add_faults(input.store_faults, faults);
  }
  return workspace::validate(input);
}

Result<std::uint64_t> Workspace::count_validation(bool good) {
  Impl& self = *impl_;
  DX_CHECK(self.options.access != Access::Read);
  DX_TRY(const std::uint64_t before, sync::failed_validations(*self.store));
  const std::uint64_t count = good ? 0 : before + 1;
  if (count != before) DX_TRY_OK(sync::set_failed_validations(*self.store, count));
  return count;
}

Result<sync::HealReport> Workspace::mend(bool trial) {
  Impl& self = *impl_;
  return sync::Healing(self.live->documents(), self.live->disk(), *self.files).heal(trial);
}

Result<sync::UndoReport> Workspace::undo_mending() {
  Impl& self = *impl_;
  return sync::Healing(self.live->documents(), self.live->disk(), *self.files).undo();
}

Result<history::CommitReport> Workspace::commit(const history::CommitOptions& options) {
  Impl& self = *impl_;
  std::vector<WorkspacePath> live;
  std::vector<WorkspacePath> removed;
  std::map<std::string, bool> is_live;
  for (const auto& [id, path] : self.live_files()) {
    DX_TRY(WorkspacePath checked, WorkspacePath::parse(path));
    is_live[path] = true;
    live.push_back(std::move(checked));
  }
  for (const auto& [id, record] : self.metadata().records()) {
    if (!record.deleted || is_live.contains(record.path)) continue;
    if (auto path = WorkspacePath::parse(record.path)) removed.push_back(std::move(*path));
  }
  return history::commit_files(self.info.root, live, removed, options);
}

Workspace::FileCounts Workspace::count_files() const {
  const workspace::MetadataDoc::Count count = impl_->metadata().count();
  return {.live = count.with_path, .deleted = count.deleted};
}

sync::AttachmentIndex::Totals Workspace::count_attachments() {
  return impl_->live->disk().attachments().look(*impl_->files);
}

std::vector<FileSummary> Workspace::files(bool include_deleted) const {
  const workspace::MetadataDoc& metadata = impl_->metadata();
  std::vector<FileSummary> summaries;
  for (const auto& [id, record] : metadata.records()) {
    if (metadata.path_of(id) || (include_deleted && record.deleted)) summaries.push_back(*file(id));
  }
  std::sort(summaries.begin(), summaries.end(),
            [](const auto& a, const auto& b) { return a.path < b.path; });
  return summaries;
}

std::optional<FileSummary> Workspace::file(const std::string& id) const {
  const workspace::MetadataDoc& metadata = impl_->metadata();
  const workspace::FileRecord* record = metadata.find(id);
  if (record == nullptr) return std::nullopt;
  return FileSummary{.id = id,
                     .path = metadata.path_of(id).value_or(record->path),
                     .metadata = workspace::to_file_metadata(
                         *record, [&](const std::string& link) { return metadata.path_of(link); }),
                     .deleted = record->deleted};
}

std::optional<std::string> Workspace::id_at(std::string_view path) const {
  return impl_->metadata().id_at(path);
}

Result<Sha256> Workspace::hash_of(const std::string& id) {
  if (const auto agreed = impl_->live->disk().agreed_hash(id)) return *agreed;
  sync::Documents& documents = impl_->live->documents();
  const std::string name = sync::body_doc_name(id);
  const bool was_open = documents.loaded(name) != nullptr;
  DX_TRY(const std::string bytes, notes().bytes(id));
  // Many may be asked for, one after the other.
  if (!was_open && !documents.has_changes()) DX_TRY_OK(documents.forget(name));
  return sha256(as_bytes(bytes));
}

std::vector<Workspace::Trouble> Workspace::troubles() const {
  std::vector<Trouble> out;
  if (const auto& store = impl_->live->store_trouble())
    out.push_back({".diaryx/store.db", store->message, true});
  const std::set<std::string> unwritten = impl_->live->disk().unwritten();
  for (const bool unsaved : {true, false}) {
    for (const auto& [path, message] : problems()) {
      if (unwritten.contains(path) == unsaved) out.push_back({path, message, unsaved});
    }
  }
  return out;
}

Result<std::vector<std::string>> Workspace::pending() {
  std::vector<std::string> paths;
  for (const std::string& id : impl_->live->disk().ahead()) {
    const auto path = impl_->metadata().path_of(id);
    const workspace::FileRecord* record = impl_->metadata().find(id);
    if (path) {
      paths.push_back(*path);
    } else if (record != nullptr) {
      paths.push_back(record->path);
    }
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

Status Workspace::close() {
  if (impl_->options.access == Access::Read) return {};
  DX_TRY_OK(impl_->live->documents().unload_idle(INT64_MAX));
  return impl_->store->checkpoint();
}

}  // namespace diaryx
