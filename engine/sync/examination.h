// Looks at everything that validation wants to know: the files on disk, the stored documents, what
// disk and documents last agreed on. Changes nothing.
#pragma once

#include "engine/base/result.h"
#include "engine/filesystem/file_tree.h"
#include "engine/sync/disk_sync.h"
#include "engine/sync/documents.h"
#include "engine/workspace/validate.h"

namespace diaryx::sync {

// The result refers to the documents' metadata. Reads those files that have changed since the
// ledger was written, and every stored document once; what was not in memory before is not
// afterwards. What the store finds when it looks at all of itself is not in it: Store::verify().
Result<workspace::ValidateInput> examine(Documents& documents, const DiskSync& disk,
                                         filesystem::FileTree& files);

}  // namespace diaryx::sync
