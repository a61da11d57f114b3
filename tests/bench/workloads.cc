#include "tests/bench/workloads.h"

#include <functional>
#include <utility>

namespace diaryx::bench {
namespace {

using Run = std::function<Outcome(const Data&)>;

const std::vector<std::pair<std::string, Run>>& workloads() {
  static const std::vector<std::pair<std::string, Run>> kWorkloads = [] {
    std::vector<std::pair<std::string, Run>> all{
        {"W1", [](const Data& d) { return type_text(d, true); }},
        {"W1b", [](const Data& d) { return type_text(d, false); }},
        {"W2v1", [](const Data& d) { return encode_text(d, 1); }},
        {"W2v2", [](const Data& d) { return encode_text(d, 2); }},
        {"W3v1", [](const Data& d) { return load_text(d, 1); }},
        {"W3v2", [](const Data& d) { return load_text(d, 2); }},
        {"W4", [](const Data& d) { return receive_updates(d, "b4"); }},
        {"W5b", merge_all},
        {"W5c", diff_merged},
        {"W5d", merge_halves},
    };
    for (const char* name : {"ff", "cs", "nn", "gm", "b31", "b34", "b35", "c20"}) {
      all.emplace_back("W6" + std::string(name),
                       [name](const Data& d) { return receive_updates(d, name); });
    }
    for (const bool again : {false, true}) {
      const std::string prefix = again ? "W7b-" : "W7a-";
      all.emplace_back(prefix + "set", [again](const Data& d) { return set_records(d, again); });
      all.emplace_back(prefix + "enc", [again](const Data& d) { return encode_records(d, again); });
      all.emplace_back(prefix + "load", [again](const Data& d) { return load_records(d, again); });
    }
    all.emplace_back("W8", encode_rest_of_text);
    return all;
  }();
  return kWorkloads;
}

}  // namespace

const std::vector<std::string>& workload_names() {
  static const std::vector<std::string> kNames = [] {
    std::vector<std::string> names;
    for (const auto& [name, run] : workloads()) names.push_back(name);
    return names;
  }();
  return kNames;
}

std::optional<Outcome> run_workload(const Data& data, const std::string& wanted) {
  for (const auto& [name, run] : workloads()) {
    if (name == wanted) return run(data);
  }
  return std::nullopt;
}

}  // namespace diaryx::bench
