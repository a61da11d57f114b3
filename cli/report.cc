#include "cli/report.h"

#include <cstdio>

#include <fmt/core.h>

#include "cli/progress.h"

namespace diaryx::cli {
namespace {

// Standard output may be a closed pipe (`| head`): what cannot be said there need not stop the
// work.
void write_line(std::FILE* stream, std::string_view line) {
  if (stream == stderr) ProgressBar::hide_all();
  (void)std::fwrite(line.data(), 1, line.size(), stream);
  (void)std::fputc('\n', stream);
  (void)std::fflush(stream);
}

void write_error(std::string_view code, std::string_view message, std::string_view hint, bool json,
                 bool log_json) {
  if (log_json) {
    log(LogLevel::Error, "cli", message, {{"code", code}, {"hint", hint}});
  } else {
    std::string line = fmt::format("diaryx-sync: {}", printable(message));
    if (!hint.empty()) line.append("; ").append(printable(hint));
    write_line(stderr, line);
  }
  if (!json) return;
  write_line(
      stdout,
      dump_json(OrderedJson{{"error", {{"code", code}, {"message", message}, {"hint", hint}}}}));
}

}  // namespace

void Report::say(std::string_view line) const {
  if (!json_ && !quiet_) write_line(stdout, line);
}

void Report::finding(std::string_view line) const {
  if (!json_) write_line(stdout, line);
}

void Report::complain(std::string_view line) const {
  if (log_json_) return log(LogLevel::Error, "cli", line);
  write_line(stderr, line);
}

void Report::note(std::string_view line) const {
  if (log_json_) return log(LogLevel::Info, "cli", line);
  if (!quiet_) write_line(stderr, line);
}

void Report::result(const OrderedJson& document) const {
  if (json_) write_line(stdout, dump_json(document));
}

void Report::fail(const Error& error) const {
  write_error(to_string(error.code), error.message, error.hint, json_, log_json_);
}

void Report::usage(std::string_view message) const {
  write_error("usage", message, "see diaryx-sync --help", json_, false);
}

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto octet = static_cast<unsigned char>(text[i]);
    // U+0080 to U+009F are control characters too; in UTF-8 they are c2 80 to c2 9f.
    const bool c1 =
        octet == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (octet < 0x20 || octet == 0x7f || c1) {
      out += fmt::format("\\x{:02x}", octet);
      if (c1) out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[++i]));
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string counted(std::uint64_t n, std::string_view noun) {
  return fmt::format("{} {}{}", n, noun, n == 1 ? "" : "s");
}

ExitCode exit_code(const Error& error) noexcept {
  switch (error.code) {
    case ErrorCode::InvalidArgument:
      return ExitCode::Usage;
    case ErrorCode::Interrupted:
      return ExitCode::Interrupted;
    default:
      return ExitCode::Failed;
  }
}

}  // namespace diaryx::cli
