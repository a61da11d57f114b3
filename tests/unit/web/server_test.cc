// The real server on a real folder: HTTP, the door, the two ways between disk and sockets, and the
// end.
#include "web/server.h"

#include <chrono>
#include <mutex>
#include <thread>

#include <doctest/doctest.h>

#include "engine/base/json.h"
#include "engine/base/log.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/web/client.h"
#include "web/assets.h"

using namespace diaryx;
using namespace diaryx::web;
using namespace std::chrono_literals;
using test::Client;

namespace {

constexpr const char* kToken = "tests-know-this-token-0123456789";

class Serving {
 public:
  explicit Serving(ServerOptions options = {}) {
    folder.write("README.md", "---\ntitle: Home\ncontents:\n  - a.md\n---\nWelcome.\n");
    folder.write("a.md", "---\ntitle: A\npart_of: README.md\n---\nText of a.\n");
    folder.write("pictures/dot é.png", "not really a picture");
    folder.write("page.html", "<script>alert(1)</script>");
    start(std::move(options));
  }
  void start(ServerOptions options = {}) {
    if (options.token.empty()) options.token = kToken;
    auto workspace =
        Workspace::open({.root = folder.path(), .access = Access::Create}, clock_, random_);
    REQUIRE(workspace);
    auto started = Server::start(std::move(*workspace), options, clock_, random_);
    REQUIRE_MESSAGE(started, (started ? "" : started.error().message));
    server_ = std::move(*started);
  }
  Status stop() {
    server_->request_stop();
    return server_->wait_until_stopped();
  }
  std::uint16_t port() const { return server_->port(); }
  Server& server() { return *server_; }

  std::optional<test::Response> get(std::string_view target, std::string_view fields = {}) const {
    return test::get(port(), target, fields);
  }
  // As the owner.
  test::Response ask(std::string_view method, std::string_view target,
                     std::string_view body = {}) const {
    auto response = test::request(port(), method, target, body,
                                  std::string("Authorization: Bearer ") + kToken + "\r\n");
    REQUIRE(response);
    return *response;
  }
  Json ask_json(std::string_view method, std::string_view target,
                std::string_view body = {}) const {
    const test::Response response = ask(method, target, body);
    CHECK(response.status == 200);
    auto value = parse_json(response.body);
    REQUIRE(value);
    return *value;
  }
  std::string workspace_id() const { return ask_json("GET", "/api/status")["workspace_id"]; }

  test::TempDir folder;

