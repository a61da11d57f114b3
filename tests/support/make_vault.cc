// make_vault: a generated workspace from the command line. Options: vault_gen.h.
#include <cstdio>
#include <filesystem>
#include <string>

#include <CLI/CLI.hpp>

#include "tests/support/vault_gen.h"

int main(int argc, char** argv) {
  CLI::App app("Makes a workspace of generated notes, the same one for the same options.");
  std::string folder;
  diaryx::test::VaultOptions options;
  app.add_option("folder", folder, "Where: a folder that does not exist or is empty")->required();
  app.add_option("--files", options.files, "Notes, indexes included")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--seed", options.seed, "Another seed, another workspace")->capture_default_str();
  app.add_option("--min-bytes", options.min_bytes, "Of the smallest note, about")
      ->capture_default_str();
  app.add_option("--max-bytes", options.max_bytes, "Of the largest note, about")
      ->capture_default_str();
  app.add_option("--link-format", options.link_format, "Of the links in headers")
      ->capture_default_str()
      ->check(CLI::IsMember(
          {"markdown_root", "markdown_relative", "plain_relative", "plain_canonical"}));
  app.add_flag("--odd", options.oddities,
               "Add everything that a folder of notes can hold, below odd/");
  CLI11_PARSE(app, argc, argv);
  if (options.min_bytes > options.max_bytes) {
    std::fprintf(stderr, "make_vault: --min-bytes is larger than --max-bytes\n");
    return 2;
  }
  std::error_code failed;
  if (std::filesystem::exists(folder, failed) && !std::filesystem::is_empty(folder, failed)) {
    std::fprintf(stderr, "make_vault: %s is not empty\n", folder.c_str());
    return 2;
  }
  const auto vault = diaryx::test::generate_vault(folder, options);
  std::printf("%zu notes, %zu oddities\n", vault.notes.size(), vault.oddities.size());
  return 0;
}
