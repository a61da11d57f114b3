#include "engine/history/signature.h"

#include <ctime>

#include <fmt/format.h>

#include "engine/base/utf.h"

namespace diaryx::history {
namespace {

constexpr const char* kDefaultName = "Diaryx";
constexpr const char* kDefaultMail = "noreply@diaryx.app";

std::time_t seconds(std::int64_t wall_ms) {
  return static_cast<std::time_t>(wall_ms >= 0 ? wall_ms / 1000 : (wall_ms - 999) / 1000);
}

// Minutes east of Greenwich at that moment.
int zone_minutes(std::time_t moment) {
  std::tm local = {};
  if (localtime_r(&moment, &local) == nullptr) return 0;
  return static_cast<int>(local.tm_gmtoff / 60);
}

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

Result<SignatureHandle> sign(const std::string& name, const std::string& mail, std::time_t moment) {
  git_signature* raw = nullptr;
  const int code =
      git_signature_new(&raw, name.c_str(), mail.c_str(), moment, zone_minutes(moment));
  SignatureHandle signature(raw);
  if (code < 0) return git_failure(code, "sign as " + name + " <" + mail + ">");
  return signature;
}

Error bad_author(const std::string& text) {
  return Error{ErrorCode::InvalidArgument, "author: \"" + text + "\" is not \"Name <mail>\""};
}

Result<SignatureHandle> parse_author(const std::string& text, std::time_t moment) {
  constexpr std::string_view kForbidden("<>\r\n\0", 5);
  if (!is_utf8(text)) return Error{ErrorCode::InvalidArgument, "author: not UTF-8"};
  const std::size_t open = text.find('<');
  if (open == std::string::npos || trim(text).back() != '>') return bad_author(text);
  const std::size_t close = text.rfind('>');
  const std::string name(trim(std::string_view(text).substr(0, open)));
  const std::string mail(trim(std::string_view(text).substr(open + 1, close - open - 1)));
  if (name.empty() || mail.empty()) return bad_author(text);
  if (name.find_first_of(kForbidden) != std::string::npos) return bad_author(text);
  if (mail.find_first_of(kForbidden) != std::string::npos) return bad_author(text);
  return sign(name, mail, moment);
}

// The person whom git's configuration names; null if it names nobody.
Result<SignatureHandle> configured(git_repository* repository, std::time_t moment) {
  git_config* raw = nullptr;
  const int code = git_repository_config_snapshot(&raw, repository);
  const ConfigHandle config(raw);
  if (code < 0) return git_failure(code, "read the configuration");
  const auto name = config_text(config.get(), "user.name");
  const auto mail = config_text(config.get(), "user.email");
  if (!name || !mail) return SignatureHandle();
  return sign(*name, *mail, moment);
}

Result<SignatureHandle> copy_of(const SignatureHandle& signature) {
  git_signature* raw = nullptr;
  const int code = git_signature_dup(&raw, signature.get());
  if (code < 0) return git_failure(code, "copy a signature");
  return SignatureHandle(raw);
}

}  // namespace

Result<Signatures> make_signatures(git_repository* repository,
                                   const std::optional<std::string>& author, std::int64_t wall_ms) {
  const std::time_t moment = seconds(wall_ms);
  DX_TRY(SignatureHandle person, configured(repository, moment));
  Signatures result;
  if (author) {
    DX_TRY(result.author, parse_author(*author, moment));
  } else if (person) {
    DX_TRY(result.author, copy_of(person));
  } else {
    DX_TRY(result.author, sign(kDefaultName, kDefaultMail, moment));
  }
  if (person) {
    result.committer = std::move(person);
  } else {
    DX_TRY(result.committer, copy_of(result.author));
  }
  return result;
}

Result<std::string> make_message(const std::optional<std::string>& message, std::int64_t wall_ms) {
  if (!message) {
    const std::time_t moment = seconds(wall_ms);
    std::tm utc = {};
    if (gmtime_r(&moment, &utc) == nullptr) {
      return Error{ErrorCode::InvalidArgument,
                   fmt::format("commit time: {} ms is no date", wall_ms)};
    }
    return fmt::format("Workspace snapshot at {:04}-{:02}-{:02} {:02}:{:02}:{:02} UTC\n",
                       utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min,
                       utc.tm_sec);
  }
  if (message->find('\0') != std::string::npos) {
    return Error{ErrorCode::InvalidArgument, "commit message: contains a NUL"};
  }
  if (!is_utf8(*message)) return Error{ErrorCode::InvalidArgument, "commit message: not UTF-8"};
  DX_TRY_OK(set_up_git());
  GitText clean;
  if (const int code = git_message_prettify(clean.out(), message->c_str(), 0, 0); code < 0) {
    return git_failure(code, "clean the message");
  }
  if (clean.view().empty()) return Error{ErrorCode::InvalidArgument, "commit message: empty"};
  return std::string(clean.view());
}

}  // namespace diaryx::history
