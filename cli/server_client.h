// Asking a running `serve` of this workspace to do what only the holder of the lock may do.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/engine.h"

namespace diaryx::cli {

// The folder in a workspace that is ours.
std::filesystem::path diaryx_dir(const std::filesystem::path& root);

// Where the person's browser finds it; without the token.
std::string server_url(const storage::ServerInfo& server);

class ServerClient {
 public:
  explicit ServerClient(storage::ServerInfo server) : server_(std::move(server)) {}

  // Nothing if no server is running on this workspace.
  static Result<std::optional<ServerClient>> find(const std::filesystem::path& root);

  const storage::ServerInfo& info() const noexcept { return server_; }

  // Disk and documents are brought together, both ways. elapsed_ms is the server's.
  Result<ReconcileReport> reconcile() const;
  // What waits for its quiet time is on disk when this returns.
  Status flush() const;
  // Mends what is safe to mend, or says what it would; takes the last mending back. As the server
  // tells it (web/validate_routes.h).
  Result<OrderedJson> mend(bool trial) const;
  Result<OrderedJson> undo_mending() const;
  // A validation that gates something was good, or was not: how many in a row were not.
  Result<std::uint64_t> count_validation(bool good) const;
  // GET /api/status, as the server tells it.
  Result<OrderedJson> status() const;
  // Share sessions, as the server tells them (web/share_routes.h). `lifetime_s` 0: until it is
  // ended.
  Result<OrderedJson> share(bool read_only, std::int64_t lifetime_s) const;
  Result<OrderedJson> shares() const;
  Status end_share(const std::string& code) const;

 private:
  Result<OrderedJson> ask(const char* method, const std::string& path, int timeout_s,
                          const std::string& body = "{}") const;
  storage::ServerInfo server_;
};

}  // namespace diaryx::cli
