#include "engine/sync/text_edits.h"

#include <cstdint>
#include <string>

#include "engine/base/utf.h"

namespace diaryx::sync {

void apply_text_edits(crdt::Text text, std::string_view before,
                      const std::vector<workspace::TextEdit>& edits) {
  // Positions in UTF-16 units, gathered from the front; edits made from the back, so that they stay
  // right.
  struct Place {
    std::uint64_t at, length;
    const std::string* insert;
  };
  std::vector<Place> places;
  std::uint64_t units = 0;
  std::size_t bytes = 0;
  for (const workspace::TextEdit& edit : edits) {
    units += utf16_length(before.substr(bytes, edit.at - bytes));
    const std::uint64_t erased = utf16_length(before.substr(edit.at, edit.erase));
    places.push_back({units, erased, &edit.insert});
    units += erased;
    bytes = edit.at + edit.erase;
  }
  for (auto place = places.rbegin(); place != places.rend(); ++place) {
    if (place->length > 0) text.erase(place->at, place->length);
    if (!place->insert->empty()) text.insert(place->at, *place->insert);
  }
}

}  // namespace diaryx::sync
