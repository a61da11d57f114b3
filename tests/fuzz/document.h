// What the targets that feed documents share: a document with some of everything in it, edits all
// over one, and the promises that any document keeps, whatever came into it.
#pragma once

#include "engine/crdt/doc.h"

namespace diaryx::fuzz {

// Roots: "t" a text, "a" an array, "m" a map, "x" an XML fragment. Names that the corpus uses.
void declare_roots(crdt::Doc& doc);
// Update v1 of a document that has some of everything, deleted things and sub-documents too.
const Buffer& rich_update();
// Aborts with what is wrong.
void must(const Status& status, const char* what);
void must_equal(Bytes expected, Bytes got, const char* what);
// Reads all that can be shown.
void look_at(crdt::Doc& doc);
// Edits in all roots and in the first type of each kind inside them.
void edit_everywhere(crdt::Doc& doc);
// The invariants hold; what it writes in either format is read again, by documents and by the
// functions without one, and makes a document that holds as much. `honest`: and is the same to
// the octet. (A hostile update may name neighbours in different lists, or give a struct twice: what
// comes of that may depend on what was collected when.)
void check_promises(crdt::Doc& doc, bool honest = false);

}  // namespace diaryx::fuzz
