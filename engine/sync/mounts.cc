#include "engine/sync/mounts.h"

#include <algorithm>

#include <fmt/format.h>

namespace diaryx::sync {
namespace {

constexpr std::string_view kPrefix = "mount/";

bool is_below(std::string_view path, std::string_view folder) {
  return path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
}

bool is_listed(const filesystem::Listing& listing, const std::string& path) {
  const auto it = std::lower_bound(
      listing.files.begin(), listing.files.end(), path,
      [](const auto& file, const std::string& wanted) { return file.path.str() < wanted; });
  return it != listing.files.end() && it->path.str() == path;
}

}  // namespace

Status Mounts::load() {
  mounted_.clear();
  away_.clear();
  DX_TRY(const auto entries, documents_.store().list_meta(kPrefix));
  for (const auto& [key, value] : entries) mounted_.insert(key.substr(kPrefix.size()));
  return {};
}

void Mounts::set(const std::string& folder, bool mounted) {
  if (mounted == mounted_.contains(folder)) return;
  if (mounted) {
    mounted_.insert(folder);
  } else {
    mounted_.erase(folder);
  }
  documents_.queue([key = std::string(kPrefix) + folder, mounted](storage::Store& store) {
    return mounted ? store.set_meta(key, "1") : store.erase_meta(key);
  });
}

void Mounts::listed(const filesystem::Listing& listing, const FileTable& table) {
  away_.clear();
  const std::set<std::string, std::less<>> now(listing.mounts.begin(), listing.mounts.end());
  std::set<std::string, std::less<>> all = now;
  all.insert(mounted_.begin(), mounted_.end());
  for (const std::string& folder : all) {
    const bool is = now.contains(folder);
    if (is == mounted_.contains(folder)) {
      given_up_.erase(folder);
      continue;
    }
    std::uint64_t notes = 0;
    std::uint64_t found = 0;
    std::string probe;
    for (const auto& [id, row] : table.rows()) {
      if (!row.on_disk || !is_below(row.path, folder)) continue;
      ++notes;
      found += is_listed(listing, row.path) ? 1 : 0;
      probe = row.path;
    }
    if (notes == 0 || found != 0 || given_up_.erase(folder) != 0) {
      set(folder, is);
      continue;
    }
    away_[folder] = {
        fmt::format("{}; its {} notes do not count as deleted, and nothing is written there",
                    is ? "something is mounted on it that has none of its notes"
                       : "the file system that was mounted there is away",
                    notes),
        std::move(probe)};
  }
}

std::vector<std::pair<std::string, bool>> Mounts::above(std::string_view path) const {
  std::vector<std::pair<std::string, bool>> folders;
  for (const std::string& folder : mounted_) {
    if (is_below(path, folder)) folders.emplace_back(folder, true);
  }
  for (const auto& [folder, away] : away_) {
    if (is_below(path, folder) && !mounted_.contains(folder)) folders.emplace_back(folder, false);
  }
  return folders;
}

std::optional<std::string> Mounts::away_with(std::string_view path) const {
  for (const auto& [folder, away] : away_) {
    if (is_below(path, folder)) return folder;
  }
  return std::nullopt;
}

void Mounts::give_up(const std::string& folder) {
  if (away_.contains(folder)) given_up_.insert(folder);
}

}  // namespace diaryx::sync
