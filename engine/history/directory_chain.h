// Folders opened one inside the other from a root, so that no name on the way can be a symbolic
// link.
//
// Asked for paths in sorted order it opens each folder once.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/result.h"

namespace diaryx::history {

// An open file or folder; closed with the object.
class OpenFile {
 public:
  explicit OpenFile(int fd) : fd_(fd) {}
  OpenFile(OpenFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  OpenFile& operator=(OpenFile&&) = delete;
  ~OpenFile();
  int fd() const noexcept { return fd_; }  // -1: not open.

 private:
  int fd_;
};

class DirectoryChain {
 public:
  static Result<DirectoryChain> open(const std::string& root);

  // The folder that holds `path` (relative to the root, "/" between names). Valid until the next
  // call.
  struct Parent {
    int fd = -1;    // -1: the folder cannot be reached; `error` says why.
    int error = 0;  // errno of the refusal; ENOTDIR for a symbolic link or a file on the way.
    bool nested_repository =
        false;  // A folder below the root, on the way or at its end, has a ".git" of its own.
  };
  Parent parent_of(std::string_view path);

 private:
  struct Link {
    std::string name;
    OpenFile folder;
    bool nested_repository;
  };
  explicit DirectoryChain(OpenFile root) : root_(std::move(root)) {}

  OpenFile root_;
  std::vector<Link> links_;  // From the root down.
};

}  // namespace diaryx::history
