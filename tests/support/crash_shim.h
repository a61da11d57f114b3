// Between a program and its disk: records what the process does below one folder as the steps of a
// CrashDisk, and puts a state of such a disk into a real folder, for a program to be started on.
//
// A program that links crash_shim.cc has the C library's calls for files (write, pwrite, fsync,
// rename, open, …) replaced by ones that look first, in its own code and in the shared libraries
// (SQLite, libstdc++). Without a recorder they only pass on. Nothing is synced for real: the
// folders are thrown away.
//
// The file's inode number, as stat() says it, is the disk's: a file in a restored folder looks to a
// program as it looked before the crash.
#pragma once

#include <filesystem>

#include "tests/support/crash_disk.h"

namespace diaryx::test {

// What is done below `root` while it lives. One at a time, one thread; `root` is empty at first, or
// restored from an image of which `disk` was made.
class CrashRecorder {
 public:
  CrashRecorder(const std::filesystem::path& root, CrashDisk& disk);
  ~CrashRecorder();
  CrashRecorder(const CrashRecorder&) = delete;
  CrashRecorder& operator=(const CrashRecorder&) = delete;

  // A disk that says it has synced and has not. For seeing that a test would notice.
  void ignore_syncs(bool ignore);
};

// Writes the image into the folder, which must be empty, with its times and inode numbers.
void restore(const DiskImage& image, const std::filesystem::path& folder);
// Forgets which inode numbers restored files go by.
void forget_restored();

}  // namespace diaryx::test
