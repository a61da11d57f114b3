// `serve`: an opened workspace, live on one port for browsers and programs, until told to stop.
//
// Threads: net (transport.h), core (core_loop.h), the disk's two (background.h), a few for HTTP
// handlers. The caller's thread only waits.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "engine/engine.h"

namespace diaryx::web {

struct ServerOptions {
  std::string host = "127.0.0.1";  // An IP address or "localhost".
  std::uint16_t port = 0;          // 0: any free one.
  bool port_fixed = false;         // False: if it is taken, one of the next twenty.
  std::string token;               // The owner's secret; empty: a random one.
  std::vector<std::string>
      allow_hosts;  // Names we answer to besides loopback ones: "notes.example", "box.lan:8080".
  std::vector<std::string>
      allow_origins;       // Pages that may talk to us besides our own: "https://notes.example".
  bool write_back = true;  // As the workspace was opened; for /api/status.
  int handler_threads = 4;
};

class Server {
 public:
  // Listens, brings disk and documents together, and serves when it returns. `workspace` was opened
  // for writing. Clock and random must outlive the server; `random` is used here only and by the
  // workspace, on one thread at a time. Errors: Busy (port taken), NotAllowed (port),
  // InvalidArgument (host, token, names), Io.
  static Result<std::unique_ptr<Server>> start(std::unique_ptr<Workspace> workspace,
                                               const ServerOptions& options, const Clock& clock,
                                               Random& random);
  // Stops, if nobody has.
  ~Server();

  // For the person's browser: the token stands in the fragment, which no server ever sees.
  const std::string& url() const;
  std::uint16_t port() const;
  const std::string& token() const;

  // Blocks until request_stop() or until the store fails, then ends well: nothing new is let in,
  // what waits is written to disk, clients are closed with 1001, the store is closed. Within 5
  // seconds, unless the disk hangs. An error is why the server could not go on.
  Status wait_until_stopped();
  // Any thread, and signal handlers.
  void request_stop() noexcept;

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace diaryx::web
