#include "web/server.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "engine/base/check.h"
#include "engine/base/json.h"
#include "engine/base/log.h"
#include "engine/base/posix.h"
#include "engine/filesystem/disk_tree.h"
#include "web/asio.h"
#include "web/attachment_routes.h"
#include "web/attachments.h"
#include "web/auth.h"
#include "web/background.h"
#include "web/core_loop.h"
#include "web/editor_routes.h"
#include "web/endpoints.h"
#include "web/file_routes.h"
#include "web/history_routes.h"
#include "web/http_router.h"
#include "web/http_status.h"
#include "web/local_hooks.h"
#include "web/metrics.h"
#include "web/metrics_routes.h"
#include "web/origin.h"
#include "web/raw_routes.h"
#include "web/routes.h"
#include "web/share_routes.h"
#include "web/transport.h"
#include "web/validate_routes.h"

namespace diaryx::web {
namespace {

constexpr std::uint16_t kPortsToTry = 20;
constexpr std::int64_t kFirstSettleMs =
    24LL * 60 * 60 * 1000;  // A large workspace on a slow disk takes its time.
constexpr std::int64_t kFlushMs = 2'500;
constexpr std::int64_t kLastFlushMs = 1'000;
constexpr std::int64_t kGoodbyeMs = 500;
constexpr std::size_t kShortToken = 22;

bool is_loopback_address(const std::string& host) {
  return is_loopback_host(host) || is_loopback_host("[" + host + "]");
}

// The limit on open files is often 1,024, and may be raised by anybody up to the hard one.
void raise_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);  // Fewer connections, then.
}

std::string url_of(const std::string& host, std::uint16_t port, std::string_view token) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string shown = host == "0.0.0.0" ? "127.0.0.1" : host == "::" ? "::1" : host;
  if (shown.find(':') != std::string::npos) shown = "[" + shown + "]";
  std::string out = "http://" + shown + ":" + std::to_string(port) + "/#token=";
  for (const char c : token) {
    if (kUrlSafeAlphabet.find(c) != std::string_view::npos) {
      out.push_back(c);
    } else {
      const auto octet = static_cast<unsigned char>(c);
      out.append({'%', kDigits[octet >> 4U], kDigits[octet & 15U]});
    }
  }
  return out;
}

// "Bearer abc" → "abc".
std::string_view bearer_token(const HttpRequest& request) {
  constexpr std::string_view kScheme = "bearer ";  // In any case of letters: RFC 9110 §11.1.
  const std::string_view field = request.field("authorization").value_or("");
  if (field.size() < kScheme.size()) return {};
  for (std::size_t i = 0; i < kScheme.size(); ++i) {
    const char c = field[i];
    if ((c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c) != kScheme[i]) return {};
  }
  return field.substr(kScheme.size());
}

std::int64_t number(sync::ConnectionId id) {
  return static_cast<std::int64_t>(id);
}

std::string refusal(int status, std::string_view message) {
  return simple_response(status, "application/json", error_body(status, message));
}

}  // namespace

struct Server::Impl final : TransportEvents {
  Impl(const ServerOptions& the_options, const Clock& the_clock)
      : options(the_options),
        clock(the_clock),
        handlers(static_cast<std::size_t>(the_options.handler_threads)) {}
  ~Impl() override {
    if (stop_event >= 0) ::close(stop_event);
  }

  Status listen();
  void build(std::unique_ptr<Workspace> workspace, sync::FirstLook::Found look);
  Status go();
  Status stop();
  void tell_others();

  // TransportEvents, on the net thread.
  HeadVerdict on_head(const HttpRequest& request, const Peer& peer) override;
  void on_request(std::shared_ptr<Exchange> exchange) override;
  void on_open(sync::ConnectionId id, const HttpRequest& handshake, const Peer& peer,
               bool is_owner) override;
  void on_message(sync::ConnectionId id, bool text, Bytes bytes) override {
    core->receive(id, text, bytes);
  }
  void on_close(sync::ConnectionId id) override;
  void on_pause() override { core->submit(); }
  void on_refused(int status) override;
  void turn_away(sync::ConnectionId id, bool understands_texts, sync::CloseCode code,
                 std::string_view name, std::string_view message);
  std::optional<sync::Visitor> visitor_of(const HttpRequest& handshake, const Peer& peer,
                                          bool is_owner, Auth::Answer& answer);
  std::optional<std::string> refusal_of_sync1(const HttpRequest& request, const Peer& peer,
                                              bool is_owner, bool showed_token);

