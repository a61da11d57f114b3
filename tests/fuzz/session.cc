// What a connection may send, one message after the other, in each of the dialects and by each kind
// of visitor, to a hub with notes in it; and what REST clients may send, to all of the routes.
#include <array>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "engine/base/random.h"
#include "engine/filesystem/memory_tree.h"
#include "engine/storage/store.h"
#include "engine/sync/live.h"
#include "tests/fuzz/target.h"
#include "web/attachment_routes.h"
#include "web/auth.h"
#include "web/background.h"
#include "web/core_loop.h"
#include "web/file_routes.h"
#include "web/history_routes.h"
#include "web/raw_routes.h"
#include "web/routes.h"
#include "web/share_routes.h"
#include "web/transport.h"
#include "web/validate_routes.h"

namespace diaryx::fuzz {
namespace {

constexpr std::string_view kRoot =
    "---\ntitle: Home\ncontents:\n  - \"[A](/a.md)\"\n---\nWelcome.\n";
constexpr std::string_view kNote = "---\ntitle: A\npart_of: \"[Home](/README.md)\"\n---\nText.\n";

// --- a hub ---

// Lives through some inputs, so that they meet what earlier ones left, and then gives way to a new
// one, so that it does not grow for ever.
struct Hall {
  ManualClock clock;
  SeededRandom random{1};
  filesystem::MemoryTree files{clock};
  std::unique_ptr<storage::Store> store;
  std::unique_ptr<sync::Live> live;
  sync::ConnectionId next = 1;

  Hall() {
    files.edit("README.md", kRoot);
    files.edit("a.md", kNote);
    store = std::move(*storage::Store::open(":memory:", storage::OpenMode::Create));
    live = std::move(*sync::Live::open(
        {.workspace_id = "w", .epoch = "e", .disk = {}, .limits = {}}, *store, clock, random));
    DX_CHECK(live->settle(files, {}));
  }
  // What a guest who may only read must leave as it was.
  std::string state() {
    sync::Documents& documents = live->documents();
    std::string all(as_text(documents.workspace().doc->encode_state_as_update()));
    for (const auto& [id, record] : documents.metadata().records()) {
      const auto body = documents.body_text(id);
      all += body ? *body : std::string("?");
    }
    return all;
  }
  void turn() {
    live->tick();
    const sync::Turn turn = live->end_turn();
    for (const sync::Closing& closing : turn.closes) {
      DX_CHECK(closing.reason.size() <= 123);
      live->hub().disconnect(closing.connection);
    }
    for (sync::DiskTask& task : live->disk().take_tasks())
      live->disk().complete(sync::run_disk_task(files, std::move(task)));
  }
};

constexpr int kInputsForOne = 200;

Hall& hall() {
  static std::unique_ptr<Hall> held;
  static int inputs = 0;
  if (!held || ++inputs % kInputsForOne == 0) {
    held.reset();
    held = std::make_unique<Hall>();
  }
  return *held;
}

sync::Endpoint endpoint_from(Choices& choices) {
  constexpr std::array kKinds{sync::DialectKind::Sync2, sync::DialectKind::Sync1,
                              sync::DialectKind::YWebsocket, sync::DialectKind::Hocuspocus};
  constexpr std::array<std::string_view, 4> kDocuments{"workspace:w", "body:w/a.md",
                                                       "body:w/new.md", "body:other/a.md"};
  const std::uint8_t octet = choices.octet();
  sync::Endpoint endpoint;
  endpoint.dialect = kKinds[octet & 3U];
  endpoint.document = kDocuments[(octet >> 2U) & 3U];
  endpoint.multiplexed = (octet & 16U) != 0;
  return endpoint;
}

// --- routes ---

class Nobody final : public web::TransportEvents {
 public:
  web::HeadVerdict on_head(const web::HttpRequest&, const web::Peer&) override { return {}; }
  void on_request(std::shared_ptr<web::Exchange>) override {}
  void on_open(sync::ConnectionId, const web::HttpRequest&, const web::Peer&, bool) override {}
  void on_message(sync::ConnectionId, bool, Bytes) override {}
  void on_close(sync::ConnectionId) override {}
};

// A server without its net thread, on a folder of its own.
struct Office {
  SystemClock clock;
  SystemRandom random;
  Nobody nobody;
  std::filesystem::path folder;
  web::ServerFacts facts;
  std::unique_ptr<web::Transport> transport;
  std::unique_ptr<web::Auth> auth;
  std::unique_ptr<web::CoreLoop> core;
  std::unique_ptr<web::Attachments> attachments;
  std::unique_ptr<web::WatchThread> watch;
  web::HttpRouter router;

