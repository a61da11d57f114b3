// What kind of file it is, as its name says: never a type with which a browser runs something.
#pragma once

#include <string_view>

namespace diaryx {

struct ContentType {
  std::string_view name;  // For ever.
  bool show;              // In place, or only offered for saving.
};
// By the extension, in any case of letters.
ContentType content_type_of(std::string_view file_name);

}  // namespace diaryx
