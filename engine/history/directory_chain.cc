#include "engine/history/directory_chain.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace diaryx::history {

OpenFile::~OpenFile() {
  if (fd_ >= 0) (void)close(fd_);  // Only ever read from.
}

Result<DirectoryChain> DirectoryChain::open(const std::string& root) {
  OpenFile folder(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (folder.fd() < 0) return Error{ErrorCode::Io, root + ": " + std::strerror(errno)};
  return DirectoryChain(std::move(folder));
}

DirectoryChain::Parent DirectoryChain::parent_of(std::string_view path) {
  std::size_t depth = 0;  // Links that are on the way.
  for (;;) {
    const std::size_t slash = path.find('/');
    if (slash == std::string_view::npos) break;
    const std::string_view name = path.substr(0, slash);
    path.remove_prefix(slash + 1);
    if (depth < links_.size() && links_[depth].name == name) {
      ++depth;
      continue;
    }
    while (links_.size() > depth) links_.pop_back();
    const int above = depth == 0 ? root_.fd() : links_.back().folder.fd();
    std::string text(name);
    OpenFile folder(openat(above, text.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (folder.fd() < 0) return Parent{-1, errno, false};
    struct stat info = {};
    const bool own_git = fstatat(folder.fd(), ".git", &info, AT_SYMLINK_NOFOLLOW) == 0;
    const bool nested = own_git || (depth > 0 && links_.back().nested_repository);
    links_.push_back(Link{std::move(text), std::move(folder), nested});
    ++depth;
  }
  while (links_.size() > depth) links_.pop_back();
  if (links_.empty()) return Parent{root_.fd(), 0, false};
  return Parent{links_.back().folder.fd(), 0, links_.back().nested_repository};
}

}  // namespace diaryx::history
