#include "web/core_loop.h"

#include <algorithm>
#include <chrono>
#include <iterator>

#include "engine/base/check.h"
#include "engine/base/log.h"
#include "engine/base/posix.h"

namespace diaryx::web {
namespace {

// One turn takes at most so much, so that nobody waits long to be told.
constexpr std::size_t kTurnEvents = 4'096;
constexpr std::size_t kTurnBytes = 16U << 20U;
// And answers for so much: a question of ten octets may have an answer of a megabyte, and all of a
// turn wait in memory together.
constexpr std::size_t kTurnAnswerBytes = 8U << 20U;
constexpr std::int64_t kLongestSleepMs = 60'000;
// What is patient waits so long after the last turn, unless something else comes.
constexpr auto kGather = std::chrono::milliseconds(4);

}  // namespace

CoreLoop::CoreLoop(std::unique_ptr<Workspace> workspace, const Clock& clock, Sinks sinks)
    : workspace_(std::move(workspace)), clock_(clock), sinks_(std::move(sinks)) {}

CoreLoop::~CoreLoop() {
  (void)stop();
}

Error CoreLoop::stopped() {
  return Error{ErrorCode::Interrupted, "the server is stopping"};
}

void CoreLoop::start() {
  thread_ = std::thread([this] {
    name_this_thread("core");
    try {
      run();
    } catch (const std::exception& e) {
      log(LogLevel::Error, "core", std::string("stopped by an exception: ") + e.what());
      if (!failed_)
        sinks_.broken(Error{ErrorCode::Io, std::string("the server cannot go on: ") + e.what()});
      // What is still queued is never answered: its promises die here, and those who wait are told
      // so.
      const std::lock_guard lock(mutex_);
      ended_ = true;
      incoming_.clear();
      events_.clear();
      answers_.clear();
      settling_.clear();
    }
  });
}

std::unique_ptr<Workspace> CoreLoop::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
  return std::move(workspace_);
}

bool CoreLoop::push(Event event, bool patient) {
  {
    const std::lock_guard lock(mutex_);
    if (ended_) return false;
    incoming_.push_back(std::move(event));
    // Whoever put the first one there has woken it, and it may let others come.
    const bool wakes = incoming_.size() == 1 || (!patient && !urgent_);
    urgent_ = urgent_ || !patient;
    if (!wakes) return true;
  }
  wake_.notify_one();
  return true;
}

void CoreLoop::submit() {
  if (batch_.empty()) return;
  {
    const std::lock_guard lock(mutex_);
    if (!ended_) {
      std::move(batch_.begin(), batch_.end(), std::back_inserter(incoming_));
      urgent_ = true;
    }
  }
  batch_.clear();
  wake_.notify_one();
}

// An event that comes after the end concerns nobody any more.
void CoreLoop::connect(sync::ConnectionId id, sync::Visitor visitor) {
  batch_.emplace_back(Connect{id, std::move(visitor)});
}
void CoreLoop::receive(sync::ConnectionId id, bool text, Bytes message) {
  batch_.emplace_back(Message{id, text, to_buffer(message)});
}
void CoreLoop::disconnect(sync::ConnectionId id) {
  batch_.emplace_back(Disconnect{id});
}
void CoreLoop::disk_done(sync::DiskResult result) {
  // Others come soon, but there is one listing only, and much waits for it.
  const bool patient = !std::holds_alternative<sync::ListTask>(result.task);
  (void)push(std::move(result), patient);
}
void CoreLoop::paths_changed(std::set<WorkspacePath> paths) {
  (void)push(PathsChanged{std::move(paths)}, true);
}
void CoreLoop::rescan() {
  (void)push(Rescan{});
}

Status CoreLoop::settle(bool look_first, std::int64_t wait_ms) {
  auto promise = std::make_shared<std::promise<Status>>();
  std::future<Status> future = promise->get_future();
  if (!push(Settling{clock_.steady_ms() + wait_ms, std::move(promise), look_first}))
    return stopped();
  return wait_for(future);
}

void CoreLoop::give_up_waiting() {
  (void)push(GiveUp{});
}

// --- Core thread ---

bool CoreLoop::wait() {
  std::int64_t sleep_ms = kLongestSleepMs;
  const std::int64_t now = clock_.steady_ms();
  if (const auto due = workspace_->next_due_ms()) sleep_ms = std::min(sleep_ms, *due - now);
  for (const Settling& waiter : settling_) sleep_ms = std::min(sleep_ms, waiter.deadline_ms - now);
  std::unique_lock lock(mutex_);
  if (events_.empty() && sleep_ms > 0) {
    wake_.wait_for(lock, std::chrono::milliseconds(sleep_ms),
                   [&] { return stopping_ || !incoming_.empty(); });
  }
  if (events_.empty() && !incoming_.empty())
    wake_.wait_until(lock, turn_ended_ + kGather, [&] { return stopping_ || urgent_; });
  urgent_ = false;
  if (events_.empty()) {
    events_.swap(incoming_);
  } else {
    std::move(incoming_.begin(), incoming_.end(), std::back_inserter(events_));
    incoming_.clear();
  }
  if (!stopping_ || !events_.empty()) return true;
  ended_ = true;
  return false;
}

