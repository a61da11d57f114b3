// export_to_zip(), by libzip. It compresses when the archive is closed, so each source is opened
// only when its turn comes: neither memory nor descriptors grow with the number of files.
#include <array>
#include <cerrno>
#include <deque>
#include <memory>
#include <optional>
#include <system_error>

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

#include "engine/filesystem/export.h"
#include "engine/filesystem/export_entries.h"

namespace diaryx::filesystem {
namespace {

namespace fs = std::filesystem;

constexpr zip_uint16_t kDosTime = 0;                   // 00:00:00
constexpr zip_uint16_t kDosDate = (1U << 5U) | 1U;     // 1980-01-01, the first that there is.
constexpr zip_uint32_t kAttributes = 0100644U << 16U;  // A regular file, rw-r--r--.
// An archive of nothing: the end-of-central-directory record alone. libzip would write no file.
constexpr std::string_view kEmptyArchive("PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 22);

struct Discard {
  void operator()(zip_t* archive) const noexcept { zip_discard(archive); }
};
using Archive = std::unique_ptr<zip_t, Discard>;

// A file of the workspace as libzip reads it.
struct DiskSource {
  const DiskTree* tree;
  const WorkspacePath* path;
  std::optional<OpenFile> file;
  std::optional<Error> failure;

  bool open() {
    Result<OpenFile> opened = tree->open_file(*path);
    if (!opened) {
      failure = std::move(opened).error();
      return false;
    }
    file = std::move(*opened);
    return true;
  }

  zip_int64_t read(void* data, zip_uint64_t size) {
    for (;;) {
      const ssize_t n = ::read(file->fd.get(), data, size);
      if (n >= 0) return n;
      if (errno == EINTR) continue;
      failure = errno_error(errno, path->str());
      return -1;
    }
  }

  zip_int64_t stat(void* data, zip_uint64_t size) {
    if (size < sizeof(zip_stat_t)) return -1;
    if (!file && !open()) return -1;
    auto* out = static_cast<zip_stat_t*>(data);
    zip_stat_init(out);
    out->valid = ZIP_STAT_SIZE;
    out->size = static_cast<zip_uint64_t>(file->found.st_size);
    file.reset();  // Opened again when it is its turn.
    return sizeof(zip_stat_t);
  }
};

// libzip's view of a DiskSource, which lives longer than the archive.
zip_int64_t disk_source(void* state, void* data, zip_uint64_t size, zip_source_cmd_t command) {
  auto& source = *static_cast<DiskSource*>(state);
  switch (command) {
    case ZIP_SOURCE_SUPPORTS:
      return zip_source_make_command_bitmap(ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE,
                                            ZIP_SOURCE_STAT, ZIP_SOURCE_ERROR, ZIP_SOURCE_FREE, -1);
    case ZIP_SOURCE_STAT:
      return source.stat(data, size);
    case ZIP_SOURCE_OPEN:
      return source.open() ? 0 : -1;
    case ZIP_SOURCE_READ:
      return source.read(data, size);
    case ZIP_SOURCE_CLOSE:
      source.file.reset();
      return 0;
    case ZIP_SOURCE_ERROR: {
      const std::array<int, 2> codes{ZIP_ER_READ, 0};
      if (size < sizeof codes) return -1;
      std::copy(codes.begin(), codes.end(), static_cast<int*>(data));
      return sizeof codes;
    }
    case ZIP_SOURCE_FREE:
      return 0;
    default:
      return -1;
  }
}

Error zip_failure(zip_error_t* error, const fs::path& target) {
  if (zip_error_system_type(error) == ZIP_ET_SYS && zip_error_code_system(error) != 0) {
    return errno_error(zip_error_code_system(error), target.string());
  }
  return Error{ErrorCode::Io, target.string() + ": " + zip_error_strerror(error)};
}

Status add_entry(zip_t* archive, const ExportEntry& entry, const ExportSource& source,
                 std::deque<DiskSource>& sources, ExportReport& report) {
  zip_source_t* data = nullptr;
  if (entry.bytes != nullptr) {
    data = zip_source_buffer(archive, entry.bytes->data(), entry.bytes->size(), 0);
    report.bytes += entry.bytes->size();
  } else {
    DiskSource& file = sources.emplace_back(DiskSource{source.tree, entry.path, {}, {}});
    if (!file.open()) {
      report.skipped.push_back({entry.path->str(), file.failure->message});
      sources.pop_back();
      return {};
    }
    report.bytes += static_cast<std::uint64_t>(file.file->found.st_size);
    file.file.reset();
    data = zip_source_function(archive, disk_source, &file);
  }
  const auto failed = [&] {
    return Error{ErrorCode::Io, entry.path->str() + ": " + zip_strerror(archive)};
  };
  if (data == nullptr) return failed();
  const zip_int64_t index =
      zip_file_add(archive, entry.path->str().c_str(), data, ZIP_FL_ENC_UTF_8);
  if (index < 0) {
    zip_source_free(data);
    return failed();
  }
  const auto at = static_cast<zip_uint64_t>(index);
  const bool ok =
      zip_set_file_compression(archive, at, ZIP_CM_DEFLATE, 0) == 0 &&
      zip_file_set_dostime(archive, at, kDosTime, kDosDate, 0) == 0 &&
      zip_file_set_external_attributes(archive, at, 0, ZIP_OPSYS_UNIX, kAttributes) == 0;
  if (!ok) return failed();
  ++report.files;
  return {};
}

// Fills a file that is not there yet.
Status write_archive(const fs::path& making, const ExportSource& source,
                     const std::vector<ExportEntry>& entries, ExportReport& report) {
  std::deque<DiskSource> sources;  // Addresses stay; and it outlives the archive.
  int code = 0;
  Archive archive(zip_open(making.c_str(), ZIP_CREATE | ZIP_EXCL, &code));
  if (archive == nullptr) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    Error failure = zip_failure(&error, making);
    zip_error_fini(&error);
    return failure;
  }
  for (const ExportEntry& entry : entries)
    DX_TRY_OK(add_entry(archive.get(), entry, source, sources, report));
  if (zip_close(archive.get()) == 0) {
    (void)archive.release();  // zip_close() has freed it.
    return {};
  }
  for (DiskSource& file : sources) {
    if (file.failure) return std::move(*file.failure);
  }
  return zip_failure(zip_get_error(archive.get()), making);
}

Status sync_and_rename(const fs::path& making, const fs::path& target, bool empty) {
  const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | (empty ? O_CREAT | O_EXCL : 0);
  const Fd fd(::open(making.c_str(), flags, 0666));
  if (!fd) return errno_error(errno, target.string());
  if (empty) DX_TRY_OK(write_all(fd.get(), kEmptyArchive, target.string()));
  if (::fsync(fd.get()) != 0) return errno_error(errno, target.string());
  if (::rename(making.c_str(), target.c_str()) != 0) return errno_error(errno, target.string());
  const Fd folder(::open(target.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder || ::fsync(folder.get()) != 0) return errno_error(errno, target.string());
  return {};
}

}  // namespace

Result<ExportReport> export_to_zip(const fs::path& target, const ExportSource& source) {
  std::error_code error;
  const fs::path folder = fs::canonical(fs::absolute(target, error).parent_path(), error);
  if (error) return errno_error(error.value(), target.string());
  const fs::path real = folder / target.filename();
  struct stat found {};
  if (::lstat(real.c_str(), &found) == 0 && !S_ISREG(found.st_mode)) {
    return Error{ErrorCode::NotAllowed,
                 target.string() + ": there is something else than a file of this name"};
  }

  std::vector<ExportEntry> entries = export_entries(source);
  std::erase_if(entries, [&](const ExportEntry& entry) {
    return entry.bytes == nullptr && source.tree->root().path() / entry.path->str() == real;
  });
  const fs::path making = folder / temporary_name();
  ExportReport report;
  Status done = write_archive(making, source, entries, report);
  if (done) done = sync_and_rename(making, real, report.files == 0);
  if (!done) {
    (void)::unlink(making.c_str());  // The first error is the one to tell.
    return std::move(done).error();
  }
  return report;
}

}  // namespace diaryx::filesystem