  Office() {
    namespace fs = std::filesystem;
    std::error_code error;
    const fs::path above =
        fs::is_directory("/dev/shm", error) ? fs::path("/dev/shm") : fs::temp_directory_path();
    folder = above / ("diaryx-fuzz-" + random.text(12, kUrlSafeAlphabet));
    DX_CHECK(fs::create_directory(folder, error));
    auto workspace = Workspace::open({.root = folder, .access = Access::Create}, clock, random);
    DX_CHECK(workspace.has_value());
    facts = {.workspace_id = "w", .epoch = "e", .root_name = "fuzz"};
    transport = std::move(*web::Transport::listen("127.0.0.1", 0, {}, nobody, clock));
    auth = std::make_unique<web::Auth>("token", "cookie", clock);
    web::CoreLoop::Sinks sinks;
    sinks.tell = [](const sync::Turn&, const std::vector<web::Handled>&) {};
    sinks.work = [](const std::vector<sync::DiskTask>&) {};
    sinks.shares = [this](std::vector<sync::Share> shares) { auth->set_shares(std::move(shares)); };
    sinks.broken = [](const Error&) { DX_CHECK(false); };
    core = std::make_unique<web::CoreLoop>(std::move(*workspace), clock, std::move(sinks));
    attachments =
        std::make_unique<web::Attachments>(std::move(*filesystem::DiskTree::open(folder)));
    // Only looked at: it does not run.
    watch = std::make_unique<web::WatchThread>(
        std::move(*filesystem::FolderWatch::open(folder, {})), web::WatchThread::Sinks{});
    const web::RouteParts parts{facts, clock, *auth, *core, *transport, *attachments, *watch};
    web::add_routes(router, parts);
    web::add_share_routes(router, parts);
    web::add_validate_routes(router, parts);
    web::add_file_routes(router, parts);
    web::add_raw_routes(router, parts);
    web::add_attachment_routes(router, parts);
    core->start();
  }
  ~Office() {
    (void)core->stop();
    std::error_code error;
    std::filesystem::remove_all(folder, error);
  }
};

Office& office() {
  static std::unique_ptr<Office> held;
  static int inputs = 0;
  if (!held || ++inputs % kInputsForOne == 0) {
    held.reset();
    held = std::make_unique<Office>();
  }
  return *held;
}

struct Address {
  const char* method;
  const char* target;
};
// Those that end in "/" go on with the input. Not reconcile and flush: there is no disk's thread
// that they could wait for.
constexpr std::array kAddresses{Address{"POST", "/api/login"},
                                Address{"POST", "/api/share/sessions"},
                                Address{"PATCH", "/api/share/sessions/"},
                                Address{"GET", "/api/sessions/"},
                                Address{"DELETE", "/api/sessions/"},
                                Address{"GET", "/api/sessions"},
                                Address{"POST", "/api/files"},
                                Address{"GET", "/api/files?"},
                                Address{"GET", "/api/files/"},
                                Address{"PATCH", "/api/files/"},
                                Address{"DELETE", "/api/files/"},
                                Address{"GET", "/api/files/by-path/"},
                                Address{"PUT", "/api/raw/"},
                                Address{"GET", "/api/raw/"},
                                Address{"GET", "/api/attachments/"},
                                Address{"DELETE", "/api/attachments/"},
                                Address{"POST", "/api/validate/fix"},
                                Address{"POST", "/api/validate/outcome"},
                                Address{"GET", "/api/status"},
                                Address{"GET", "/"}};

}  // namespace

void fuzz_session(Bytes input) {
  Choices choices(input);
  Hall& room = hall();
  const std::uint8_t who = choices.octet();
  sync::Visitor visitor;
  visitor.endpoint = endpoint_from(choices);
  visitor.is_known = (who & 1U) == 0 || visitor.endpoint.dialect != sync::DialectKind::Hocuspocus;
  std::string before;
  const bool may_only_read = (who & 2U) != 0;
  if (may_only_read) {
    const auto share = room.live->hub().create_share(true, 0);
    if (!share) return;
    visitor.principal = {.user_id = "guest:1", .is_guest = true, .read_only = true};
    visitor.principal.join_code = share->code;
    room.turn();
    before = room.state();
  } else {
    visitor.principal.user_id = "owner";
  }
  const sync::ConnectionId id = room.next++;
  room.live->hub().connect(id, std::move(visitor));
  while (!choices.empty()) {
    const std::uint8_t kind = choices.octet();
    const Bytes message = choices.part();
    if ((kind & 1U) != 0) {
      room.live->hub().receive_text(id, as_text(message));
    } else {
      room.live->hub().receive(id, message);
    }
    if ((kind & 2U) != 0) room.turn();
    if ((kind & 4U) != 0) room.clock.advance(kind * 50);
  }
  room.turn();
  DX_CHECK(room.live->documents().workspace().doc->check_invariants());
  if (may_only_read) DX_CHECK(room.state() == before);
  room.live->hub().disconnect(id);
  room.turn();
  if (may_only_read) {
    for (const sync::Share& share : room.live->hub().shares().all())
      DX_CHECK(room.live->hub().end_share(share.code));
    room.turn();
  }
}

void fuzz_rest(Bytes input) {
  Choices choices(input);
  const Address& address = kAddresses[choices.octet() % kAddresses.size()];
  const std::uint8_t flags = choices.octet();
  web::HttpRequest request;
  request.method = address.method;
  request.target = address.target;
  if (request.target.ends_with('/') || request.target.ends_with('?')) {
    // As the parser lets it through.
    for (const std::uint8_t octet : choices.part()) {
      if (octet > 0x20 && octet < 0x7f) request.target.push_back(static_cast<char>(octet));
    }
  }
  if ((flags & 1U) != 0) request.fields.push_back({"if-match", "*"});
  if ((flags & 2U) != 0) request.fields.push_back({"range", std::string(as_text(choices.part()))});
  request.body = std::string(as_text(choices.rest()));
  Office& where = office();
  web::Exchange exchange(1, std::move(request), {"127.0.0.1", 1}, (flags & 4U) == 0, [] {});
  where.router.handle(exchange);
  const std::string answer = exchange.take().octets;
  DX_CHECK(answer.starts_with("HTTP/1.1 "));
  const int status = std::atoi(answer.c_str() + 9);
  DX_CHECK(status >= 200 && status < 600);
  // Whatever was sent, it is the sender's fault and not ours.
  DX_CHECK(status != 500);
}

}  // namespace diaryx::fuzz
