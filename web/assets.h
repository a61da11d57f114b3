// Files that are part of the binary: made by embed.cmake, each in the three forms in which a
// browser may ask for it.
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

// Sorted by path. The editor, from web/editor/dist; none without it (DIARYX_EDITOR=OFF).
std::span<const Asset> editor_assets();
// docs/openapi.json.
std::span<const Asset> api_documents();

}  // namespace diaryx::web
