#include "web/history_routes.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "engine/base/json.h"
#include "engine/base/random.h"
#include "web/http_status.h"
#include "web/json_body.h"

namespace diaryx::web {
namespace {

constexpr std::size_t kMostCommits = 500;
constexpr std::int64_t kSettleMs = 10 * 60 * 1000;

Error wrong(std::string what) {
  return Error{ErrorCode::InvalidArgument, std::move(what)};
}

Result<history::LogOptions> read_options(const HttpRequest& request) {
  history::LogOptions options;
  if (const auto path = request.query("path")) {
    DX_TRY(WorkspacePath parsed, WorkspacePath::parse(*path));
    options.path = std::move(parsed);
  }
  options.before = request.query("before");
  if (const auto limit = request.query("limit")) {
    const char* const end = limit->data() + limit->size();
    const auto [stop, error] = std::from_chars(limit->data(), end, options.limit);
    if (error != std::errc() || stop != end || options.limit == 0 || options.limit > kMostCommits)
      return wrong("limit: must be a whole number from 1 to " + std::to_string(kMostCommits));
  }
  return options;
}

Reply list(const std::filesystem::path& root, const Call& call) {
  const auto options = read_options(call.request);
  if (!options) return Reply::error(options.error());
  const auto page = history::list_commits(root, *options);
  if (!page) return Reply::error(page.error());
  OrderedJson commits = OrderedJson::array();
  for (const history::LoggedCommit& commit : page->commits) {
    commits.push_back({{"commit", commit.commit},
                       {"parents", commit.parents},
                       {"author", {{"name", commit.author_name}, {"mail", commit.author_mail}}},
                       {"time_ms", commit.time_ms},
                       {"message", commit.message}});
  }
  return Reply::json(
      200, dump_json(OrderedJson{{"branch", page->branch},
                                 {"commits", std::move(commits)},
                                 {"next", page->next ? OrderedJson(*page->next) : OrderedJson()}}));
}

struct CommitWish {
  history::CommitOptions options;
  bool skip_validation = false;
};

Result<CommitWish> read_wish(const Call& call) {
  DX_TRY(const Json body, read_object(call.request));
  CommitWish wish;
  for (const auto& [key, value] : body.items()) {
    if (key == "skip_validation" && value.is_boolean()) {
      wish.skip_validation = value.get<bool>();
    } else if (key == "message" && value.is_string()) {
      wish.options.message = value.get<std::string>();
    } else if (key == "author" && value.is_string()) {
      wish.options.author = value.get<std::string>();
    } else {
      return wrong("the body may say message, author (texts) and skip_validation (true or false)");
    }
  }
  return wish;
}

OrderedJson errors_in(const workspace::ValidateReport& found) {
  OrderedJson errors = OrderedJson::array();
  for (const workspace::Issue& issue : found.issues) {
    if (issue.severity == workspace::Severity::Error) errors.push_back(to_json(issue));
  }
  return errors;
}

Reply held_back(OrderedJson issues) {
  return Reply::json(
      422, dump_json(OrderedJson{{"error", error_name(422)},
                                 {"message", "not committed: validation found " +
                                                 std::to_string(issues.size()) + " errors"},
                                 {"issues", std::move(issues)}}));
}

// As the command does it: disk and documents are brought together, and what is on disk then is read
// and committed beside the server, which goes on serving.
Result<Reply> commit(const RouteParts& parts, const std::filesystem::path& root, CommitWish wish) {
  DX_TRY_OK(parts.core.settle(true, kSettleMs));
  DX_TRY_OK(parts.core.settle(false, kSettleMs));
  SystemRandom random;
  DX_TRY(const auto workspace,
         Workspace::open({.root = root, .access = Access::Read}, parts.clock, random));
  if (!wish.skip_validation) {
    DX_TRY(const workspace::ValidateReport found, workspace->validate());
    OrderedJson errors = errors_in(found);
    DX_TRY_OK(parts.core.call(
        [good = errors.empty()](Workspace& served) { return served.count_validation(good); }));
    if (!errors.empty()) return held_back(std::move(errors));
  }
  wish.options.wall_ms = parts.clock.wall_ms();
  DX_TRY(const history::CommitReport done, workspace->commit(wish.options));
  OrderedJson skipped = OrderedJson::array();
  for (const auto& [path, reason] : done.skipped)
    skipped.push_back({{"path", path}, {"reason", reason}});
  return Reply::json(200, dump_json(OrderedJson{{"commit", done.commit ? OrderedJson(*done.commit)
                                                                       : OrderedJson(nullptr)},
                                                {"files", done.files},
                                                {"changed", done.changed},
                                                {"branch", done.branch},
                                                {"skipped", std::move(skipped)}}));
}

}  // namespace

void add_history_routes(HttpRouter& router, const RouteParts& parts,
                        const std::filesystem::path& root) {
  router.add("GET", "/api/history", Door::Owner,
             [root](const Call& call) { return list(root, call); });
  // Two at once would only wait for git's own lock, and not for long enough.
  const auto one_at_a_time = std::make_shared<std::mutex>();
  router.add("POST", "/api/commit", Door::Owner, [parts, root, one_at_a_time](const Call& call) {
    auto wish = read_wish(call);
    if (!wish) return Reply::error(wish.error());
    const std::lock_guard lock(*one_at_a_time);
    auto reply = commit(parts, root, std::move(*wish));
    return reply ? std::move(*reply) : Reply::error(reply.error());
  });
}

}  // namespace diaryx::web
