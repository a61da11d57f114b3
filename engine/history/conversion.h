// The bytes that git stores for a file: not always those on disk. .gitattributes, core.autocrlf and
// the attribute `ident` decide, as they do for `git add`.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/history/git.h"

namespace diaryx::history {

struct Stored {
  std::string bytes;
  // We cannot do this conversion, and why. The bytes as they are must not get into the repository
  // then: they may be what the person wanted encrypted.
  std::optional<std::string> refusal;
};

class Conversion {
 public:
  // Must not outlive the repository and the configuration.
  Conversion(git_repository* repository, git_config* config)
      : repository_(repository), config_(config) {}

  // `path` is from the top of the work tree. NotAllowed: core.safecrlf refuses it, as it would for
  // git.
  Result<Stored> to_stored(const std::string& path, std::string bytes) const;

 private:
  // What needs a program of the person's (git-lfs, git-crypt): its name.
  std::optional<std::string> external_filter(const char* attribute) const;
  Result<std::string> apply_built_in(const std::string& path, std::string bytes) const;

  git_repository* repository_;
  git_config* config_;
};

// "$Id: 1234 $" → "$Id$", wherever it stands on one line.
std::string collapse_ident(std::string_view text);

}  // namespace diaryx::history
