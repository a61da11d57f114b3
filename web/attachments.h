// The workspace's files that are no notes (pictures, recordings, documents): shown, taken in,
// listed and thrown away, through the confined tree, so that no path and no link leads out of the
// root, and with types with which a browser runs nothing.
//
// Shown in place: raster images, sound, film, plain text. Everything else, and above all HTML, SVG
// and PDF, is offered for saving.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/content_type.h"
#include "engine/filesystem/disk_tree.h"
#include "engine/sync/attachment_index.h"
#include "web/http_router.h"
#include "web/upload.h"

namespace diaryx::web {

// Of a file that has this stat; nothing if it is not known.
using KnownHash = std::function<std::optional<Sha256>(const filesystem::FileStat&)>;

class Attachments {
 public:
  explicit Attachments(std::unique_ptr<filesystem::DiskTree> files) : files_(std::move(files)) {}

  // `path`: decoded, relative to the root. 404 for notes, for hidden files, and for what is not
  // there.
  // The ETag is the hash where `known` has it, else made of the stat. Who was given the one may
  // speak of the file by it when there is the other, as long as the file is the same.
  Reply get(std::string_view path, const HttpRequest& request, const KnownHash& known) const;
  // {"attachments":[{"path","size","modified_at","content_type","hash"}]}, hidden files left out.
  // `hash` where `known` has it of the file as it is.
  Reply list(const sync::AttachmentIndex::Rows& known) const;

  // Something to write a body to; nothing is touched before its first octets come. `run` has a task
  // done on another thread. InvalidArgument, NotAllowed, Malformed: not a path of an attachment;
  // Busy: too many at once.
  Result<std::shared_ptr<Upload>> begin_upload(std::string_view path,
                                               std::function<void(std::function<void()>)> run);
  // Puts what was sent in its place, if the request's preconditions hold.
  Reply finish_upload(Upload& upload, const HttpRequest& request, const KnownHash& known);
  // To the trash.
  Reply remove(std::string_view path, const HttpRequest& request, const KnownHash& known);

 private:
  const std::unique_ptr<filesystem::DiskTree> files_;
  mutable std::mutex listing_;  // One list at a time.
  std::atomic<int> uploads_{0};
};

// "photo é.png" → attachment; filename*=UTF-8''photo%20%C3%A9.png
std::string content_disposition(bool show, std::string_view file_name);

}  // namespace diaryx::web
