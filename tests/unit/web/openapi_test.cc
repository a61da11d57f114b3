// docs/openapi.json names every route of the server, and no other.
#include <regex>
#include <set>

#include <doctest/doctest.h>

#include "engine/base/json.h"
#include "tests/support/temp_dir.h"
#include "web/assets.h"
#include "web/server.h"

using namespace diaryx;
using namespace diaryx::web;

namespace {

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

// "/api/files/{id}" → "/api/files/x"
std::string example_of(const std::string& path) {
  return std::regex_replace(path, std::regex("\\{[a-z]+\\}"), "x");
}

}  // namespace

TEST_SUITE("web/openapi") {
  TEST_CASE("every route is documented, and everything documented is a route") {
    test::TempDir folder;
    folder.write("README.md", "x\n");
    SystemClock clock;
    SystemRandom random;
    auto workspace =
        Workspace::open({.root = folder.path(), .access = Access::Create}, clock, random);
    REQUIRE(workspace);
    const auto server = Server::start(std::move(*workspace), {}, clock, random);
    REQUIRE(server);
    REQUIRE(api_documents().size() == 1);
    const auto document = parse_json(api_documents()[0].plain);
    REQUIRE(document);
    const auto routes = (*server)->routes();
    REQUIRE(routes.size() > 30);
    std::set<std::size_t> reached;
    for (const auto& [path, methods] : (*document)["paths"].items()) {
      const std::string example = example_of(path);
      // Without the editor its parts are not there.
      const bool optional = editor_assets().empty() && path.find("/api/") != 0;
      for (const auto& [method, operation] : methods.items()) {
        CAPTURE(method + " " + path);
        bool found = false;
        // As cpp-httplib does it: the first that fits.
        for (std::size_t i = 0; i < routes.size() && !found; ++i) {
          found = routes[i].first == upper(method) &&
                  std::regex_match(example, std::regex(routes[i].second));
          if (found) reached.insert(i);
        }
        CHECK((found || optional));
      }
    }
    for (std::size_t i = 0; i < routes.size(); ++i) {
      CAPTURE(routes[i].first + " " + routes[i].second);
      CHECK(reached.count(i) == 1);
    }
    (*server)->request_stop();
    CHECK((*server)->wait_until_stopped());
  }
}
