// A whole workspace written elsewhere: into a folder (`materialise --out`) or a ZIP file
// (`materialise --zip`). What goes in is a rendered file set and, copied from disk piece by piece,
// the workspace's other files.
#pragma once

#include <filesystem>
#include <span>
#include <vector>

#include "engine/filesystem/disk_tree.h"
#include "engine/filesystem/file_set.h"

namespace diaryx::filesystem {

struct ExportSource {
  const FileSet& files;
  // Where `others` lie, and whose permissions exported files get. May be null if there are no
  // others.
  const DiskTree* tree = nullptr;
  // Files to copy as they are. Where `files` has the same path, `files` counts.
  std::span<const WorkspacePath> others = {};
};

struct ExportReport {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;  // Before compression.
  // Of the others: what could not be read. Everything else is there.
  std::vector<Skipped> skipped;
};

struct FolderExportOptions {
  // Write into a folder that is not empty, over what has the same names. What has other names
  // stays.
  bool force = false;
};

// Makes the folder if there is none. AlreadyExists if it is not empty (hidden files count),
// NotAllowed if it contains the workspace or would become a part of it, NoSpace. When this returns
// well, all is on disk. Each file gets its name when it is whole; after a failure without `force`
// nothing stays. Follows no symbolic link below `target`.
Result<ExportReport> export_to_folder(const std::filesystem::path& target,
                                      const ExportSource& source,
                                      const FolderExportOptions& options);

// A ZIP file (zip64 where needed): paths in order, names in UTF-8, deflated, mode 0644, all of
// 1980-01-01 00:00, so that equal files make an equal archive. Replaces a file that is there, whole
// or not at all. An archive in the workspace does not contain its predecessor.
Result<ExportReport> export_to_zip(const std::filesystem::path& target, const ExportSource& source);

}  // namespace diaryx::filesystem