  void answered(const HttpRouter::Answered& answer);
  void give_up(const Error& error);
  void signal_stop() const noexcept {
    const int kept = errno;  // A signal handler must not change it.
    const std::uint64_t one = 1;
    // Only a full counter could refuse it, and then a stop is wanted already.
    [[maybe_unused]] const ssize_t ignored = ::write(stop_event, &one, sizeof one);
    errno = kept;
  }

  const ServerOptions options;
  const Clock& clock;
  std::string token;
  std::string url;
  std::filesystem::path folder;
  std::optional<HostRules> rules;
  ServerFacts facts;
  int stop_event = -1;
  bool stopped = false;
  Metrics metrics;
  std::unordered_map<sync::ConnectionId, std::int64_t> opened_ms;  // Net thread; for the log.

  // Built in this order, taken apart in the reverse one.
  std::unique_ptr<Transport> transport;
  std::unique_ptr<Auth> auth;
  std::unique_ptr<LocalHooks> hooks;
  std::unique_ptr<CoreLoop> core;
  std::unique_ptr<Attachments> attachments;
  std::unique_ptr<DiskWorker> worker;
  std::unique_ptr<WatchThread> watch;
  std::unique_ptr<HttpRouter> router;
  asio::thread_pool handlers;
  std::thread net;
  std::mutex mutex;
  std::optional<Error> failure;  // Guarded by mutex.
};

// --- Net thread ---

HeadVerdict Server::Impl::on_head(const HttpRequest& request, const Peer& peer) {
  HeadVerdict verdict;
  const std::string_view host = request.field("host").value_or("");
  if (!rules->host_allowed(host)) {
    metrics.refuse(Refusal::Host);
    verdict.refusal = refusal(403, "this server does not answer to that name; see --allow-host");
    return verdict;
  }
  const auto origin = request.field("origin");
  if (origin && !rules->origin_allowed(*origin, host, transport->port())) {
    metrics.refuse(Refusal::Origin);
    verdict.refusal =
        refusal(403, "pages of that origin may not talk to this server; see --allow-origin");
    return verdict;
  }
  if (request.websocket_upgrade && !endpoint_of(request)) {
    metrics.refuse(Refusal::NoEndpoint);
    verdict.refusal = refusal(404, "there is no WebSocket at this address");
    return verdict;
  }
  verdict.is_owner = auth->is_owner_cookie(request.field("cookie").value_or(""));
  const std::string shown = bearer_token(request).empty() ? request.query("token").value_or("")
                                                          : std::string(bearer_token(request));
  if (!verdict.is_owner && !shown.empty()) {
    const Auth::Answer answer = auth->is_owner_token(shown, peer.address);
    verdict.is_owner = answer == Auth::Answer::Yes;
    // A WebSocket is told after the upgrade, where a browser can see it.
    if (answer == Auth::Answer::TooMany && !request.websocket_upgrade) {
      metrics.refuse(Refusal::TooMany);
      verdict.refusal = refusal(429, {});
    }
  }
  if (request.websocket_upgrade && request.path() == "/sync") {
    verdict.refusal = refusal_of_sync1(request, peer, verdict.is_owner, !shown.empty());
    if (verdict.refusal) return verdict;
  }
  verdict.max_body_bytes = max_body_bytes(request.path(), verdict.is_owner);
  judge_upload(
      request, *attachments, options.max_attachment_bytes,
      [this](std::function<void()> task) { asio::post(handlers, std::move(task)); }, verdict);
  return verdict;
}

// Where the first protocol answered with an HTTP status, so do we.
std::optional<std::string> Server::Impl::refusal_of_sync1(const HttpRequest& request,
                                                          const Peer& peer, bool is_owner,
                                                          bool showed_token) {
  if (const auto code = request.query("session")) {
    sync::Share share;
    switch (auth->find_share(*code, peer.address, share)) {
      case Auth::Answer::Yes:
        return std::nullopt;
      case Auth::Answer::No:
        return refusal(404, "there is no such session");
      case Auth::Answer::TooMany:
        return refusal(429, {});
    }
  }
  if (!is_owner && showed_token) return refusal(401, "this token is not the one of this server");
  if (!is_owner || !request.query("doc"))
    return refusal(400, "either session, or doc and token are needed");
  if (names_other_workspace(request, facts.workspace_id))
    return refusal(404, "another workspace is served here");
  return std::nullopt;
}

