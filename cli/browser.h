// Showing a page to the person.
#pragma once

#include <string>

#include "engine/base/result.h"

namespace diaryx::cli {

// Asks the desktop to open `url`, and does not wait for it. Unsupported if there is no program for
// that.
Status open_browser(const std::string& url);

}  // namespace diaryx::cli
