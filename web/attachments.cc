#include "web/attachments.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <unistd.h>

#include "web/http_status.h"
#include "web/preconditions.h"

namespace diaryx::web {
namespace {

struct Extension {
  std::string_view ending;
  ContentType type;
};
constexpr std::string_view kPlainText = "text/plain; charset=utf-8";
constexpr std::array<Extension, 32> kTypes = {{
    {"apng", {"image/apng", true}},      {"avif", {"image/avif", true}},
    {"bmp", {"image/bmp", true}},        {"gif", {"image/gif", true}},
    {"ico", {"image/x-icon", true}},     {"jpeg", {"image/jpeg", true}},
    {"jpg", {"image/jpeg", true}},       {"png", {"image/png", true}},
    {"webp", {"image/webp", true}},      {"aac", {"audio/aac", true}},
    {"flac", {"audio/flac", true}},      {"m4a", {"audio/mp4", true}},
    {"mp3", {"audio/mpeg", true}},       {"oga", {"audio/ogg", true}},
    {"ogg", {"audio/ogg", true}},        {"opus", {"audio/ogg", true}},
    {"wav", {"audio/wav", true}},        {"m4v", {"video/mp4", true}},
    {"mp4", {"video/mp4", true}},        {"ogv", {"video/ogg", true}},
    {"webm", {"video/webm", true}},      {"csv", {kPlainText, true}},
    {"json", {kPlainText, true}},        {"log", {kPlainText, true}},
    {"toml", {kPlainText, true}},        {"tsv", {kPlainText, true}},
    {"txt", {kPlainText, true}},         {"yaml", {kPlainText, true}},
    {"yml", {kPlainText, true}},         {"pdf", {"application/pdf", false}},
    {"zip", {"application/zip", false}}, {"bib", {kPlainText, true}},
}};

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

std::string etag_of(const struct stat& found) {
  return "\"" + std::to_string(found.st_ino) + "-" + std::to_string(found.st_size) + "-" +
         std::to_string(found.st_mtim.tv_sec) + "." + std::to_string(found.st_mtim.tv_nsec) + "\"";
}

}  // namespace

ContentType content_type_of(std::string_view file_name) {
  const std::size_t dot = file_name.rfind('.');
  if (dot == std::string_view::npos) return {"application/octet-stream", false};
  std::string ending(file_name.substr(dot + 1));
  std::transform(ending.begin(), ending.end(), ending.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  for (const Extension& known : kTypes) {
    if (known.ending == ending) return known.type;
  }
  return {"application/octet-stream", false};
}

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

Reply Attachments::get(std::string_view path, const HttpRequest& request) const {
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
  const std::string etag = etag_of(file->found);
  const ContentType type = content_type_of(parsed->name());
  Reply reply;
  reply.fields = {
      {"ETag", etag},
      {"Cache-Control", "private, no-cache"},
      {"Content-Disposition", content_disposition(type.show, parsed->name())},
  };
  if (has_it_already(request, etag)) {
    reply.status = 304;
    return reply;
  }
  reply.content_type = type.name;
  reply.source = std::make_shared<FileSource>(std::move(*file));
  return reply;
}

}  // namespace diaryx::web