void Server::Impl::on_close(sync::ConnectionId id) {
  if (const auto at = opened_ms.find(id); at != opened_ms.end()) {
    log(LogLevel::Info, "ws", "closed",
        {{"connection", number(id)}, {"duration_ms", clock.steady_ms() - at->second}});
    opened_ms.erase(at);
  }
  core->disconnect(id);
}

void Server::Impl::on_refused(int status) {
  metrics.refuse(status == 408   ? Refusal::TooSlow
                 : status == 503 ? Refusal::Stopping
                                 : Refusal::Malformed);
  log(LogLevel::Info, "http", "refused", {{"status", status}});
}

void Server::Impl::answered(const HttpRouter::Answered& answer) {
  metrics.answered(answer.status, answer.duration_us);
  log(LogLevel::Debug, "http", "answered",
      {{"connection", number(answer.exchange.connection)},
       {"method", answer.exchange.request.method},
       {"route", answer.pattern},
       {"status", answer.status},
       {"owner", answer.exchange.is_owner ? 1 : 0},
       {"duration_us", static_cast<std::int64_t>(answer.duration_us)}});
}

void Server::Impl::on_request(std::shared_ptr<Exchange> exchange) {
  asio::post(handlers, [this, exchange = std::move(exchange)] { router->handle(*exchange); });
}

void Server::Impl::turn_away(sync::ConnectionId id, bool understands_texts, sync::CloseCode code,
                             std::string_view name, std::string_view message) {
  const Refusal reason = code == sync::CloseCode::TooMany      ? Refusal::TooMany
                         : code == sync::CloseCode::OtherEpoch ? Refusal::OtherEpoch
                                                               : Refusal::NotAuthenticated;
  metrics.refuse(reason);
  log(LogLevel::Info, "ws", "turned away",
      {{"connection", number(id)}, {"reason", to_string(reason)}});
  if (understands_texts) {
    const OrderedJson text{
        {"type", "error"}, {"code", name}, {"doc", nullptr}, {"message", message}};
    transport->send_text(id, dump_json(text));
  }
  transport->close(id, static_cast<std::uint16_t>(code), message);
}

std::optional<sync::Visitor> Server::Impl::visitor_of(const HttpRequest& handshake,
                                                      const Peer& peer, bool is_owner,
                                                      Auth::Answer& answer) {
  sync::Visitor visitor{.principal = {},
                        .endpoint = endpoint_of(handshake).value_or(sync::Endpoint{}),
                        .address = peer.address};
  if (const auto code = handshake.query("session")) {
    // With a code even the owner comes as a guest: that is what the code's link means.
    sync::Share share;
    answer = auth->find_share(*code, peer.address, share);
    if (answer != Auth::Answer::Yes) return std::nullopt;
    visitor.principal = guest_of(share, handshake.query("guest_id").value_or(""));
    return visitor;
  }
  if (is_owner) {
    visitor.principal = owner();
    return visitor;
  }
  answer = Auth::Answer::No;
  if (visitor.endpoint.dialect != sync::DialectKind::Hocuspocus) return std::nullopt;
  visitor.is_known = false;
  return visitor;
}

void Server::Impl::on_open(sync::ConnectionId id, const HttpRequest& handshake, const Peer& peer,
                           bool is_owner) {
  Auth::Answer answer = Auth::Answer::No;
  auto visitor = visitor_of(handshake, peer, is_owner, answer);
  const bool texts = handshake.path() == "/sync2" || handshake.path() == "/sync";
  if (!visitor) {
    if (answer == Auth::Answer::TooMany) {
      return turn_away(id, texts, sync::CloseCode::TooMany, error_name(429),
                       "too many failed attempts; wait a minute");
    }
    return turn_away(id, texts, sync::CloseCode::NotAuthenticated, error_name(401),
                     "open the address that serve printed, or send its token");
  }
  const auto epoch = handshake.query("epoch");
  if (epoch && *epoch != facts.epoch) {
    return turn_away(
        id, texts, sync::CloseCode::OtherEpoch, "other_epoch",
        "the workspace was rebuilt since; start afresh, and keep a copy of what only you have");
  }
  log(LogLevel::Info, "ws", "opened",
      {{"connection", number(id)},
       {"user", visitor->principal.user_id},
       {"address", peer.address},
       {"endpoint", handshake.path().substr(0, handshake.path().find('/', 1))}});
  if (log_enabled(LogLevel::Info)) opened_ms.emplace(id, clock.steady_ms());
  core->connect(id, *std::move(visitor));
}

