// What the other programs of the simulation do.
#include <algorithm>
#include <array>
#include <utility>

#include <fmt/core.h>

#include "engine/base/check.h"
#include "engine/base/utf.h"
#include "tests/support/editors_world.h"

namespace diaryx::test {
namespace {

// Between the two halves of a save in which the file is not there, at most: less than we wait
// before we write.
constexpr std::int64_t kGapMs = 150;

// Names that are one name to some people and some file systems.
constexpr std::array<const char*, 14> kPaths = {
    "a.md",      "A.md",       "b.md",       "caf\u00e9.md",  "cafe\u0301.md",
    "sub/a.md",  "Sub/a.md",   "sub/b.md",   "sub/deep/c.md", "x.md",
    "x.md/y.md", "other/a.md", "other/z.md", "sub/deep.md"};
constexpr std::array<const char*, 5> kFolders = {"sub", "Sub", "other", "sub/deep", "elsewhere"};

bool is_markdown(const std::string& path) {
  const auto parsed = WorkspacePath::parse(path);
  return parsed && parsed->is_markdown() && !parsed->is_hidden();
}

}  // namespace

std::span<const char* const> EditorsWorld::paths() {
  return kPaths;
}

void EditorsWorld::tell(const std::string& path) {
  if (auto parsed = WorkspacePath::parse(path)) told_.insert(std::move(*parsed));
}

std::optional<std::string> EditorsWorld::some_note() {
  std::vector<std::string> paths;
  for (const auto& [path, bytes] : files_.files()) {
    const std::string& here = path;
    const bool busy = std::any_of(saves_.begin(), saves_.end(),
                                  [&](const Save& save) { return save.path == here; });
    if (is_markdown(path) && !busy) paths.push_back(path);
  }
  if (paths.empty()) return std::nullopt;
  return paths[below(paths.size())];
}

bool EditorsWorld::seen(const std::string& path) {
  const auto stamps = world_.store->ledger_stamps();
  return std::any_of(stamps->begin(), stamps->end(), [&](const storage::LedgerStamp& stamp) {
    return stamp.path == path && stamp.base_hash == sha256(as_bytes(*files_.peek(path)));
  });
}

// We believe a note to be there.
bool EditorsWorld::known_at(const std::string& path) {
  const auto stamps = world_.store->ledger_stamps();
  return std::any_of(stamps->begin(), stamps->end(),
                     [&](const storage::LedgerStamp& stamp) { return stamp.path == path; });
}

// The text of the file with one marker more, or less.
std::optional<std::string> EditorsWorld::changed(const std::string& path) {
  if (moved_.contains(path)) {
    // A file is told by its inode or its content when it turns up elsewhere. Change both, and the
    // name, while nobody looks, and it is another file.
    if (!seen(path)) return std::nullopt;
    moved_.erase(path);
  }
  std::string text = *files_.peek(path);
  const auto tags = tags_in(text);
  std::size_t body_at = 0;
  if (text.starts_with("---\n")) {
    const std::size_t end = text.find("\n---\n");
    if (end != std::string::npos) body_at = end + 5;
  }
  const auto markers = markers_in(text);
  if (!markers.empty() && one_in(4)) {
    const std::string& marker = markers[below(markers.size())];
    text.erase(text.find(marker), marker.size());
    take_out(marker, tags);
    // Out of a file that we do not know to have held it: then it seems never to have come there.
    if (!seen(path)) either_.insert(marker);
  } else {
    const std::string marker = new_marker();
    if (body_at > 4 && one_in(5)) {
      text.insert(text.find("\n---\n") + 1, fmt::format("k{}: {}\n", markers_, marker));
    } else {
      text.insert(place_in(text, body_at), marker);
    }
    put_in(marker, tags);
  }
  return text;
}

void EditorsWorld::save_changed() {
  const auto path = some_note();
  if (!path) return;
  const auto text = changed(*path);
  if (!text) return;
  const std::int64_t now = world_.clock.steady_ms();
  auto how = below(5);
  // Who saves by deleting first, twice while nobody looks, is not to be told from who deletes.
  if (how >= 3 && !known_at(*path)) how = 1;
  // Nor can it be saved where somebody makes a folder meanwhile.
  if (how > 2 && *path == "x.md") how = 1;
  switch (how) {
    case 0:
      files_.edit(*path, *text);
      break;
    case 1:
      files_.edit(*path + ".tmp", *text);
      files_.rename(*path + ".tmp", *path);
      break;
    case 2: {
      const std::uint64_t handle = files_.open_emptied(*path);
      saves_.push_back({Save::Kind::Emptied, *path, *text, handle, 0,
                        now + static_cast<std::int64_t>(below(3'000))});
      break;
    }
    case 3:
      files_.rename(*path, *path + "~");
      saves_.push_back({Save::Kind::Backup, *path, *text, 0, 0, now + kGapMs});
      break;
    default:
      files_.erase(*path);
      saves_.push_back({Save::Kind::Gap, *path, *text, 0, 0, now + kGapMs});
      break;
  }
  tell(*path);
  trace(fmt::format("{} is saved ({})", *path, how));
}

void EditorsWorld::go_on(Save& save) {
  tell(save.path);
  switch (save.kind) {
    case Save::Kind::Emptied:
      if (save.stage++ == 0) {
        files_.write_open(save.handle, save.bytes.substr(0, place_in(save.bytes, 0)));
        return;
      }
      files_.write_open(save.handle, save.bytes);
      files_.close_open(save.handle);
      break;
    case Save::Kind::Backup:
      if (save.stage++ == 0) {
        files_.edit(save.path, save.bytes);
        return;
      }
      files_.erase(save.path + "~");
      break;
    case Save::Kind::Gap:
      files_.edit(save.path, save.bytes);
      break;
  }
  save.until_ms = -1;  // Done.
  trace(save.path + ": saved to the end");
}

void EditorsWorld::finish_saves(bool all) {
  for (Save& save : saves_) {
    while (save.until_ms >= 0 && (all || save.until_ms <= world_.clock.steady_ms())) go_on(save);
  }
  std::erase_if(saves_, [](const Save& save) { return save.until_ms < 0; });
}

void EditorsWorld::save_unchanged() {
  const auto path = some_note();
  if (!path || moved_.contains(*path)) return;
  const std::string text = *files_.peek(*path);
  const auto how = below(3);
  switch (how) {
    case 0:
      files_.touch(*path);
      break;
    case 1:
      files_.edit(*path, text);
      break;
    default:
      files_.install(*path, text);
      break;
  }
  tell(*path);
  trace(fmt::format("{} is saved as it was ({})", *path, how));
}

bool EditorsWorld::may_make(const std::string& path) {
  if (files_.has(path)) return false;
  const bool busy = std::any_of(saves_.begin(), saves_.end(),
                                [&](const Save& save) { return save.path == path; });
  if (busy) return false;
  // No file where a folder must be.
  for (std::size_t slash = path.find('/'); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    if (files_.peek(path.substr(0, slash))) return false;
  }
  return true;
}

std::string EditorsWorld::new_path() {
  return kPaths[below(kPaths.size())];
}

void EditorsWorld::start_file() {
  const std::string path = new_path();
  // Who deletes a note and makes another one there while nobody looks has written it anew.
  if (!may_make(path) || known_at(path)) return;
  files_.edit(path, new_text());
  tell(path);
  trace(path + " is started");
}

void EditorsWorld::move_file() {
  const auto path = some_note();
  const std::string to = new_path();
  if (!path || !may_make(to) || !seen(*path)) return;
  files_.rename(*path, to);
  moved_.erase(*path);
  moved_.insert(to);
  tell(*path);
  tell(to);
  trace(fmt::format("{} is moved to {}", *path, to));
}

void EditorsWorld::move_folder() {
  const std::string from = kFolders[below(kFolders.size())];
  const std::string to = kFolders[below(kFolders.size())];
  if (!files_.has(from) || files_.has(to) || to.starts_with(from + "/")) return;
  if (!may_make(to)) return;
  std::vector<std::string> inside;
  for (const auto& [path, bytes] : files_.files()) {
    if (!path.starts_with(from + "/")) continue;
    if (!path.ends_with(".md")) return;  // A save in progress.
    if (is_markdown(path) && !seen(path)) return;
    inside.push_back(path);
  }
  for (const Save& save : saves_) {
    if (save.path.starts_with(from + "/") || save.path.starts_with(to + "/")) return;
  }
  files_.rename(from, to);
  for (const std::string& path : inside) {
    moved_.erase(path);
    moved_.insert(to + path.substr(from.size()));
    tell(to + path.substr(from.size()));
  }
  trace(fmt::format("{} is moved to {}", from, to));
  world_.live->disk().rescan();  // The watcher asks for it.
}

void EditorsWorld::delete_file() {
  const auto path = some_note();
  if (!path) return;
  const std::string text = *files_.peek(*path);
  doom(tags_in(text));
  // What nobody has read before it is deleted, nobody can keep.
  if (!seen(*path)) {
    for (const std::string& marker : markers_in(text)) {
      if (expected_.erase(marker) + somewhere_.erase(marker) != 0) either_.insert(marker);
    }
    // Nor know what had been taken out of it.
    const auto stamps = world_.store->ledger_stamps();
    for (const storage::LedgerStamp& stamp : *stamps) {
      if (stamp.path != *path) continue;
      for (const std::string& marker :
           markers_in(*world_.live->documents().body_text(stamp.file_id)))
        if (!expected_.contains(marker) && !somewhere_.contains(marker)) either_.insert(marker);
    }
  }
  files_.erase(*path);
  moved_.erase(*path);
  tell(*path);
  trace(*path + " is deleted");
}

void EditorsWorld::change_mode() {
  const auto path = some_note();
  if (!path) return;
  constexpr std::array<std::uint32_t, 4> kModes = {0644, 0600, 0444, 0};
  files_.set_mode(*path, kModes[below(kModes.size())]);
  tell(*path);
}

// A folder where a note may want to be.
void EditorsWorld::obstacle() {
  const std::string path = new_path();
  if (!obstacles_.empty() && one_in(2)) {
    const std::string old = *obstacles_.begin();
    obstacles_.erase(old);
    const auto files = files_.files();
    const bool used = std::any_of(files.begin(), files.end(), [&](const auto& item) {
      return item.first.starts_with(old + "/");
    });
    if (!used && !files_.peek(old)) files_.erase(old);
  } else if (may_make(path)) {
    files_.make_folder(path);
    obstacles_.insert(path);
  }
}

void EditorsWorld::program() {
  if (gone_ || files_.stopped()) return;
  if (!saves_.empty() && one_in(2)) {
    go_on(saves_[below(saves_.size())]);
    finish_saves(false);
    return;
  }
  switch (below(16)) {
    case 0:
      return start_file();
    case 1:
      return move_file();
    case 2:
      return move_folder();
    case 3:
      return delete_file();
    case 4:
      return change_mode();
    case 5:
      return obstacle();
    case 6:
    case 7:
      return save_unchanged();
    default:
      return save_changed();
  }
}

}  // namespace diaryx::test
