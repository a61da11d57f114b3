#include "engine/sync/first_look.h"

#include <system_error>
#include <utility>

#include "engine/base/posix.h"

namespace diaryx::sync {
namespace {

Result<FirstLook::Found> look(const std::filesystem::path& watched,
                              std::unique_ptr<filesystem::FileTree> files) {
  FirstLook::Found found;
  // The watch begins before the look, so that nothing falls in between.
  if (!watched.empty()) {
    DX_TRY(found.watch, filesystem::FolderWatch::open(watched, {}));
  }
  found.files = std::move(files);
  found.listed = run_disk_task(*found.files, ListTask{});
  return found;
}

}  // namespace

FirstLook::FirstLook(std::filesystem::path watched, std::unique_ptr<filesystem::FileTree> files) {
  const auto run = [watched = std::move(watched),
                    tree = std::make_shared<std::unique_ptr<filesystem::FileTree>>(
                        std::move(files))]() -> Result<Found> {
    try {
      return look(watched, std::move(*tree));
    } catch (const std::exception& e) {
      return Error{ErrorCode::Io, std::string("the first look at the folder: ") + e.what()};
    }
  };
  try {
    found_ = std::async(std::launch::async, [run] {
      name_this_thread("look");
      return run();
    });
  } catch (const std::system_error&) {
    found_ = std::async(std::launch::deferred, run);
  }
}

}  // namespace diaryx::sync
