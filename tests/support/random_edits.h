// Random edits of a document: every type, every operation, at every depth. The same for the same
// random numbers.
#pragma once

#include <string>
#include <vector>

#include "engine/base/random.h"
#include "engine/crdt/doc.h"

namespace diaryx::test {

class RandomEdits {
 public:
  // Must not outlive `random`.
  explicit RandomEdits(Random& random) : random_(random) {}

  // Roots: "text" and "rich" (texts), "map", "array", "xml" (a fragment).
  static void declare_roots(crdt::Doc& doc);
  // One edit somewhere.
  void edit(crdt::Doc& doc);

 private:
  bool one_in(std::uint64_t n) { return random_.below(n) == 0; }
  std::string word();
  std::string key();
  codec::Any value();
  codec::Any embed();
  crdt::Attributes attributes();
  crdt::NewType new_type(int depth);
  crdt::NewType new_node(int depth);
  crdt::SubDocument document();
  crdt::TypeRef go_inside(crdt::TypeRef type, int depth);
  std::vector<crdt::TypeRef> types_in(crdt::TypeRef type);

  void edit_type(crdt::TypeRef type);
  void edit_text(crdt::Text text, bool rich);
  void edit_map(crdt::Map map);
  void edit_array(crdt::Array array);
  void edit_nodes(crdt::Xml parent);
  std::vector<crdt::DeltaOp> delta(std::uint64_t length);

  Random& random_;
};

}  // namespace diaryx::test
