#include "engine/sync/live.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "engine/base/log.h"

namespace diaryx::sync {
namespace {

constexpr std::int64_t kUnloadEveryMs = 1'000;
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
  Status status = documents_->records_changed() ? adopt_waiting_bodies() : Status{};
  if (status) {
    disk_->plan();
    status = documents_->commit();
  }
  if (status) {
    disk_->release();
    return hub_->told(documents_->take_changes());
  }
  if (const Status reloaded = disk_->load(); !reloaded)
    log(LogLevel::Error, "store", reloaded.error().message);
  disk_->rescan();
  return hub_->untold(status.error());
}

void Live::tick() {
  hub_->tick();
  const std::int64_t now = clock_.steady_ms();
  if (now < next_unload_ms_ || documents_->has_changes()) return;
  next_unload_ms_ = now + kUnloadEveryMs;
  if (const Status status = documents_->unload_idle(now - limits_.unload_after_ms); !status) {
    log(LogLevel::Warning, "store", status.error().message);
  }
}

std::optional<std::int64_t> Live::next_due_ms() const {
  std::optional<std::int64_t> next = hub_->next_due_ms();
  const auto sooner = [&](std::int64_t due) { next = std::min(next.value_or(INT64_MAX), due); };
  if (const auto due = disk_->next_due_ms()) sooner(*due);
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
