// Changes of notes as a person asks for them, by name instead of by Y.Map: made, renamed, moved,
// deleted, written as a whole. The browser editor does the same by itself (web/editor/src); whoever
// has no document of their own (scripts, the HTTP API) does it here.
//
// Parents and children are kept together: a new note stands in its parent's `contents`, a deleted
// one in nobody's, and links follow a note that moves because they are file ids. Everything is an
// edit of the live documents, made in one transaction a document and told to everybody; it is
// durable after the turn, and on disk a quiet moment later.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/random.h"
#include "engine/base/result.h"
#include "engine/sync/documents.h"

namespace diaryx::sync {

// Longer ones are no titles.
inline constexpr std::size_t kMaxTitleBytes = 1'000;

// Which note becomes whose child.
struct Parent {
  std::optional<std::string> id;     // Nothing: nobody's.
  std::optional<std::size_t> place;  // In its `contents`; nothing, or beyond the end: last.
};

struct NewNote {
  std::optional<std::string> title;  // At least one of title and path.
  std::optional<std::string> path;   // Nothing: from the title, in the parent's folder.
  std::optional<Parent> parent;      // Nothing: the root index.
  std::string body;                  // UTF-8.
};

// Everything that is given changes, or nothing does.
struct NoteChange {
  std::optional<std::string> title;  // "": none of its own.
  std::optional<std::string> path;
  std::optional<Parent> parent;
};

// All ids are of live notes (but for restore()): NotFound else. A path that is no note's, or a
// title or text that is none, is InvalidArgument, Malformed or NotAllowed; a path that another live
// note has, in whatever case of letters, AlreadyExists.
class NoteEdits {
 public:
  // Both must outlive it.
  NoteEdits(Documents& documents, Random& random) : documents_(documents), random_(random) {}

  // Returns the new note's id. The first note of an empty workspace is its root index.
  Result<std::string> create(const NewNote& note);
  // A note with these octets, header and all. What the header says of its parent is taken as it
  // stands; no other note is changed.
  Result<std::string> create_from(std::string_view path, std::string_view bytes);
  // Unsupported: a note below itself.
  Status change(const std::string& id, const NoteChange& change);
  // A tombstone stays; restore() brings the note back, under the parent that it names. Harmless if
  // it is live.
  Status remove(const std::string& id);
  Status restore(const std::string& id);

  // The note as its file is, or will be.
  Result<std::string> bytes(const std::string& id);
  // The note says this from now on. What differs becomes the smallest edits, so that cursors stay
  // and what others type meanwhile is kept.
  Status write(const std::string& id, std::string_view bytes);

 private:
  using Changes = std::map<std::string, workspace::FileRecord>;

  Result<const workspace::FileRecord*> live(const std::string& id) const;
  Result<std::string> checked_path(std::string_view path, std::string_view except) const;
  bool is_taken(std::string_view path, std::string_view except) const;
  std::string free_path(const std::string& title, const std::optional<std::string>& parent) const;
  Result<Parent> checked_parent(const Parent& parent, const std::string& child) const;
  // The record as it will be, in `changes`.
  workspace::FileRecord& edit(Changes& changes, const std::string& id) const;
  void leave_parents(Changes& changes, const std::string& id) const;
  void put(const Changes& changes);
  Status insert_body(const std::string& id, std::string_view text);
  Status write_body(const std::string& id, const std::string& text);

  Documents& documents_;
  Random& random_;
};

}  // namespace diaryx::sync
