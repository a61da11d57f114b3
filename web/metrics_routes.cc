#include "web/metrics_routes.h"

#include <cstdio>
#include <memory>

#include <sys/resource.h>
#include <unistd.h>

namespace diaryx::web {
namespace {

// What the core's thread has to be asked for.
struct CoreFigures {
  std::uint64_t loaded, open, peers, files, pending, problems;
  sync::StoreCounts stored;
};

CoreFigures ask_core(Workspace& workspace) {
  return {.loaded = workspace.loaded_documents(),
          .open = workspace.hub().open_documents(),
          .peers = workspace.hub().peers(),
          .files = workspace.report().files,
          .pending = workspace.disk().ahead().size(),
          .problems = workspace.problems().size(),
          .stored = workspace.stored()};
}

// Octets; 0 where the system does not say.
std::uint64_t resident_octets() {
  struct Close {
    void operator()(std::FILE* file) const noexcept { (void)std::fclose(file); }
  };
  const std::unique_ptr<std::FILE, Close> file(std::fopen("/proc/self/statm", "re"));
  unsigned long total = 0;
  unsigned long resident = 0;
  if (!file || std::fscanf(file.get(), "%lu %lu", &total, &resident) != 2) return 0;
  return std::uint64_t{resident} * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::uint64_t cpu_us() {
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  const auto us = [](const timeval& time) {
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000 +
           static_cast<std::uint64_t>(time.tv_usec);
  };
  return us(usage.ru_utime) + us(usage.ru_stime);
}

void write_transport(MetricsText& out, const Transport& transport) {
  const std::uint64_t websockets = transport.open_websockets();
  const std::uint64_t connections = transport.open_connections();
  out.family("diaryx_connections", "gauge", "Open connections, by what they speak.");
  out.sample(websockets, {{"kind", "websocket"}});
  out.sample(connections - std::min(connections, websockets), {{"kind", "http"}});
  out.counter("diaryx_slow_readers_dropped_total",
              "WebSockets dropped because they read too slowly.", transport.dropped_slow());
  out.counter("diaryx_received_bytes_total", "Octets read from sockets.",
              transport.octets_received());
  out.counter("diaryx_sent_bytes_total", "Octets written to sockets.", transport.octets_sent());
}

void write_core(MetricsText& out, const CoreCounts& counts, const CoreFigures& now) {
  out.gauge("diaryx_documents_loaded", "Documents in memory.", now.loaded);
  out.gauge("diaryx_documents_open", "Documents that somebody has open.", now.open);
  out.gauge("diaryx_peers", "Connections that have the workspace document open.", now.peers);
  out.gauge("diaryx_notes", "Live notes.", now.files);
  out.gauge("diaryx_notes_ahead", "Notes whose documents are ahead of their files.", now.pending);
  out.gauge("diaryx_problems", "Files that are not synced, or could not be written.", now.problems);
  out.counter("diaryx_updates_taken_total", "Updates made durable.", now.stored.updates);
  out.counter("diaryx_updates_taken_bytes_total", "Octets of the updates made durable.",
              now.stored.octets);
  out.counter("diaryx_updates_relayed_total",
              "Messages to clients; one to three readers counts three.", counts.relayed.get());
  out.counter("diaryx_updates_relayed_bytes_total", "Octets of those messages.",
              counts.relayed_octets.get());
  out.counter("diaryx_messages_total", "Messages from clients.", counts.messages.get());
  out.counter("diaryx_messages_bytes_total", "Octets of the messages from clients.",
              counts.message_octets.get());
  out.counter("diaryx_turns_total", "Turns of the core.", counts.turns.get());
  out.histogram("diaryx_append_seconds", "How long a turn's updates took to become durable.",
                counts.append);
}

void write_http(MetricsText& out, const Metrics& metrics) {
  constexpr std::array<std::string_view, 6> kClasses = {"other", "1xx", "2xx", "3xx", "4xx", "5xx"};
  out.family("diaryx_http_requests_total", "counter", "Answered requests, by status.");
  for (std::size_t i = 1; i < kClasses.size(); ++i)
    out.sample(metrics.requests[i].get(), {{"status", kClasses[i]}});
  out.histogram("diaryx_http_request_seconds", "From a request's arrival to the end of its answer.",
                metrics.request_time);
  out.family("diaryx_refused_total", "counter", "Requests and connections refused, by reason.");
  for (std::size_t i = 0; i < kRefusals; ++i)
    out.sample(metrics.refused[i].get(), {{"reason", to_string(static_cast<Refusal>(i))}});
  out.counter("diaryx_closed_by_us_total", "WebSockets closed for what they did.",
              metrics.closed_by_us.get());
}

void write_disk(MetricsText& out, const DiskWorker& worker) {
  out.family("diaryx_disk_tasks_total", "counter", "Finished work on files, by how it ended.");
  out.sample(worker.done(), {{"result", "done"}});
  out.sample(worker.failed(), {{"result", "failed"}});
  out.gauge("diaryx_disk_tasks_waiting", "Work on files that waits.", worker.waiting());
}

}  // namespace

void add_metrics_routes(HttpRouter& router, const RouteParts& parts, const Metrics& metrics,
                        const DiskWorker& worker) {
  router.add("GET", "/api/metrics", Door::Owner, [parts, &metrics, &worker](const Call&) {
    const auto now = parts.core.call(ask_core);
    if (!now) return Reply::error(now.error());
    MetricsText out;
    out.family("diaryx_build_info", "gauge", "Which version runs.");
    out.sample(1, {{"version", DIARYX_VERSION}});
    write_transport(out, parts.transport);
    write_core(out, parts.core.counts(), *now);
    write_http(out, metrics);
    write_disk(out, worker);
    out.family("process_start_time_seconds", "gauge", "When it started, since 1970.");
    out.sample_seconds(static_cast<std::uint64_t>(parts.facts.started_ms) * 1'000);
    out.gauge("process_resident_memory_bytes", "Memory that is in use.", resident_octets());
    out.family("process_cpu_seconds_total", "counter", "Time of the processors used.");
    out.sample_seconds(cpu_us());
    return Reply{.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = out.text()};
  });
}

}  // namespace diaryx::web
