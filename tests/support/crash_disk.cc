#include "tests/support/crash_disk.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "engine/base/check.h"

namespace diaryx::test {
namespace {

// What a disk writes whole or not at all.
constexpr std::size_t kSector = 512;

using NameMap = std::map<std::pair<std::uint64_t, std::string>, std::uint64_t>;

void apply_names(NameMap& names, const std::vector<CrashDisk::Name>& changes) {
  for (const CrashDisk::Name& change : changes) {
    if (change.inode == 0) {
      names.erase({change.folder, change.name});
    } else {
      names[{change.folder, change.name}] = change.inode;
    }
  }
}

}  // namespace

const char* to_string(Loss loss) noexcept {
  switch (loss) {
    case Loss::Nothing:
      return "nothing lost";
    case Loss::Everything:
      return "all lost that was not synced";
    case Loss::Torn:
      return "the last write torn";
    case Loss::Random:
      return "lost by chance";
  }
  return "";
}

CrashDisk::CrashDisk(const DiskImage& image) {
  const auto place = [&](const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos
               ? std::pair(kRoot, path)
               : std::pair(image.folders.at(path.substr(0, slash)), path.substr(slash + 1));
  };
  std::vector<Name> names;
  for (const auto& [path, inode] : image.folders) {
    const auto [folder, name] = place(path);
    names.push_back({folder, name, inode});
    folders_.insert(inode);
    last_inode_ = std::max(last_inode_, inode);
  }
  for (const auto& [path, file] : image.files) {
    const auto [folder, name] = place(path);
    names.push_back({folder, name, file.inode});
    last_inode_ = std::max(last_inode_, file.inode);
    write(file.inode, 0, file.bytes, file.mtime_ns);
    sync(file.inode);
  }
  set_names(std::move(names));
  for (const std::uint64_t folder : folders_) sync(folder);
}

std::uint64_t CrashDisk::make_inode(bool folder) {
  ++last_inode_;
  if (folder) folders_.insert(last_inode_);
  return last_inode_;
}

std::uint64_t CrashDisk::find(std::uint64_t folder, const std::string& name) const {
  const auto it = names_.find({folder, name});
  return it == names_.end() ? 0 : it->second;
}

void CrashDisk::write(std::uint64_t file, std::uint64_t offset, std::string bytes,
                      std::int64_t mtime_ns) {
  steps_.push_back({.kind = Kind::Write,
                    .inode = file,
                    .offset = offset,
                    .mtime_ns = mtime_ns,
                    .bytes = std::move(bytes),
                    .names = {}});
}

void CrashDisk::resize(std::uint64_t file, std::uint64_t size, std::int64_t mtime_ns) {
  steps_.push_back({.kind = Kind::Resize,
                    .inode = file,
                    .offset = size,
                    .mtime_ns = mtime_ns,
                    .bytes = {},
                    .names = {}});
}

void CrashDisk::sync(std::uint64_t inode) {
  steps_.push_back({.kind = Kind::Sync, .inode = inode, .bytes = {}, .names = {}});
}

void CrashDisk::set_names(std::vector<Name> names) {
  apply_names(names_, names);
  steps_.push_back({.kind = Kind::Names, .bytes = {}, .names = std::move(names)});
}

std::string CrashDisk::describe(std::size_t step) const {
  const Step& done = steps_.at(step);
  const std::uint64_t inode = done.inode - kRoot;
  switch (done.kind) {
    case Kind::Write:
      return fmt::format("write {} ({} octets at {})", inode, done.bytes.size(), done.offset);
    case Kind::Resize:
      return fmt::format("resize {} to {}", inode, done.offset);
    case Kind::Sync:
      return fmt::format("sync {}", inode);
    case Kind::Names:
      break;
  }
  std::string line = "names";
  for (const Name& name : done.names) {
    line += fmt::format(" {}/{}={}", name.folder - kRoot, name.name,
                        name.inode == 0 ? 0 : name.inode - kRoot);
  }
  return line;
}

void CrashDisk::Content::apply(const Step& step) {
  mtime_ns = step.mtime_ns;
  if (step.kind == Kind::Resize) {
    bytes.resize(step.offset);
    return;
  }
  const std::size_t end = step.offset + step.bytes.size();
  if (bytes.size() < end) bytes.resize(end);
  bytes.replace(step.offset, step.bytes.size(), step.bytes);
}

// What is safe, and what is not, after some steps.
struct CrashDisk::Replay {
  std::map<std::uint64_t, Content> safe;
  std::map<std::uint64_t, std::vector<const Step*>> unsafe;
  struct Names {
    const Step* step;
    bool safe = false;
  };
  std::vector<Names> names;