// --- Start ---

Status Server::Impl::listen() {
  DX_TRY(auto made, HostRules::make(options.host, options.allow_hosts, options.allow_origins));
  rules = std::move(made);
  if (token.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
    return Error{ErrorCode::InvalidArgument, "token: must be one line of text"};
  }
  if (token.size() < kShortToken) {
    log(LogLevel::Warning, "serve",
        "the token is shorter than 22 characters: easy to type, easier to guess");
  }
  if (!is_loopback_address(options.host)) {
    log(LogLevel::Warning, "serve",
        "listening on " + options.host +
            ": everybody on that network can try the token, and reads along what is sent");
  }
  const unsigned last = options.port_fixed || options.port == 0
                            ? options.port
                            : std::min(options.port + unsigned{kPortsToTry}, 65'535U);
  for (unsigned port = options.port;; ++port) {
    auto listening =
        Transport::listen(options.host, static_cast<std::uint16_t>(port), {}, *this, clock);
    if (listening) {
      transport = std::move(*listening);
      return {};
    }
    if (listening.error().code != ErrorCode::Busy || port >= last)
      return std::move(listening).error();
  }
}

void Server::Impl::build(std::unique_ptr<Workspace> workspace, sync::FirstLook::Found look) {
  CoreLoop::Sinks sinks;
  sinks.tell = [this](sync::Turn turn, std::vector<Handled> handled) {
    for (const sync::Closing& closing : turn.closes) {
      metrics.closed_by_us.add();
      log(LogLevel::Info, "ws", "closing",
          {{"connection", number(closing.connection)},
           {"code", static_cast<std::int64_t>(closing.code)},
           {"reason", closing.reason}});
    }
    transport->deliver(std::move(turn), std::move(handled));
  };
  sinks.work = [this](std::vector<sync::DiskTask> tasks) { worker->add(std::move(tasks)); };
  sinks.broken = [this](const Error& error) { give_up(error); };
  sinks.shares = [this](std::vector<sync::Share> shares) { auth->set_shares(std::move(shares)); };
  hooks = std::make_unique<LocalHooks>(*auth);
  workspace->hub().use_hooks(*hooks);
  core = std::make_unique<CoreLoop>(std::move(workspace), clock, std::move(sinks));
  worker = std::make_unique<DiskWorker>(
      std::move(look.files), std::move(look.listed),
      [this](sync::DiskResult result) { core->disk_done(std::move(result)); });
  watch = std::make_unique<WatchThread>(std::move(look.watch),
                                        WatchThread::Sinks{[this](std::set<WorkspacePath> paths) {
                                                             core->paths_changed(std::move(paths));
                                                           },
                                                           [this] { core->rescan(); }});
  router = std::make_unique<HttpRouter>();
  const RouteParts parts{facts, clock, *auth, *core, *transport, *attachments, *watch};
  add_routes(*router, parts);
  add_share_routes(*router, parts);
  add_validate_routes(*router, parts);
  add_file_routes(*router, parts);
  add_raw_routes(*router, parts);
  add_attachment_routes(*router, parts);
  add_history_routes(*router, parts, folder.parent_path());
  add_metrics_routes(*router, parts, metrics, *worker);
  router->on_answer([this](const HttpRouter::Answered& answer) { answered(answer); });
  router->may_read([this](const HttpRequest& request, const Peer& peer) {
    const auto code = request.query("session");
    if (!code) return 401;
    sync::Share share;
    const Auth::Answer answer = auth->find_share(*code, peer.address, share);
    return answer == Auth::Answer::Yes ? 200 : answer == Auth::Answer::TooMany ? 429 : 401;
  });
  add_editor_routes(*router, editor_assets());
  add_document_routes(*router, api_documents());
}

Status Server::Impl::go() {
  core->start();
  worker->start();
  watch->start();
  if (auto settled = core->settle(true, kFirstSettleMs); !settled) return settled;
  net = std::thread([this] {
    name_this_thread("net");
    try {
      transport->run();
    } catch (const std::exception& e) {
      give_up(Error{ErrorCode::Io, std::string("the network thread ended: ") + e.what()});
    }
  });
  storage::ServerInfo info;
  info.pid = ::getpid();
  info.host = options.host;
  info.port = transport->port();
  info.token = token;
  info.workspace_id = facts.workspace_id;
  info.epoch = facts.epoch;
  info.started_ms = facts.started_ms;
  return storage::write_server_info(folder, info);
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Server::~Server() {
  if (impl_) (void)impl_->stop();  // Whoever wanted to know has called wait_until_stopped().
}

Result<std::unique_ptr<Server>> Server::start(std::unique_ptr<Workspace> workspace,
                                              const ServerOptions& options, const Clock& clock,
                                              Random& random) {
  raise_file_limit();
  ServerOptions chosen = options;
  // One address, and not whatever the name resolves to on the client's side.
  if (chosen.host == "localhost") chosen.host = "127.0.0.1";
  auto impl = std::make_unique<Impl>(chosen, clock);
  impl->token = options.token.empty() ? Auth::make_token(random) : options.token;
  DX_TRY_OK(impl->listen());
  impl->stop_event = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (impl->stop_event < 0) return Error{ErrorCode::Io, "eventfd: no more files can be opened"};
  const WorkspaceInfo info = workspace->info();
  impl->folder = info.root / ".diaryx";
  impl->facts = {.workspace_id = info.workspace_id,
                 .epoch = info.epoch,
                 .root_name = info.root.filename().string(),
                 .started_ms = clock.wall_ms(),
                 .started_steady_ms = clock.steady_ms(),
                 .write_back = options.write_back};
  const std::uint16_t port = impl->transport->port();
  impl->auth = std::make_unique<Auth>(impl->token, "diaryx_" + std::to_string(port), clock);
  impl->url = url_of(chosen.host, port, impl->token);
  DX_TRY(auto shown_files, filesystem::DiskTree::open(info.root));
  impl->attachments = std::make_unique<Attachments>(std::move(shown_files));
  DX_TRY(auto look, workspace->take_first_look());
  impl->build(std::move(workspace), std::move(look));
  std::unique_ptr<Server> server(new Server(std::move(impl)));
  DX_TRY_OK(server->impl_->go());
  return server;
}

std::vector<std::pair<std::string, std::string>> Server::routes() const {
  std::vector<std::pair<std::string, std::string>> out;
  for (const HttpRouter::Route& route : impl_->router->routes())
    out.emplace_back(route.method, route.pattern);
  return out;
}

const std::string& Server::url() const {
  return impl_->url;
}
std::uint16_t Server::port() const {
  return impl_->transport->port();
}
const std::string& Server::token() const {
  return impl_->token;
}

// --- Stop ---

void Server::Impl::give_up(const Error& error) {
  log(LogLevel::Error, "serve", error.message);
  {
    const std::lock_guard lock(mutex);
    if (!failure) failure = error;
  }
  signal_stop();
}

void Server::request_stop() noexcept {
  impl_->signal_stop();
}

Status Server::wait_until_stopped() {
  pollfd waiting{impl_->stop_event, POLLIN, 0};
  while (::poll(&waiting, 1, -1) < 0 && errno == EINTR) {
  }
  return impl_->stop();
}

Status Server::Impl::stop() {
  if (std::exchange(stopped, true)) return {};
  transport->stop_accepting();
  watch->stop();
  core->give_up_waiting();
  // A flush that fails or takes too long loses nothing: the store has it, and the next start writes
  // it.
  if (const auto flushed = core->settle(false, kFlushMs); !flushed) {
    log(LogLevel::Warning, "serve",
        "not everything is on disk yet; the next start writes the rest");
  }
  transport->close_all(static_cast<std::uint16_t>(sync::CloseCode::GoingAway),
                       "the server is stopping");
  const std::int64_t goodbye = clock.steady_ms() + kGoodbyeMs;
  while (net.joinable() && transport->open_connections() > 0 && clock.steady_ms() < goodbye) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  (void)core->settle(false, kLastFlushMs);  // What came with the last words; as above.
  transport->stop();
  if (net.joinable()) net.join();
  handlers.join();
  worker->stop();
  std::unique_ptr<Workspace> workspace = core->stop();
  const std::lock_guard lock(mutex);
  // After a failure nobody knows what the documents in memory are worth: they are not written.
  Status closed = workspace && !failure ? workspace->close() : Status();
  storage::remove_server_info(folder);
  workspace.reset();
  if (failure) return *failure;
  return closed;
}

}  // namespace diaryx::web
