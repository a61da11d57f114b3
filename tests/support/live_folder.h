// A world (live_world.h) on a fresh folder that goes with it: what the tests of engine/sync begin
// with.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "engine/base/json.h"
#include "engine/filesystem/disk_tree.h"
#include "tests/support/live_world.h"
#include "tests/support/temp_dir.h"

namespace diaryx::test {

struct LiveFolder {
  enum class StoreIn : std::uint8_t { Memory, File };
  explicit LiveFolder(StoreIn store = StoreIn::Memory, const sync::Limits& limits = {});

  TempDir dir;
  // StoreIn::File: beside no notes, where a workspace has it.
  std::string store_file = (dir.path() / ".diaryx" / "store.db").string();
  std::unique_ptr<filesystem::DiskTree> files;
  World world;
};

// Was the peer told a control message of this type, that has `field` with this value?
bool told(const Peer& peer, std::string_view type, std::string_view field = {},
          const Json& value = {});

}  // namespace diaryx::test
