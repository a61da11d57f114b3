#include "engine/workspace/name_fold.h"

#include <cstdlib>
#include <memory>

#include <utf8proc.h>

namespace diaryx::workspace {

std::string fold_name(std::string_view path) {
  utf8proc_uint8_t* folded = nullptr;
  // The library's own texts are octets without a sign.
  const utf8proc_ssize_t size = utf8proc_map(
      reinterpret_cast<const utf8proc_uint8_t*>(path.data()),
      static_cast<utf8proc_ssize_t>(path.size()), &folded,
      static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD));
  if (size < 0) return std::string(path);
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owned(folded, &std::free);
  return {reinterpret_cast<const char*>(folded), static_cast<std::size_t>(size)};
}

}  // namespace diaryx::workspace
