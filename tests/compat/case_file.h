// One case of the corpus: a file of steps (corpus/README.md, "One case").
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/result.h"

namespace diaryx::compat {

struct CaseFile {
  std::string name;  // "merge/gaps": its kind and its file's stem.
  std::string kind;
  OrderedJson json;  // An object with "steps"; members in the file's order.

  const OrderedJson& steps() const { return json.at("steps"); }
};

Result<CaseFile> load_case(const std::filesystem::path& file);
// The JSON files below a folder (or the file itself), sorted by path.
Result<std::vector<std::filesystem::path>> find_cases(const std::filesystem::path& root);

}  // namespace diaryx::compat