  Replay(const std::vector<Step>& steps, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) add(steps[i]);
  }

  void add(const Step& step) {
    switch (step.kind) {
      case Kind::Write:
      case Kind::Resize:
        unsafe[step.inode].push_back(&step);
        return;
      case Kind::Names:
        names.push_back({&step});
        return;
      case Kind::Sync:
        break;
    }
    if (const auto it = unsafe.find(step.inode); it != unsafe.end()) {
      for (const Step* write : it->second) safe[step.inode].apply(*write);
      unsafe.erase(it);
    }
    for (Names& change : names) {
      change.safe =
          change.safe || std::any_of(change.step->names.begin(), change.step->names.end(),
                                     [&](const Name& n) { return n.folder == step.inode; });
    }
  }
};

DiskImage CrashDisk::image(const NameMap& names, const std::map<std::uint64_t, Content>& contents,
                           const std::set<std::uint64_t>& folders) {
  DiskImage result;
  // Folders from the root down; a name in a folder that is not there is not there either.
  std::vector<std::pair<std::uint64_t, std::string>> open{{kRoot, ""}};
  while (!open.empty()) {
    const auto [folder, prefix] = std::move(open.back());
    open.pop_back();
    for (auto it = names.lower_bound({folder, ""}); it != names.end() && it->first.first == folder;
         ++it) {
      const std::string path = prefix + it->first.second;
      if (folders.contains(it->second)) {
        result.folders[path] = it->second;
        open.emplace_back(it->second, path + "/");
        continue;
      }
      DiskImage::File& file = result.files[path];
      file.inode = it->second;
      if (const auto content = contents.find(it->second); content != contents.end()) {
        file.bytes = content->second.bytes;
        file.mtime_ns = content->second.mtime_ns;
      }
    }
  }
  return result;
}

DiskImage CrashDisk::live(std::size_t steps) const {
  SeededRandom unused(0);
  return after_crash(steps, Loss::Nothing, unused);
}

DiskImage CrashDisk::after_crash(std::size_t steps, Loss loss, Random& random) const {
  DX_CHECK(steps <= steps_.size());
  Replay replay(steps_, steps);
  const bool last_is_write = steps > 0 && steps_[steps - 1].kind == Kind::Write;

  enum class Part : std::uint8_t { None, All, First, Any };
  const auto part = [&] {
    if (loss == Loss::Everything) return Part::None;
    if (loss != Loss::Random) return Part::All;
    return static_cast<Part>(random.below(4));
  };
  const auto survives = [&](Part chosen, std::size_t at, std::size_t first) {
    return chosen == Part::All || (chosen == Part::First && at < first) ||
           (chosen == Part::Any && random.below(2) == 0);
  };

  for (const auto& [inode, writes] : replay.unsafe) {
    const Part chosen = part();
    const std::size_t first = random.below(writes.size() + 1);
    Content& content = replay.safe[inode];
    for (std::size_t i = 0; i < writes.size(); ++i) {
      const Step& write = *writes[i];
      if (!survives(chosen, i, first)) continue;
      const bool torn = write.kind == Kind::Write && !write.bytes.empty() &&
                        ((loss == Loss::Torn && last_is_write && &write == &steps_[steps - 1]) ||
                         (chosen == Part::Any && random.below(4) == 0));
      if (!torn) {
        content.apply(write);
        continue;
      }
      Step piece = write;
      const std::size_t sectors = (write.bytes.size() + kSector - 1) / kSector;
      // Some whole sectors; of one that is only partly written, some octets.
      const std::size_t length =
          sectors > 1 ? random.below(sectors) * kSector : random.below(write.bytes.size());
      piece.bytes.resize(length);
      if (length > 0) content.apply(piece);
    }
  }

  NameMap names;
  const Part chosen = part();
  const std::size_t first = random.below(replay.names.size() + 1);
  for (std::size_t i = 0; i < replay.names.size(); ++i) {
    if (replay.names[i].safe || survives(chosen, i, first))
      apply_names(names, replay.names[i].step->names);
  }
  return image(names, replay.safe, folders_);
}

}  // namespace diaryx::test
