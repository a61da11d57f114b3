#include "engine/base/content_type.h"

#include <algorithm>
#include <array>
#include <string>

namespace diaryx {
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

}  // namespace diaryx
