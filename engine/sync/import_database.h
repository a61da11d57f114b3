// Takes over what a Diaryx 1.4 database holds (storage/diaryx_database.h), before the documents
// are opened. One transaction: all of it is there, or nothing.
//
// Records become records of ours, with ids of ours; the history of the workspace document itself
// stays where it is, because a Diaryx that met it again would take the renamed keys for deleted
// files. Bodies come with their history: every update, with its time.
//
// What is here already stays. A text that has a history of its own here is not mixed with another
// one of the same note, which would double it; one that has come from there before takes in what is
// new. A second run changes nothing.
//
// The disk is the person's. Where a file says something else than its document, what follows is a
// change on disk like any other (importer.h), from this base:
//
//   the text on disk was the document's once    that text: what came after it goes to disk
//   it never was                                the document's text: the file wins, and what is in
//                                               the document only is kept aside
//   fields that only the record has             stay if it was changed after the file, else go
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/random.h"
#include "engine/filesystem/file_tree.h"
#include "engine/storage/diaryx_database.h"
#include "engine/storage/store.h"

namespace diaryx::sync {

struct ImportInput {
  const storage::DiaryxDatabase& database;
  filesystem::FileTree& files;
  // A text of a note, at a checked path, that is in no document and no file any more. Before the
  // transaction ends, and perhaps again if it fails.
  std::function<Status(const std::string& path, const std::string& text)> keep_aside;
};

struct ImportReport {
  std::uint64_t notes = 0;      // Records that became notes here,
  std::uint64_t deleted = 0;    // deleted ones,
  std::uint64_t known = 0;      // and those that were here already.
  std::uint64_t documents = 0;  // Texts that something was taken over for,
  std::uint64_t updates = 0;    // in so many updates.
  std::vector<std::pair<std::string, std::string>> left_out;  // What → why.
  std::vector<std::string> aside;                             // Paths of texts kept aside.
};

Result<ImportReport> import_database(const ImportInput& input, storage::Store& store,
                                     const Clock& clock, Random& random);

}  // namespace diaryx::sync