void CoreLoop::run() {
  while (wait()) {
    turn();
    turn_ended_ = std::chrono::steady_clock::now();
  }
  answer_settling(true);
}

void CoreLoop::handled(sync::ConnectionId id, std::size_t bytes) {
  const auto [at, fresh] = handled_at_.try_emplace(id, handled_.size());
  if (fresh) handled_.push_back({id, 0, 0});
  ++handled_[at->second].messages;
  handled_[at->second].bytes += bytes;
}

void CoreLoop::apply(Event& event) {
  Workspace& workspace = *workspace_;
  if (auto* message = std::get_if<Message>(&event)) {
    if (message->text) {
      workspace.hub().receive_text(message->id, as_text(message->bytes));
    } else {
      workspace.hub().receive(message->id, message->bytes);
    }
    handled(message->id, message->bytes.size());
  } else if (auto* connect = std::get_if<Connect>(&event)) {
    workspace.hub().connect(connect->id, std::move(connect->visitor));
  } else if (auto* disconnect = std::get_if<Disconnect>(&event)) {
    workspace.hub().disconnect(disconnect->id);
  } else if (auto* changed = std::get_if<PathsChanged>(&event)) {
    workspace.disk().paths_changed(changed->paths);
  } else if (std::holds_alternative<Rescan>(event)) {
    workspace.disk().rescan();
  } else if (auto* result = std::get_if<sync::DiskResult>(&event)) {
    workspace.disk().complete(std::move(*result));
  } else if (auto* task = std::get_if<Task>(&event)) {
    const std::size_t before = workspace.turn_work();
    task->act(workspace);
    answers_.push_back({std::move(task->answer), workspace.turn_work() != before});
  } else if (std::holds_alternative<GiveUp>(event)) {
    answer_settling(true);
  } else {
    Settling& waiter = std::get<Settling>(event);
    if (waiter.look_first) workspace.disk().rescan();
    workspace.disk().hurry(true);
    settling_.push_back(std::move(waiter));
  }
}

void CoreLoop::turn() {
  // Before anything has changed: what tidies up wants a whole turn behind it.
  if (const auto due = workspace_->next_due_ms(); due && *due <= clock_.steady_ms())
    workspace_->tick();
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < kTurnEvents && bytes < kTurnBytes && !events_.empty() &&
                          workspace_->hub().staged_octets() < kTurnAnswerBytes;
       ++i) {
    if (const auto* message = std::get_if<Message>(&events_.front()))
      bytes += message->bytes.size();
    apply(events_.front());
    events_.pop_front();
  }
  const std::uint64_t stored = workspace_->stored().updates;
  const auto begun = std::chrono::steady_clock::now();
  sync::Turn told = workspace_->end_turn();
  if (workspace_->stored().updates != stored) {
    counts_.append.add(
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                       std::chrono::steady_clock::now() - begun)
                                       .count()));
  }
  count(told);
  const std::optional<Error> lost = told.lost;
  const sync::Shares& shares = workspace_->hub().shares();
  if (std::exchange(told_shares_, shares.version()) != shares.version())
    sinks_.shares(shares.all());
  sinks_.tell(std::move(told), std::exchange(handled_, {}));
  handled_at_.clear();
  std::vector<sync::DiskTask> work = workspace_->disk().take_tasks();
  if (!work.empty()) sinks_.work(std::move(work));
  // Who only looked is told what it saw, also in a turn that could not be made durable.
  for (const Owed& answer : std::exchange(answers_, {}))
    answer.give(answer.changed_something ? lost : std::nullopt);
  answer_settling(false);
  if (const auto broken = workspace_->broken(); broken && !failed_) {
    failed_ = true;
    sinks_.broken(*broken);
  }
}

void CoreLoop::count(const sync::Turn& told) {
  counts_.turns.add();
  for (const Handled& part : handled_) {
    counts_.messages.add(part.messages);
    counts_.message_octets.add(part.bytes);
  }
  std::uint64_t messages = 0;
  std::uint64_t octets = 0;
  for (const sync::Outgoing& out : told.sends) {
    messages += out.targets.size();
    octets += out.targets.size() * out.payload->size();
  }
  counts_.relayed.add(messages);
  counts_.relayed_octets.add(octets);
}

void CoreLoop::answer_settling(bool give_up) {
  if (settling_.empty()) return;
  const bool idle = workspace_->disk().idle();
  const std::int64_t now = clock_.steady_ms();
  std::erase_if(settling_, [&](Settling& waiter) {
    if (idle) {
      waiter.promise->set_value(Status());
    } else if (give_up) {
      waiter.promise->set_value(stopped());
    } else if (now >= waiter.deadline_ms) {
      waiter.promise->set_value(
          Error{ErrorCode::LimitExceeded, "disk and documents are still at work"});
    } else {
      return false;
    }
    return true;
  });
  if (settling_.empty()) workspace_->disk().hurry(false);
}

}  // namespace diaryx::web
