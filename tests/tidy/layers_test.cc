// Who may include whom: the table of docs/architecture.md, held to by every #include line of
// engine/, web/ and cli/.
#include <map>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/tidy/source_tree.h"

namespace diaryx::test {
namespace {

const std::set<std::string> kAllOfEngine = {"base",    "codec",      "crdt",      "protocol",
                                            "storage", "filesystem", "workspace", "history",
                                            "sync",    "engine"};

// A module may include itself and these.
const std::map<std::string, std::set<std::string>> kMayInclude = {
    {"base", {}},
    {"codec", {"base"}},
    {"storage", {"base"}},
    {"filesystem", {"base"}},
    {"crdt", {"codec", "base"}},
    {"protocol", {"codec", "base"}},
    {"workspace", {"crdt", "codec", "base"}},
    {"history", {"storage", "filesystem", "base"}},
    {"sync", {"workspace", "protocol", "crdt", "codec", "storage", "filesystem", "base"}},
    {"engine", kAllOfEngine},
    {"web", {"engine", "sync", "filesystem", "base"}},
    {"cli",
     {"engine", "web/server.h", "filesystem/export.h", "filesystem/trash.h", "filesystem/zip.h",
      "base"}},
};

// Third-party headers have one home.
const std::map<std::string, std::set<std::string>> kHomes = {
    {"sqlite3.h", {"storage"}}, {"git2", {"history"}},
    {"yaml.h", {"workspace"}},  {"utf8proc.h", {"workspace"}},
    {"zip.h", {"filesystem"}},  {"openssl", {"base", "web", "history"}},
    {"wslay", {"web"}},         {"http_parser.h", {"web"}},
    {"asio", {"web"}},          {"httplib.h", {"web", "cli"}},
    {"CLI", {"cli"}},
};

// The rooms of engine/crdt, and which of them each may include beside itself. "" is crdt itself,
// with the headers that users include.
const std::map<std::string, std::set<std::string>> kCrdtRooms = {
    {"structs", {}},
    {"wire", {"structs", ""}},
    {"edit", {"structs", "wire", ""}},
    {"", {"structs", "wire", "edit"}},
};
// What rooms below may know of crdt itself: identifiers.
const std::set<std::string> kCrdtGround = {"engine/crdt/id.h"};

// "engine/sync/hub.h" → "sync"; "engine/engine.h" → "engine"; "web/server.h" → "web".
std::string module_of(const std::string& path) {
  const std::size_t first = path.find('/');
  if (path.compare(0, first, "engine") != 0) return path.substr(0, first);
  const std::size_t second = path.find('/', first + 1);
  return second == std::string::npos ? "engine" : path.substr(first + 1, second - first - 1);
}

// "engine/crdt/structs/item.h" → "structs"; "engine/crdt/doc.h" → "".
std::string crdt_room_of(const std::string& path) {
  const std::string below = path.substr(std::string("engine/crdt/").size());
  const std::size_t slash = below.find('/');
  return slash == std::string::npos ? "" : below.substr(0, slash);
}

bool allowed(const std::string& from_path, const std::string& included) {
  const std::string from = module_of(from_path);
  const std::string to = module_of(included);
  if (from == "crdt" && to == "crdt" && kCrdtGround.count(included) == 0) {
    const std::string room = crdt_room_of(from_path);
    const std::string other = crdt_room_of(included);
    return room == other || kCrdtRooms.at(room).count(other) > 0;
  }
  if (from == to) return true;
  const auto& may = kMayInclude.at(from);
  const std::string below_engine =
      included.rfind("engine/", 0) == 0 ? included.substr(7) : included;
  return may.count(to) > 0 || may.count(below_engine) > 0;
}

std::vector<std::string> violations(const SourceFile& file) {
  std::vector<std::string> out;
  const std::string from = module_of(file.path);
  const std::vector<std::string> lines = lines_of(file.text);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].rfind("#include ", 0) != 0 || lines[i].size() < 11) continue;
    const std::string where = file.path + ":" + std::to_string(i + 1) + ": ";
    const std::string name = lines[i].substr(10, lines[i].find_first_of("\">", 10) - 10);
    if (lines[i][9] == '"') {
      if (name.find('/') == std::string::npos || name.rfind("..", 0) == 0) {
        out.push_back(where + "include from the root of the repository: " + name);
      } else if (name.rfind("tests/", 0) == 0 || !allowed(file.path, name)) {
        out.push_back(where + from + " may not include " + name);
      }
      continue;
    }
    const auto home = kHomes.find(name.substr(0, name.find('/')));
    if (home != kHomes.end() && home->second.count(from) == 0) {
      out.push_back(where + from + " is not the home of <" + name + ">");
    }
  }
  return out;
}

}  // namespace

