#include "engine/workspace/tree.h"

#include <doctest/doctest.h>

using namespace diaryx::workspace;
using Texts = std::vector<std::string>;

TEST_SUITE("workspace/tree") {
  TEST_CASE("the root index comes first, then what it lists depth first, then the rest by path") {
    const std::map<std::string, TreeFile> files = {
        {"README.md", {false, Texts{"[B](/b/index.md)", "a.md", "[Gone](/gone.md)", "a.md"}}},
        {"a.md", {true, std::nullopt}},
        {"b/index.md", {true, Texts{"z.md", "[Y](/b/y.md)", "../README.md"}}},
        {"b/y.md", {true, std::nullopt}},
        {"b/z.md", {true, Texts{"index.md"}}},
        {"0.md", {false, std::nullopt}},
        {"loose/x.md", {false, std::nullopt}},
    };
    const ImportOrder order = import_order(files, LinkFormat::MarkdownRoot);
    CHECK(order.root == "README.md");
    CHECK(order.paths ==
          Texts{"README.md", "b/index.md", "b/z.md", "b/y.md", "a.md", "0.md", "loose/x.md"});
    CHECK(order.linked == 5);
  }

  TEST_CASE("the root index is in the fewest folders, then shortest, then smallest") {
    const TreeFile index{false, Texts{}};
    CHECK(
        import_order({{"d/i.md", index}, {"long name.md", index}}, LinkFormat::MarkdownRoot).root ==
        "long name.md");
    CHECK(
        import_order({{"index.md", index}, {"README.md", index}}, LinkFormat::MarkdownRoot).root ==
        "index.md");
    CHECK(import_order({{"b.md", index}, {"a.md", index}}, LinkFormat::MarkdownRoot).root ==
          "a.md");
    CHECK(import_order({{"b.md", {true, Texts{}}}, {"a.md", {false, std::nullopt}}},
                       LinkFormat::MarkdownRoot)
              .root == std::nullopt);
  }

  TEST_CASE("folders without an index are taken by path") {
    const ImportOrder order = import_order({{"b.md", {}}, {"a.md", {}}}, LinkFormat::MarkdownRoot);
    CHECK(order.paths == Texts{"a.md", "b.md"});
    CHECK(order.linked == 0);
    CHECK(import_order({}, LinkFormat::MarkdownRoot).paths.empty());
  }

  TEST_CASE("links that leave the folder lead nowhere") {
    const std::map<std::string, TreeFile> files = {
        {"r.md", {false, Texts{"../etc.md", "/../etc.md", "https://x/etc.md"}}}, {"etc.md", {}}};
    CHECK(import_order(files, LinkFormat::MarkdownRoot).linked == 1);
  }

  TEST_CASE("a chain as long as the folder is walked") {
    std::map<std::string, TreeFile> files;
    const int count = 50'000;
    for (int i = 0; i < count; ++i) {
      files["n" + std::to_string(i) + ".md"] = {i > 0, Texts{"/n" + std::to_string(i + 1) + ".md"}};
    }
    CHECK(import_order(files, LinkFormat::MarkdownRoot).linked == count);
  }
}
