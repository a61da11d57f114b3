#include "web/attachments.h"

#include <cerrno>
#include <utility>
#include <vector>

#include <unistd.h>

#include "engine/base/json.h"
#include "web/http_status.h"
#include "web/preconditions.h"

namespace diaryx::web {
namespace {

constexpr int kMaxUploads = 32;

class FileSource final : public BodySource {
 public:
  explicit FileSource(filesystem::OpenFile file) : file_(std::move(file)) {}
  std::uint64_t size() const override { return static_cast<std::uint64_t>(file_.found.st_size); }
  std::size_t read(std::uint64_t offset, char* to, std::size_t size) override {
    for (;;) {
      const ssize_t got = ::pread(file_.fd.get(), to, size, static_cast<off_t>(offset));
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EINTR) return 0;
    }
  }

 private:
  const filesystem::OpenFile file_;
};

std::string stat_tag(const filesystem::FileStat& found) {
  return "\"" + std::to_string(found.inode) + "-" + std::to_string(found.size) + "-" +
         std::to_string(found.mtime_ns) + "\"";
}

// What this version of the file goes by, best first: its hash, where that is known, and its stat,
// which some client may have been given before it was.
std::vector<std::string> tags_of(const filesystem::FileStat& found, const KnownHash& known) {
  std::vector<std::string> tags;
  if (const auto hash = known(found)) tags.push_back(etag_of(*hash));
  tags.push_back(stat_tag(found));
  return tags;
}

// The one that the request speaks of; the best, if none.
const std::string& spoken_of(const HttpRequest& request, const std::vector<std::string>& tags) {
  for (const char* field : {"if-match", "if-none-match"}) {
    const auto list = request.field(field);
    for (const std::string& tag : tags) {
      if (list && lists_etag(*list, tag, false)) return tag;
    }
  }
  return tags.front();
}

Result<WorkspacePath> attachment_path(std::string_view path) {
  DX_TRY(WorkspacePath parsed, WorkspacePath::parse(path));
  if (parsed.is_markdown())
    return Error{ErrorCode::InvalidArgument, parsed.str() + ": is a note; see /api/raw"};
  if (parsed.is_hidden())
    return Error{ErrorCode::InvalidArgument, parsed.str() + ": hidden files are not served"};
  return parsed;
}

}  // namespace

std::string content_disposition(bool show, std::string_view file_name) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string out = show ? "inline; filename*=UTF-8''" : "attachment; filename*=UTF-8''";
  for (const char c : file_name) {
    if (kPlain.find(c) != std::string_view::npos) {
      out.push_back(c);
    } else {
      const auto octet = static_cast<unsigned char>(c);
      out.append({'%', kDigits[octet >> 4U], kDigits[octet & 15U]});
    }
  }
  return out;
}

Reply Attachments::get(std::string_view path, const HttpRequest& request,
                       const KnownHash& known) const {
  const auto parsed = WorkspacePath::parse(path);
  if (!parsed || parsed->is_hidden() || parsed->is_markdown())
    return Reply::error(404, "no such attachment");
  auto file = files_->open_file(*parsed);
  if (!file) {
    // Why it cannot be had (a link, a folder, no permission) is nobody's business but the owner's,
    // and the owner is who asks.
    const int status =
        file.error().code == ErrorCode::NotFound ? 404 : status_of(file.error().code);
    return Reply::error(status, file.error().message);
  }
  const auto tags = tags_of(filesystem::to_file_stat(file->found), known);
  const ContentType type = content_type_of(parsed->name());
  Reply reply;
  reply.fields = {
      {"ETag", tags.front()},
      {"Cache-Control", "private, no-cache"},
      {"Content-Disposition", content_disposition(type.show, parsed->name())},
  };
  if (has_it_already(request, spoken_of(request, tags))) {
    reply.status = 304;
    return reply;
  }
  reply.content_type = type.name;
  reply.source = std::make_shared<FileSource>(std::move(*file));
  return reply;
}

Reply Attachments::list(const sync::AttachmentIndex::Rows& known) const {
  Result<filesystem::Listing> listing = [&] {
    const std::lock_guard lock(listing_);
    return files_->list();
  }();
  if (!listing) return Reply::error(listing.error());
  OrderedJson rows = OrderedJson::array();
  for (const filesystem::Listed& file : listing->files) {
    if (file.path.is_markdown()) continue;
    const auto it = known.find(file.path.str());
    const bool is_known = it != known.end() && it->second.stat.same_file(file.stat);
    rows.push_back({{"path", file.path.str()},
                    {"size", file.stat.size},
                    {"modified_at", file.stat.mtime_ns / 1'000'000},
                    {"content_type",
                     is_known ? it->second.content_type : content_type_of(file.path.name()).name}});
    if (is_known) rows.back()["hash"] = to_hex(it->second.hash);
  }
  return Reply::json(200, dump_json(OrderedJson{{"attachments", std::move(rows)}}));
}

Result<std::shared_ptr<Upload>> Attachments::begin_upload(
    std::string_view path, std::function<void(std::function<void()>)> run) {
  DX_TRY(WorkspacePath parsed, attachment_path(path));
  if (uploads_ >= kMaxUploads) {
    return Error{ErrorCode::Busy, std::to_string(kMaxUploads) +
                                      " files are being sent already; wait for one to end"};
  }
  return std::make_shared<Upload>(*files_, std::move(parsed), std::move(run), uploads_);
}

Reply Attachments::finish_upload(Upload& upload, const HttpRequest& request,
                                 const KnownHash& known) {
  const auto writer = upload.finish();
  if (!writer) return Reply::error(writer.error());
  const WorkspacePath& path = upload.path();
  const auto seen = files_->stat(path);
  if (!seen) return Reply::error(seen.error());
  const auto current =
      *seen ? std::optional(spoken_of(request, tags_of(**seen, known))) : std::nullopt;
  if (const int status = check_change(request, current, true); status != 0)
    return Reply::error(status);
  const std::string hash = to_hex((*writer)->finish_hash());
  const auto stored = files_->install(**writer, *seen);
  if (!stored) {
    if (stored.error().code == ErrorCode::Conflict)
      return Reply::error(412, stored.error().message);
    return Reply::error(stored.error());
  }
  Reply reply =
      Reply::json(*seen ? 200 : 201,
                  dump_json(OrderedJson{{"path", path.str()},
                                        {"size", stored->size},
                                        {"hash", hash},
                                        {"content_type", content_type_of(path.name()).name}}));
  reply.fields.emplace_back("ETag", stat_tag(*stored));
  return reply;
}

Reply Attachments::remove(std::string_view path, const HttpRequest& request,
                          const KnownHash& known) {
  const auto parsed = attachment_path(path);
  if (!parsed) return Reply::error(parsed.error());
  const auto seen = files_->stat(*parsed);
  if (!seen) return Reply::error(seen.error());
  if (!*seen) return Reply::error(404, "no such attachment");
  if (const int status = check_change(request, spoken_of(request, tags_of(**seen, known)), false);
      status != 0)
    return Reply::error(status);
  const auto trashed = files_->trash_seen(*parsed, **seen);
  if (!trashed) return Reply::error(trashed.error());
  return Reply::json(200, dump_json(OrderedJson{{"path", parsed->str()}, {"trash", *trashed}}));
}

}  // namespace diaryx::web
