#include "engine/sync/live.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>
#include <vector>

#include "engine/base/log.h"

namespace diaryx::sync {
namespace {

constexpr std::int64_t kUnloadEveryMs = 1'000;
// How often we look whether another process has written to the store. None should; but a lock can
// be lost (a file system without locks, somebody who tidies up), and nothing may be lost with it.
constexpr std::int64_t kLookEveryMs = 2'000;
// Memory that a large import may hold before it goes to the store.
constexpr std::uint64_t kPartBytes = 64U << 20U;
constexpr std::string_view kWaiting = "path/";

}  // namespace

Result<std::unique_ptr<Live>> Live::open(const Options& options, storage::Store& store,
                                         const Clock& clock, Random& random) {
  std::unique_ptr<Live> live(new Live(clock, options.limits));
  DX_TRY(live->documents_, Documents::open(store, clock, random));
  live->disk_ = std::make_unique<DiskSync>(*live->documents_, options.disk);
  DX_TRY_OK(live->disk_->load());
  live->hub_ =
      std::make_unique<Hub>(*live->documents_, Hub::Facts{options.workspace_id, options.epoch},
                            random, clock, options.limits);
  DX_TRY_OK(live->hub_->load_shares());
  return live;
}

Status Live::adopt_waiting_bodies() {
  const std::set<std::string> waiting = documents_->waiting();
  for (const std::string& name : waiting) {
    if (!name.starts_with(kWaiting)) continue;
    const auto id = documents_->metadata().id_at(name.substr(kWaiting.size()));
    if (!id) continue;
    const std::string body = body_doc_name(*id);
    DX_TRY(const bool taken, documents_->exists(body));
    if (!taken && documents_->loaded(body) == nullptr) {
      DX_TRY_OK(documents_->rename(name, body));
      continue;
    }
    // Both were written to: the union, so that nothing is lost.
    DX_TRY(LiveDocument* const from, documents_->open_document(name));
    DX_TRY(LiveDocument* const to, documents_->open_document(body));
    DX_TRY_OK(documents_->apply(*to, from->doc->encode_state_as_update(), kOriginServer));
    hub_->move_subscribers(*from, *to);
    DX_TRY_OK(documents_->remove(name));
  }
  return {};
}

Turn Live::end_turn() {
  look_for_foreign();
  Status status = documents_->records_changed() ? adopt_waiting_bodies() : Status{};
  if (status) {
    disk_->plan();
    const bool has_changes = documents_->has_changes();
    status = documents_->commit();
    if (status && has_changes) {
      store_trouble_.reset();
      disk_->store_works();
    }
  }
  const std::optional<Error> lost = documents_->take_lost();
  if (!status || lost) store_trouble_ = status ? *lost : status.error();
  if (status && !lost) {
    disk_->release();
    return hub_->told(documents_->take_changes());
  }
  if (const Status reloaded = disk_->load(); !reloaded)
    log(LogLevel::Error, "store", reloaded.error().message);
  disk_->rescan();
  disk_->store_failed();
  Turn turn = hub_->untold(status ? *lost : status.error());
  if (!status) return turn;
  // What came after the part that was lost is durable: whoever is still here hears of it.
  Turn rest = hub_->told(documents_->take_changes());
  std::move(rest.sends.begin(), rest.sends.end(), std::back_inserter(turn.sends));
  std::move(rest.closes.begin(), rest.closes.end(), std::back_inserter(turn.closes));
  return turn;
}

void Live::look_for_foreign() {
  const std::int64_t now = clock_.steady_ms();
  if (now < next_look_ms_ || documents_->has_changes()) return;
  next_look_ms_ = now + kLookEveryMs;
  const auto found = documents_->take_in_foreign();
  if (!found) return log(LogLevel::Error, "store", found.error().message);
  if (*found) {
    log(LogLevel::Warning, "store", "another process wrote to the store: taken in");
    ledger_is_foreign_ = true;
  }
  // Reading the ledger afresh forgets what is on its way to disk.
  if (!ledger_is_foreign_ || !disk_->idle()) return;
  ledger_is_foreign_ = false;
  if (const Status loaded = disk_->load(); !loaded)
    log(LogLevel::Error, "store", loaded.error().message);
  disk_->rescan();
}

void Live::tick() {
  hub_->tick();
  const std::int64_t now = clock_.steady_ms();
  look_for_foreign();
  if (now < next_unload_ms_ || documents_->has_changes()) return;
  next_unload_ms_ = now + kUnloadEveryMs;
  Status status = documents_->unload_idle(now - limits_.unload_after_ms);
  if (status) status = documents_->fold_long_logs();
  if (!status) log(LogLevel::Warning, "store", status.error().message);
}

std::optional<std::int64_t> Live::next_due_ms() const {
  std::optional<std::int64_t> next = hub_->next_due_ms();
  const auto sooner = [&](std::int64_t due) { next = std::min(next.value_or(INT64_MAX), due); };
  if (const auto due = disk_->next_due_ms()) sooner(*due);
  // While nobody needs to know, it is time enough when something wakes us.
  if (hub_->connections() > 0 || documents_->loaded_count() > 1) sooner(next_look_ms_);
  if (documents_->loaded_count() > 1) sooner(next_unload_ms_);
  return next;
}

Status Live::end_silent_turn() {
  disk_->plan();
  DX_TRY_OK(documents_->commit());
  (void)documents_->take_changes();  // Nobody is connected.
  disk_->release();
  return documents_->unload_idle(INT64_MAX);
}

Status Live::settle(filesystem::FileTree& files,
                    const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
  DX_CHECK(hub_->connections() == 0);
  std::uint64_t done = 0;
  std::uint64_t total = 0;
  disk_->hurry();
  for (;;) {
    if (documents_->records_changed()) DX_TRY_OK(adopt_waiting_bodies());
    DX_TRY_OK(end_silent_turn());
    std::vector<DiskTask> tasks = disk_->take_tasks();
    if (tasks.empty() && disk_->idle()) break;
    total += tasks.size();
    for (DiskTask& task : tasks) {
      disk_->complete(run_disk_task(files, std::move(task)));
      if (progress) progress(++done, total);
      if (documents_->queued_bytes() <= kPartBytes) continue;
      DX_TRY_OK(documents_->commit());
      (void)documents_->take_changes();  // As above.
    }
  }
  disk_->hurry(false);
  return {};
}

}  // namespace diaryx::sync
