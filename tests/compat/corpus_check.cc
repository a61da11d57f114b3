// corpus_check [--level 1|2|3] [--list-skipped] [--by-kind] [--max-lines N] DIR…
//
// Runs the conformance cases below each DIR and prints a line for each difference, then `N passed,
// N failed, N skipped`. A case is skipped if a step of it needs what the engine does not have yet
// and its other steps are as expected. Exit code 0 if none failed, 1 if some did, 2 for a wrong
// call.
#include <charconv>
#include <cstdio>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "tests/compat/case_file.h"
#include "tests/compat/interpreter.h"
#include "tests/compat/report.h"

namespace diaryx::compat {
namespace {

struct Options {
  std::vector<std::string> folders;
  Level level = Level::Exact;
  bool list_skipped = false;
  bool by_kind = false;
  std::size_t max_lines = 5;  // Of one case.
};

struct Count {
  std::size_t passed = 0;
  std::size_t failed = 0;
  std::size_t skipped = 0;
  std::size_t v1_only = 0;
};

bool parse_number(std::string_view text, std::size_t& number) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  return code == std::errc() && end == text.data() + text.size();
}

// False if the call is wrong.
bool parse_options(const std::vector<std::string_view>& arguments, Options& options) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    std::size_t number = 0;
    const bool has_number = i + 1 < arguments.size() && parse_number(arguments[i + 1], number);
    if (argument == "--list-skipped") {
      options.list_skipped = true;
    } else if (argument == "--by-kind") {
      options.by_kind = true;
    } else if (argument == "--level" && has_number && number >= 1 && number <= 3) {
      options.level = static_cast<Level>(number);
      ++i;
    } else if (argument == "--max-lines" && has_number) {
      options.max_lines = number;
      ++i;
    } else if (argument.starts_with("-")) {
      return false;
    } else {
      options.folders.emplace_back(argument);
    }
  }
  return !options.folders.empty();
}

void print(std::string_view line) {
  fmt::print("{}\n", line);
}

void print_skipped(const CaseFile& kase, const Report& report) {
  std::string missing;
  for (const std::string& what : report.missing()) missing += (missing.empty() ? "" : ", ") + what;
  print(fmt::format("SKIP {}: {} of {} steps need {}", kase.name, report.unsupported_steps(),
                    report.steps(), missing));
}

void run_file(const std::filesystem::path& file, const Options& options,
              std::map<std::string, Count>& counts) {
  const auto kase = load_case(file);
  if (!kase) {
    print(fmt::format("FAIL {}", kase.error().message));
    ++counts["?"].failed;
    return;
  }
  Report report(options.level);
  run_case(*kase, report);
  Count& count = counts[kase->kind];
  if (report.v1_only()) ++count.v1_only;
  if (!report.failures().empty()) {
    ++count.failed;
    for (std::size_t i = 0; i < report.failures().size() && i < options.max_lines; ++i) {
      print(fmt::format("FAIL {} {}", kase->name, report.failures()[i]));
    }
    if (report.failures().size() > options.max_lines) {
      print(fmt::format("FAIL {} and {} more", kase->name,
                        report.failures().size() - options.max_lines));
    }
  } else if (report.unsupported_steps() > 0) {
    ++count.skipped;
    if (options.list_skipped) print_skipped(*kase, report);
  } else {
    ++count.passed;
  }
}

int run(const Options& options) {
  std::map<std::string, Count> counts;
  for (const std::string& folder : options.folders) {
    const auto files = find_cases(folder);
    if (!files || files->empty()) {
      print(files ? fmt::format("{}: no cases", folder) : files.error().message);
      return 2;
    }
    for (const auto& file : *files) run_file(file, options, counts);
  }
  Count total;
  for (const auto& [kind, count] : counts) {
    if (options.by_kind) {
      print(fmt::format("{:<18} {} passed, {} failed, {} skipped", kind, count.passed, count.failed,
                        count.skipped));
    }
    total.passed += count.passed;
    total.failed += count.failed;
    total.skipped += count.skipped;
    total.v1_only += count.v1_only;
  }
  if (options.list_skipped)
    print(fmt::format("{} cases were compared in update format v1 only", total.v1_only));
  print(fmt::format("{} passed, {} failed, {} skipped", total.passed, total.failed, total.skipped));
  return total.failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace diaryx::compat

int main(int argc, char** argv) {
  const std::vector<std::string_view> arguments(argv + 1, argv + argc);
  diaryx::compat::Options options;
  if (!diaryx::compat::parse_options(arguments, options)) {
    fmt::print(stderr,
               "usage: corpus_check [--level 1|2|3] [--list-skipped] [--by-kind] [--max-lines N] "
               "DIR...\n");
    return 2;
  }
  return diaryx::compat::run(options);
}
