// A workspace takes over a Diaryx 1.4 database (sync/import_database.h).
//
//   .diaryx/imported/<path>   a text of the database that is in no document and no file; a second
//                             one of that path is "<name> (2).md", the same one is kept once
#pragma once

#include <filesystem>

#include "engine/base/clock.h"
#include "engine/base/random.h"
#include "engine/base/result.h"
#include "engine/filesystem/file_tree.h"
#include "engine/storage/diaryx_database.h"
#include "engine/storage/store.h"
#include "engine/sync/import_database.h"

namespace diaryx {

// By the holder of the lock, before the documents are opened. On an error nothing has changed but
// what is kept aside.
Result<sync::ImportReport> import_into(storage::Store& store, filesystem::FileTree& files,
                                       const std::filesystem::path& diaryx_dir,
                                       const storage::DiaryxDatabase& database, const Clock& clock,
                                       Random& random);

}  // namespace diaryx