 private:
  SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<Server> server_;
};

// [len][id][payload]
std::string frame_of(std::string_view id, std::string_view payload) {
  std::string out(1, static_cast<char>(id.size()));
  out.append(id).append(payload);
  return test::binary_frame(out);
}
constexpr std::string_view kStep1("\x00\x00\x01\x00", 4);  // SyncStep1, empty state vector.

template <class Condition>
bool eventually(Condition condition, int wait_ms = 10'000) {
  for (int waited = 0; waited < wait_ms; waited += 10) {
    if (condition()) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

// Frames until `wanted` finds what it looks for; nothing if it does not come.
template <class Wanted>
std::optional<test::ServerFrame> await(Client& client, Wanted wanted) {
  while (auto frame = client.frame()) {
    if (wanted(*frame)) return frame;
  }
  return std::nullopt;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_SUITE("web/server") {
  TEST_CASE("the owner is told what is served, strangers are told nothing") {
    Serving serving;
    const Json status = serving.ask_json("GET", "/api/status");
    CHECK(status["files"] == 2);
    CHECK(status["root"] == serving.folder.path().filename().string());
    CHECK(status["pending"].empty());
    CHECK(status["write_back"] == true);
    const Json files = serving.ask_json("GET", "/api/files");
    REQUIRE(files["files"].size() == 2);
    CHECK(files["files"][1]["path"] == "a.md");
    CHECK(files["files"][1]["metadata"]["title"] == "A");
    for (const char* target :
         {"/api/status", "/api/files", "/api/validate", "/attachments/pictures/x.png"}) {
      CAPTURE(target);
      const auto response = serving.get(target);
      REQUIRE(response);
      CHECK(response->status == 401);
      CHECK_FALSE(contains(response->body, "README"));
    }
    CHECK(serving.get("/api/status", "Authorization: Bearer wrong\r\n")->status == 401);
    CHECK(serving.get("/api/status?token=wrong")->status == 401);
    CHECK(serving.get(std::string("/api/status?token=") + kToken)->status == 200);
    CHECK(test::request(serving.port(), "POST", "/api/reconcile", "{}")->status == 401);
    CHECK(serving.get("/api/health")->body == "ok");
    CHECK(serving.ask_json("GET", "/api/validate")["files"] == 2);
    CHECK(serving.ask("DELETE", "/api/status").status == 405);
    CHECK(serving.ask("GET", "/sync2").status == 426);
    CHECK(serving.ask("GET", "/attachments/" + std::string(4'000, 'x')).status == 404);
  }

  TEST_CASE("the token buys a cookie that opens HTTP and the WebSocket, until it is handed back") {
    Serving serving;
    CHECK(test::request(serving.port(), "POST", "/api/login", "{\"token\":\"wrong\"}")->status ==
          401);
    CHECK(test::request(serving.port(), "POST", "/api/login", "nonsense")->status == 400);
    CHECK(test::request(serving.port(), "POST", "/api/login", std::string(5'000, 'x'))->status ==
          413);
    const auto login = test::request(serving.port(), "POST", "/api/login",
                                     std::string("{\"token\":\"") + kToken + "\"}");
    REQUIRE(login);
    CHECK(login->status == 200);
    const std::string set = login->field("set-cookie");
    CHECK(contains(set, "HttpOnly"));
    CHECK(contains(set, "SameSite=Strict"));
    CHECK(contains(set, "diaryx_" + std::to_string(serving.port()) + "="));
    const std::string cookie = "Cookie: " + set.substr(0, set.find(';')) + "\r\n";
    CHECK(serving.get("/api/status", cookie)->status == 200);
    {
      Client socket(serving.port());
      REQUIRE(socket.upgrade("/sync2", cookie)->status == 101);
      REQUIRE(socket.send(frame_of("workspace:" + serving.workspace_id(), kStep1)));
      CHECK(await(socket,
                  [](const auto& frame) { return contains(frame.payload, "file_manifest"); }));
    }
    const auto logout = test::request(serving.port(), "POST", "/api/logout", "{}", cookie);
    CHECK(contains(logout->field("set-cookie"), "Max-Age=0"));
    CHECK(serving.get("/api/status", cookie)->status == 401);
  }

  TEST_CASE(
      "other names and other pages are refused before anything else, on HTTP and at the upgrade") {
    Serving serving(
        {.allow_hosts = {"notes.example"}, .allow_origins = {"https://friend.example"}});
    const std::string port = std::to_string(serving.port());
    struct Case {
      std::string host;
      std::string origin;
      int status;
    };
    const Case cases[] = {
        {"localhost:" + port, "", 101},
        {"127.0.0.1:" + port, "http://localhost:" + port, 101},
        {"notes.example", "https://notes.example", 101},
        {"localhost:" + port, "https://friend.example", 101},
        {"evil.example:" + port, "", 403},
        {"evil.example:" + port, "http://evil.example:" + port, 403},
        {"localhost:" + port, "http://evil.example", 403},
        {"localhost:" + port, "http://localhost:1", 403},
        {"localhost:" + port, "null", 403},
        {"localhost.evil.example:" + port, "", 403},
    };
    for (const Case& c : cases) {
      CAPTURE(c.host);
      CAPTURE(c.origin);
      const std::string fields =
          "Host: " + c.host + "\r\n" + (c.origin.empty() ? "" : "Origin: " + c.origin + "\r\n");
      Client socket(serving.port());
      REQUIRE(
          socket.send(std::string("GET /sync2?token=") + kToken + " HTTP/1.1\r\n" + fields +
                      "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"));
      CHECK(socket.response()->status == c.status);
      Client http(serving.port());
      REQUIRE(http.send("GET /api/health HTTP/1.1\r\nConnection: close\r\n" + fields + "\r\n"));
      CHECK(http.response()->status == (c.status == 101 ? 200 : 403));
    }
  }

  TEST_CASE("who has no right to the WebSocket is told why and closed with 4401, 4409 or 4429") {
    Serving serving;
    struct Case {
      std::string target;
      std::uint16_t code;
    };
    const Case cases[] = {{"/sync2", 4401},
                          {"/sync2?token=wrong", 4401},
                          {"/sync2?session=AAAAAAAA-AAAAAAAA", 4401},
                          {std::string("/sync2?session=AAAAAAAA-AAAAAAAA&token=") + kToken, 4401},
                          {std::string("/sync2?epoch=another&token=") + kToken, 4409}};
    for (const Case& c : cases) {
      CAPTURE(c.target);
      Client socket(serving.port());
      REQUIRE(socket.upgrade(c.target)->status == 101);
      const auto text = socket.frame();
      REQUIRE(text);
      CHECK(text->opcode == 1);
      CHECK(contains(text->payload, "\"type\":\"error\""));
      const auto close = socket.frame();
      REQUIRE(close);
      CHECK(close->close_code() == c.code);
    }
    Client elsewhere(serving.port());
    CHECK(elsewhere.upgrade("/other")->status == 404);
    for (int i = 0; i < 25; ++i) (void)serving.get("/api/sessions/AAAAAAAA-AAAAAAAA");
    CHECK(serving.get("/api/sessions/AAAAAAAA-AAAAAAAA")->status == 429);
    Client guessing(serving.port());
    REQUIRE(guessing.upgrade("/sync2?session=AAAAAAAA-AAAAAAAA")->status == 101);
    CHECK(await(guessing, [](const auto& frame) { return frame.opcode == 8; })->close_code() ==
          4429);
  }

  TEST_CASE("a join code is looked up without a secret, in any case, and lets a guest in") {
    Serving serving;
    const std::string code =
        serving.ask_json("POST", "/api/share/sessions", R"({"read_only":true})")["code"];
    std::string lower = code;
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    for (const std::string& target : {"/api/sessions/" + code, "/api/share/sessions/" + lower}) {
      const auto response = serving.get(target);
      REQUIRE(response);
      REQUIRE(response->status == 200);
      const auto value = parse_json(response->body);
      REQUIRE(value);
      CHECK((*value)["code"] == code);
      CHECK((*value)["workspace_id"] == serving.workspace_id());
      CHECK((*value)["read_only"] == true);
      CHECK((*value)["peer_count"] == 0);
    }
    const auto missing = serving.get("/api/sessions/AAAAAAAA-AAAAAAAA");
    CHECK(missing->status == 404);
    CHECK(missing->body.empty());
    Client guest(serving.port());
    REQUIRE(guest.upgrade("/sync2?guest_id=me&session=" + lower)->status == 101);
    REQUIRE(guest.send(frame_of("workspace:" + serving.workspace_id(), kStep1)));
    CHECK(
        await(guest, [](const auto& frame) { return contains(frame.payload, "session_joined"); }));
    CHECK(serving.get("/api/status", "Cookie: session=" + code + "\r\n")->status == 401);
  }

  TEST_CASE(
      "files that are no notes are shown, and nothing with which a browser would run a script") {
    Serving serving;
    const test::Response picture = serving.ask("GET", "/attachments/pictures/dot%20%C3%A9.png");
    CHECK(picture.status == 200);
    CHECK(picture.body == "not really a picture");
    CHECK(picture.field("content-type") == "image/png");
    CHECK(picture.field("content-disposition") == "inline; filename*=UTF-8''dot%20%C3%A9.png");
    CHECK(picture.field("x-content-type-options") == "nosniff");
    const auto known = test::get(serving.port(), "/attachments/pictures/dot%20%C3%A9.png",
                                 std::string("Authorization: Bearer ") + kToken +
                                     "\r\nIf-None-Match: " + picture.field("etag") + "\r\n");
    CHECK(known->status == 304);
    const test::Response page = serving.ask("GET", "/attachments/page.html");
    CHECK(page.status == 200);
    CHECK(page.field("content-type") == "application/octet-stream");
    CHECK(contains(page.field("content-disposition"), "attachment;"));
    CHECK(contains(page.field("content-security-policy"), "sandbox"));
    for (const char* target :
         {"/attachments/a.md", "/attachments/.diaryx/store.db", "/attachments/../etc/passwd",
          "/attachments/%2e%2e/%2e%2e/etc/passwd", "/attachments//etc/passwd",
          "/attachments/.git/config", "/attachments/pictures", "/attachments/%00",
          "/attachments/nothing.png"}) {
      CAPTURE(target);
      const test::Response response = serving.ask("GET", target);
      CHECK(response.status >= 400);
      CHECK_FALSE(contains(response.body, "root:"));
    }
    std::filesystem::create_symlink("/etc/passwd", serving.folder.path() / "link.txt");
    CHECK(serving.ask("GET", "/attachments/link.txt").status == 403);
  }

  TEST_CASE("a large attachment is streamed whole, and in parts") {
    Serving serving;
    std::string large;
    for (int i = 0; i < 3'000'000; ++i) large.push_back(static_cast<char>(i % 251));
    serving.folder.write("large.bin", large);
    CHECK(serving.ask("GET", "/attachments/large.bin").body == large);
    const auto part =
        test::get(serving.port(), "/attachments/large.bin",
                  std::string("Range: bytes=2999990-\r\nAuthorization: Bearer ") + kToken + "\r\n");
    CHECK(part->status == 206);
    CHECK(part->body == large.substr(2'999'990));
  }

  TEST_CASE("what changes on disk reaches a client, and what a client changes reaches the disk") {
    Serving serving;
    const std::string body = "body:" + serving.workspace_id() + "/a.md";
    Client client(serving.port());
    REQUIRE(client.upgrade(std::string("/sync2?token=") + kToken)->status == 101);
    REQUIRE(client.send(frame_of(body, kStep1)));
    CHECK(await(client, [](const auto& frame) { return contains(frame.payload, "Text of a."); }));

    serving.folder.write("a.md",
                         "---\ntitle: A\npart_of: README.md\n---\nText of a, changed by hand.\n");
    CHECK(await(client,
                [](const auto& frame) { return contains(frame.payload, "changed by hand"); }));

    // Client 1 writes "Hi" at the start of root "body": an update made by Yjs for an empty document
    // merges with any other.
    const std::string update(
        "\x00\x02\x0f\x01\x01\x01\x00\x04\x01\x04"
        "body\x02Hi\x00",
        18);
    REQUIRE(client.send(frame_of(body, update)));
    CHECK(eventually([&] { return contains(serving.folder.read("a.md"), "Hi"); }));
    CHECK(contains(serving.folder.read("a.md"), "changed by hand"));
    CHECK(contains(serving.folder.read("a.md"), "---\ntitle: A\npart_of: README.md\n---\n"));
  }

  TEST_CASE("reconcile takes in what the watcher has not, flush writes what waits") {
    Serving serving;
    serving.folder.write("new.md", "A new note.\n");
    const Json report = serving.ask_json("POST", "/api/reconcile", "{}");
    CHECK(report["files"] == 3);
    CHECK(serving.ask_json("GET", "/api/status")["files"] == 3);
    const std::string body = "body:" + serving.workspace_id() + "/new.md";
    Client client(serving.port());
    REQUIRE(client.upgrade(std::string("/sync2?token=") + kToken)->status == 101);
    const std::string update(
        "\x00\x02\x0f\x01\x01\x01\x00\x04\x01\x04"
        "body\x02Hi\x00",
        18);
    REQUIRE(client.send(frame_of(body, kStep1) + frame_of(body, update) + frame_of(body, kStep1)));
    int answers = 0;  // Of the second SyncStep1, which comes after the update is durable.
    CHECK(await(client, [&](const auto& frame) {
      return contains(frame.payload, "new.md") && contains(frame.payload, "Hi") && ++answers == 1;
    }));
    CHECK(serving.ask_json("POST", "/api/flush", "{}")["pending"].empty());
    CHECK(contains(serving.folder.read("new.md"), "Hi"));
  }

  TEST_CASE(
      "stopping writes what waits, says 1001, closes the store and leaves no sign of itself") {
    Serving serving;
    const std::string body = "body:" + serving.workspace_id() + "/a.md";
    CHECK(serving.folder.exists(".diaryx/server.json"));
    Client client(serving.port());
    REQUIRE(client.upgrade(std::string("/sync2?token=") + kToken)->status == 101);
    const std::string update(
        "\x00\x02\x0f\x01\x01\x01\x00\x04\x01\x04"
        "body\x02Hi\x00",
        18);
    REQUIRE(client.send(frame_of(body, kStep1) + frame_of(body, update) + frame_of(body, kStep1)));
    CHECK(await(client, [&](const auto& frame) { return contains(frame.payload, "Hi"); }));
    const auto start = std::chrono::steady_clock::now();
    CHECK(serving.stop());
    CHECK(std::chrono::steady_clock::now() - start < 5s);
    CHECK(await(client, [](const auto& frame) { return frame.opcode == 8; })->close_code() == 1001);
    CHECK(contains(serving.folder.read("a.md"), "Hi"));
    CHECK_FALSE(serving.folder.exists(".diaryx/server.json"));
    serving.start();  // The lock is free, the store whole.
    CHECK(serving.ask_json("GET", "/api/status")["files"] == 2);
  }

  TEST_CASE(
      "a stop that is asked for before anybody waits is not lost, and a second one does nothing") {
    Serving serving;
    serving.server().request_stop();
    serving.server().request_stop();
    CHECK(serving.server().wait_until_stopped());
    CHECK(serving.server().wait_until_stopped());
  }

  TEST_CASE("a taken port is an error where it was named, and passed over where not") {
    Serving first;
    SystemClock clock;
    SystemRandom random;
    test::TempDir folder;
    test::TempDir another;
    const auto open = [&](const test::TempDir& in) {
      auto workspace =
          Workspace::open({.root = in.path(), .access = Access::Create}, clock, random);
      REQUIRE(workspace);
      return std::move(*workspace);
    };
    const auto fixed =
        Server::start(open(folder), {.port = first.port(), .port_fixed = true}, clock, random);
    REQUIRE_FALSE(fixed);
    CHECK(fixed.error().code == ErrorCode::Busy);
    const auto next = Server::start(open(folder), {.port = first.port()}, clock, random);
    REQUIRE(next);
    CHECK((*next)->port() > first.port());
    CHECK((*next)->url() ==
          "http://127.0.0.1:" + std::to_string((*next)->port()) + "/#token=" + (*next)->token());
    CHECK_FALSE(Server::start(open(another), {.host = "not an address"}, clock, random));
    const auto named = Server::start(open(another), {.host = "localhost"}, clock, random);
    REQUIRE(named);
    CHECK((*named)->url().rfind("http://127.0.0.1:", 0) == 0);
  }

  TEST_CASE("no token and no join code ever gets into the log") {
    static std::mutex mutex;
    static std::string lines;
    set_log_sink(
        [](LogLevel, std::string_view area, std::string_view text) {
          const std::lock_guard lock(mutex);
          lines.append(area).append(": ").append(text).append("\n");
        },
        LogLevel::Debug);
    std::string code;
    {
      Serving serving;
      code = serving.ask_json("POST", "/api/share/sessions")["code"];
      (void)serving.get(std::string("/api/status?token=") + kToken);
      (void)serving.get("/api/sessions/" + code);
      (void)serving.get("/nowhere/" + code + "?token=" + kToken);
      (void)serving.ask("GET", std::string("/attachments/") + kToken);
      for (const std::string& query :
           {"token=" + std::string(kToken), "session=" + code, std::string("token=wrong")}) {
        Client socket(serving.port());
        REQUIRE(socket.upgrade("/sync2?" + query)->status == 101);
        (void)socket.send(test::text_frame("{}"));
      }
      CHECK(serving.stop());
    }
    set_log_sink({}, LogLevel::Error);
    CHECK_FALSE(lines.empty());
    CHECK_FALSE(contains(lines, kToken));
    CHECK_FALSE(contains(lines, code));
  }
}
