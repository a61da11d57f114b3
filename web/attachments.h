// The workspace's files that are no notes (pictures, recordings, documents), for the editor to
// show: through the confined tree, so that no path and no link leads out of the root, and with
// types with which a browser runs nothing.
//
// Shown in place: raster images, sound, film, plain text. Everything else, and above all HTML, SVG
// and PDF, is offered for saving.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "engine/filesystem/disk_tree.h"
#include "web/http_router.h"

namespace diaryx::web {

struct ContentType {
  std::string_view name;
  bool show;  // Or save.
};
// By the extension, in any case of letters.
ContentType content_type_of(std::string_view file_name);

class Attachments {
 public:
  explicit Attachments(std::unique_ptr<filesystem::DiskTree> files) : files_(std::move(files)) {}

  // `path`: decoded, relative to the root. 404 for notes, for hidden files, and for what is not
  // there.
  Reply get(std::string_view path, const HttpRequest& request) const;

 private:
  const std::unique_ptr<filesystem::DiskTree> files_;
};

// "photo é.png" → attachment; filename*=UTF-8''photo%20%C3%A9.png
std::string content_disposition(bool show, std::string_view file_name);

}  // namespace diaryx::web
