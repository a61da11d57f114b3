// Who commits, when, and with which words.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/history/git.h"

namespace diaryx::history {

struct Signatures {
  SignatureHandle author;
  SignatureHandle committer;
};

// As CommitOptions::author says. The times are `wall_ms` in the system's time zone, as git writes
// them. InvalidArgument: `author` is not "Name <mail>".
Result<Signatures> make_signatures(git_repository* repository,
                                   const std::optional<std::string>& author, std::int64_t wall_ms);

// As CommitOptions::message says. InvalidArgument: nothing is left of it, or it is not UTF-8, or
// holds a NUL.
Result<std::string> make_message(const std::optional<std::string>& message, std::int64_t wall_ms);

}  // namespace diaryx::history