TEST_SUITE("tidy/layers") {
  TEST_CASE("every include follows the table") {
    const auto files = source_files({"engine", "web", "cli"}, {".h", ".cc", ".in"});
    REQUIRE(files.size() > 30);
    for (const SourceFile& file : files) {
      CAPTURE(file.path);
      CHECK(kMayInclude.count(module_of(file.path)) == 1);
      for (const std::string& what : violations(file)) FAIL_CHECK(what);
    }
  }

  TEST_CASE("an include that goes up, sideways or around the front door is found") {
    const auto found = [](const char* path, const char* line) { return violations({path, line}); };
    CHECK(found("engine/workspace/tree.cc", "#include \"engine/sync/hub.h\"") ==
          std::vector<std::string>{
              "engine/workspace/tree.cc:1: workspace may not include engine/sync/hub.h"});
    CHECK(found("engine/protocol/frame.cc", "#include \"engine/crdt/doc.h\"").size() == 1);
    CHECK(found("engine/base/hash.cc", "#include \"engine/codec/reader.h\"").size() == 1);
    CHECK(found("web/server.cc", "#include \"engine/crdt/doc.h\"").size() == 1);
    CHECK(found("engine/crdt/structs/item.h", "#include \"engine/crdt/state.h\"").size() == 1);
    CHECK(found("engine/crdt/wire/decode.cc", "#include \"engine/crdt/edit/apply.h\"").size() == 1);
    CHECK(found("cli/main.cc", "#include \"web/connection.h\"").size() == 1);
    CHECK(found("cli/main.cc", "#include \"engine/filesystem/disk_tree.h\"").size() == 1);
    CHECK(found("engine/sync/hub.cc", "#include \"hub.h\"").size() == 1);
    CHECK(found("engine/sync/hub.cc", "#include \"tests/support/hex.h\"").size() == 1);
    CHECK(found("engine/sync/hub.cc", "#include <sqlite3.h>").size() == 1);
    CHECK(found("engine/crdt/doc.cc", "#include <git2/commit.h>").size() == 1);
  }

  TEST_CASE("what the table allows is not complained about") {
    const auto found = [](const char* path, const char* line) {
      return violations({path, line}).size();
    };
    CHECK(found("engine/sync/hub.cc", "#include \"engine/sync/hub.h\"") == 0);
    CHECK(found("engine/sync/hub.cc", "#include \"engine/workspace/render.h\"") == 0);
    CHECK(found("engine/crdt/structs/item.h", "#include \"engine/crdt/id.h\"") == 0);
    CHECK(found("engine/crdt/wire/decode.cc", "#include \"engine/crdt/structs/item.h\"") == 0);
    CHECK(found("cli/serve.cc", "#include \"web/server.h\"") == 0);
    CHECK(found("cli/materialise.cc", "#include \"engine/filesystem/export.h\"") == 0);
    CHECK(found("web/server.cc", "#include \"engine/engine.h\"") == 0);
    CHECK(found("engine/storage/sqlite.cc", "#include <sqlite3.h>") == 0);
    CHECK(found("engine/base/json.cc", "#include <nlohmann/json.hpp>") == 0);
  }
}

}  // namespace diaryx::test
