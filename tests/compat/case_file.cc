#include "tests/compat/case_file.h"

#include <algorithm>
#include <fstream>
#include <iterator>

namespace diaryx::compat {

Result<CaseFile> load_case(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(in), {});
  if (!in) return Error{ErrorCode::Io, file.string() + ": cannot be read"};
  auto json = parse_ordered_json(text);
  if (!json) return std::move(json).error().with(file.string());
  if (!json->is_object() || !json->contains("steps") || json->value("format", 0) != 1) {
    return Error{ErrorCode::Malformed, file.string() + ": no case of format 1"};
  }
  CaseFile result;
  result.kind = json->value("kind", "");
  result.name = result.kind + "/" + file.stem().string();
  result.json = std::move(*json);
  return result;
}

Result<std::vector<std::filesystem::path>> find_cases(const std::filesystem::path& root) {
  std::error_code code;
  if (std::filesystem::is_regular_file(root, code)) return std::vector{root};
  std::vector<std::filesystem::path> files;
  for (std::filesystem::recursive_directory_iterator it(root, code), end; !code && it != end;
       it.increment(code)) {
    if (it->path().extension() == ".json" && it->is_regular_file()) files.push_back(it->path());
  }
  if (code) return Error{ErrorCode::Io, root.string() + ": " + code.message()};
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace diaryx::compat
