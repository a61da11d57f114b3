// Two replicas of a note that were written apart become one.
#include <cstdio>

#include "engine/crdt/doc.h"

int main() {
  using diaryx::crdt::Doc;
  Doc ours({.client_id = 2});
  Doc theirs({.client_id = 1});
  ours.text("note").insert(0, "Dear diary");
  theirs.text("note").insert(0, "Monday. ");
  const auto missing = ours.encode_state_as_update(theirs.encode_state_vector());
  if (!missing || !theirs.apply_update(*missing)) return 1;
  if (!ours.apply_update(theirs.encode_state_as_update())) return 1;
  std::puts(ours.text("note").to_string().c_str());
  return ours.text("note").to_string() == theirs.text("note").to_string() ? 0 : 1;
}
