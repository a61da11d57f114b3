#include "engine/workspace/tree.h"

#include <set>

#include "engine/workspace/metadata_doc.h"

namespace diaryx::workspace {

ImportOrder import_order(const std::map<std::string, TreeFile>& files, LinkFormat format) {
  ImportOrder order;
  for (const auto& [path, file] : files) {
    if (!file.contents || file.has_parent) continue;
    if (!order.root || is_nearer_root(path, *order.root)) order.root = path;
  }
  std::set<std::string> seen;
  const auto take = [&](const std::string& path) {
    if (!seen.insert(path).second) return false;
    order.paths.push_back(path);
    return true;
  };
  // A stack of our own: a chain of contents may be as long as the folder.
  struct Place {
    std::string path;
    std::size_t next;
  };
  std::vector<Place> stack;
  if (order.root && take(*order.root)) stack.push_back({*order.root, 0});
  const auto known = [&](const std::string& path) {
    return files.count(path) > 0 ? std::optional<std::string>(path) : std::nullopt;
  };
  while (!stack.empty()) {
    Place& place = stack.back();
    const auto& contents = files.at(place.path).contents;
    if (!contents || place.next == contents->size()) {
      stack.pop_back();
      continue;
    }
    const auto child = resolve_link((*contents)[place.next++], place.path, format, known);
    if (child && take(*child)) stack.push_back({*child, 0});
  }
  order.linked = order.paths.size();
  for (const auto& [path, file] : files) take(path);
  return order;
}

}  // namespace diaryx::workspace
