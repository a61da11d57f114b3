// What a load has found, as one object.
#include <algorithm>
#include <cmath>
#include <fstream>

#include "tests/bench/server/load.h"

namespace diaryx::bench {
namespace {

double seconds_between(std::uint64_t from_ns, std::uint64_t to_ns) {
  return from_ns != 0 && to_ns > from_ns ? double(to_ns - from_ns) / 1e9 : 0;
}

double rounded(double value) {
  return std::round(value * 1000) / 1000;
}

double mb(std::uint64_t kb) {
  return rounded(double(kb) * 1.024 / 1000);
}

}  // namespace

nlohmann::ordered_json Load::report() const {
  const double elapsed = seconds_between(send_ns_, std::max(last_delivery_ns_, send_ns_));
  std::uint64_t step2_max = 0;
  for (const Participant& p : participants_) step2_max = std::max(step2_max, p.step2_bytes);
  std::uint64_t bytes = 0;
  std::uint64_t messages = 0;
  nlohmann::ordered_json slow = nlohmann::ordered_json::array();
  for (const Connection& connection : connections_) {
    if (!connection.socket) continue;
    bytes += connection.socket->received_bytes();
    messages += connection.socket->received_messages();
    if (connection.pace == Pace::Full) continue;
    slow.push_back({{"pace", connection.pace == Pace::Drip ? "drips" : "stopped"},
                    {"received_mb", mb(connection.socket->received_bytes() / 1024)},
                    {"end", connection.end.empty() ? "still open" : connection.end}});
  }
  const auto per_second = [&](double count) { return elapsed > 0 ? rounded(count / elapsed) : 0; };
  nlohmann::ordered_json out{{"dialect", o_.dialect_name},
                             {"docs", o_.docs},
                             {"writers", o_.writers},
                             {"readers", o_.readers},
                             {"sockets", connections_.size()},
                             {"update_chars", chars_},
                             {"connect_s", rounded(seconds_between(connect_ns_, connected_ns_))},
                             {"handshake", handshake_.json()},
                             {"open_s", rounded(seconds_between(connect_ns_, synced_ns_))},
                             {"open_to_step2", open_.json()},
                             {"open_to_content", content_.json()},
                             {"step2_bytes_max", step2_max},
                             {"sent", sent_},
                             {"seconds", rounded(elapsed)},
                             {"updates_per_s", per_second(double(sent_))},
                             {"deliveries", delivered_},
                             {"deliveries_per_s", per_second(double(delivered_))},
                             {"latency", latency_.json()},
                             {"send_lag", send_lag_.json()},
                             {"lost", sent_ * expected_per_update_ - delivered_},
                             {"duplicates", duplicates_},
                             {"echoes", echoes_},
                             {"update_messages", update_messages_},
                             {"received_messages", messages},
                             {"received_bytes", bytes},
                             {"sent_bytes", sent_bytes_},
                             {"failed_sockets", failed_},
                             {"denied", denied_},
                             {"undecoded", undecoded_},
                             {"foreign", foreign_},
                             {"client_cpu_s", rounded(own_cpu_s())}};
  if (!first_failure_.empty()) out["first_failure"] = first_failure_;
  if (send_ns_ == 0) out["error"] = "not all documents were opened; nothing was sent";
  if (!slow.empty()) out["slow"] = std::move(slow);
  if (!before_.ok || !end_.ok) return out;
  const double cpu = end_.cpu_s - start_.cpu_s;
  out["server_rss_mb_before"] = mb(before_.rss_kb);
  out["server_rss_mb_opened"] = mb(opened_.rss_kb);
  out["server_rss_mb_end"] = mb(end_.rss_kb);
  out["server_rss_mb_max"] = mb(rss_max_kb_);
  out["server_rss_kb_per_socket"] =
      rounded((double(opened_.rss_kb) - double(before_.rss_kb)) / double(connections_.size()));
  out["server_cpu_s_open"] = rounded(opened_.cpu_s - before_.cpu_s);
  out["server_cpu_s_send"] = rounded(cpu);
  out["server_cpu_percent"] = per_second(cpu * 100);
  if (delivered_ > 0) out["server_cpu_us_per_delivery"] = rounded(cpu * 1e6 / double(delivered_));
  return out;
}

void Load::dump() const {
  nlohmann::ordered_json docs = nlohmann::ordered_json::array();
  for (std::uint32_t doc = 0; doc < docs_.size(); ++doc) {
    nlohmann::ordered_json writers = nlohmann::ordered_json::array();
    for (std::uint32_t i = 0; i < writers_.size(); ++i) {
      if (writers_[i].doc != doc) continue;
      writers.push_back(
          {{"client", base_ + i * ids_per_writer()}, {"updates", writers_[i].sent_ns.size()}});
    }
    docs.push_back({{"name", docs_[doc]}, {"writers", std::move(writers)}});
  }
  std::ofstream(o_.dump) << nlohmann::ordered_json{{"text", o_.text},
                                                   {"chars", chars_},
                                                   {"alternate", o_.alternate},
                                                   {"docs", std::move(docs)}}
                         << '\n';
}

}  // namespace diaryx::bench
