// The editor's files, part of the binary: made by embed.cmake from web/editor/dist, each in the
// three forms in which a browser may ask for it. Without the editor (DIARYX_EDITOR=OFF) there are
// none.
#pragma once

#include <span>
#include <string_view>

namespace diaryx::web {

// All views live as long as the process.
struct Asset {
  std::string_view path;  // "/editor.js"
  std::string_view hash;  // Of the plain form: 16 hexadecimal digits.
  std::string_view plain;
  std::string_view brotli;  // Empty: there is no such form.
  std::string_view gzip;
};

// Sorted by path.
std::span<const Asset> editor_assets();

}  // namespace diaryx::web
