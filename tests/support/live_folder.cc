#include "tests/support/live_folder.h"

#include <filesystem>
#include <utility>

namespace diaryx::test {

LiveFolder::LiveFolder(StoreIn store, const sync::Limits& limits)
    : files(std::move(*filesystem::DiskTree::open(dir.path()))),
      world(
          *files, 1,
          [&]() -> std::string {
            if (store == StoreIn::Memory) return ":memory:";
            std::filesystem::create_directory(dir.path() / ".diaryx");
            return store_file;
          }(),
          true, limits) {}

bool told(const Peer& peer, std::string_view type, std::string_view field, const Json& value) {
  for (const std::string& text : peer.texts) {
    const auto json = parse_json(text);
    if (!json || json->value("type", "") != type) continue;
    if (field.empty() || (json->contains(field) && (*json)[std::string(field)] == value))
      return true;
  }
  return false;
}

}  // namespace diaryx::test
