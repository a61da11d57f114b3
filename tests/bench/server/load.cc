#include "tests/bench/server/load.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <stdexcept>

#include <sys/resource.h>

#include "tests/bench/server/yjs_bytes.h"

namespace diaryx::bench {
namespace {

constexpr std::size_t kLongestName = 255;
constexpr std::uint32_t kUpdateHead =
    22;                               // Octets of ids and clocks round the characters, at most.
constexpr int kSlowBuffer = 4096;     // Of the kernel for those who read slowly.
constexpr double kOpenSilence = 120;  // Seconds without progress in opening.
constexpr std::chrono::milliseconds kPoll(100);
constexpr unsigned kDripsPerSecond = 10;
constexpr double kDrainSeconds = 5;

double seconds_between(std::uint64_t from_ns, std::uint64_t to_ns) {
  return to_ns > from_ns ? double(to_ns - from_ns) / 1e9 : 0;
}

void raise_file_limit() {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
}

}  // namespace

Load::Load(Options options) : o_(std::move(options)) {}

// --- Who takes part ---

void Load::plan_documents() {
  if (!o_.docs_file.empty()) {
    std::ifstream file(o_.docs_file);
    for (std::string line; docs_.size() < o_.docs && std::getline(file, line);) {
      if (!line.empty()) docs_.push_back(line);
    }
    if (docs_.size() < o_.docs) throw std::runtime_error("too few names in " + o_.docs_file);
  }
  prefix_ = o_.doc_prefix.empty() ? "load-" + std::to_string(base_ >> 16U) + "-" : o_.doc_prefix;
  while (docs_.size() < o_.docs)
    docs_.push_back(prefix_ + std::to_string(docs_.size()) + o_.doc_suffix);
  for (std::uint32_t i = 0; i < o_.docs; ++i) {
    if (docs_[i].size() > kLongestName) throw std::runtime_error("too long: " + docs_[i]);
    doc_of_name_[docs_[i]] = i;
  }
}

void Load::add_participant(std::uint32_t connection, std::uint32_t doc, std::int64_t writer) {
  Participant added;
  added.socket = connection;
  added.doc = doc;
  added.writer = writer;
  added.seen.resize(o_.writers);
  connections_[connection].participant_of[doc] = static_cast<std::uint32_t>(participants_.size());
  participants_.push_back(std::move(added));
}

void Load::plan() {
  if (o_.url.rfind("ws://", 0) != 0) throw std::runtime_error("no ws:// address: " + o_.url);
  const std::string rest = o_.url.substr(5);
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  const std::string authority = rest.substr(0, slash);
  path_ = slash == rest.size() ? "/" : rest.substr(slash);
  const std::size_t colon = std::min(authority.rfind(':'), authority.size());
  host_ = authority.substr(0, colon);
  port_ = colon == authority.size() ? "80" : authority.substr(colon + 1);
  endpoint_ = *asio::ip::tcp::resolver(io_).resolve(host_, port_).begin();
  std::random_device chance;
  base_ = o_.client_base != 0 ? o_.client_base : (0x4000U + chance() % 0x8000U) << 16U;
  plan_documents();
  chars_ = o_.bytes > kUpdateHead ? o_.bytes - kUpdateHead : 1;

  const std::uint32_t each = o_.writers + o_.readers;
  expected_per_update_ = each > 0 ? each - 1 : 0;
  const std::uint32_t all = o_.docs * each;
  const bool alone = o_.dialect == Dialect::Yws || o_.sockets == 0;
  if (!alone && o_.sockets < each) throw std::runtime_error("--sockets: fewer than participants");
  const std::uint32_t shared = alone ? all : std::min(o_.sockets, all);
  const std::uint32_t slow = o_.docs * (o_.stopped + o_.drips);
  // A slow reader of all documents is one, where the dialect lets it: on one socket.
  const std::uint32_t slow_sockets = alone ? slow : o_.stopped + o_.drips;
  connections_.resize(shared + slow_sockets);
  for (std::uint32_t doc = 0; doc < o_.docs; ++doc) {
    for (std::uint32_t k = 0; k < each; ++k) {
      std::int64_t writer = -1;
      if (k < o_.writers) {
        writer = static_cast<std::int64_t>(writers_.size());
        writers_.push_back({.participant = static_cast<std::uint32_t>(participants_.size()),
                            .doc = doc,
                            .number = k,
                            .sent_ns = {},
                            .missing = {}});
      }
      add_participant((doc * each + k) % shared, doc, writer);
    }
  }
  full_ = participants_.size();
  for (std::uint32_t i = 0; i < slow; ++i) {
    const std::uint32_t kind = i / o_.docs;
    const std::uint32_t connection = shared + (alone ? i : kind);
    connections_[connection].pace = kind < o_.stopped ? Pace::Stopped : Pace::Drip;
    add_participant(connection, i % o_.docs, -1);
  }
}

std::string Load::request_for(std::uint32_t doc) const {
  std::string path = path_;
  if (o_.dialect == Dialect::Yws) path += (path.back() == '/' ? "" : "/") + docs_[doc];
  if (!o_.query.empty()) path += (path.find('?') == std::string::npos ? "?" : "&") + o_.query;
  std::string request = "GET " + path + " HTTP/1.1\r\nHost: " + host_ + ":" + port_ +
                        "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                        "Sec-WebSocket-Version: 13\r\n";
  for (const std::string& header : o_.headers) request += header + "\r\n";
  return request + "\r\n";
}

// --- Connecting ---

void Load::failed(const std::string& why) {
  ++failed_;
  if (first_failure_.empty()) first_failure_ = why;
}

void Load::ended(std::uint32_t c, const std::string& why) {
  if (connections_[c].end.empty()) connections_[c].end = why;
  connections_[c].ended_ns = now_ns();
  if (finishing_) return;
  // That a server drops who is too slow is what one wants to see.
  if (connections_[c].pace == Pace::Full) failed(why);
  progress_ns_ = now_ns();
  if (connections_[c].socket->was_open()) return;
  ++connected_;
  connect_next();
}

void Load::connect_next() {
  if (next_to_connect_ >= connections_.size()) return;
  const auto c = static_cast<std::uint32_t>(next_to_connect_++);
  Connection& connection = connections_[c];
  connection.socket = std::make_unique<Socket>(io_, reader_);
  connection.started_ns = now_ns();
  connection.socket->on_message = [this, c](std::string_view message, std::uint64_t received_ns) {
    on_message(c, message, received_ns);
  };
  connection.socket->on_end = [this, c](const std::string& why) { ended(c, why); };
  const int buffer = connection.pace == Pace::Full ? 0 : kSlowBuffer;
  connection.socket->connect(endpoint_, request_for(connection.participant_of.begin()->first),
                             buffer, [this, c] {
                               const std::uint64_t now = now_ns();
                               handshake_.add((now - connections_[c].started_ns) / 1000);
                               progress_ns_ = now;
                               if (++connected_ == connections_.size()) connected_ns_ = now;
                               open_documents(c);
                               connect_next();
                             });
}

// --- Sending ---

void Load::send_update(std::uint32_t number) {
  Writer& writer = writers_[number];
  const std::uint32_t ids = ids_per_writer();
  const std::uint64_t i = writer.sent_ns.size();
  const std::uint32_t first = base_ + number * ids;
  const auto id_of = [&](std::uint64_t update) {
    return Id{first + static_cast<std::uint32_t>(update % ids), update / ids * chars_};
  };
  Id origin{0, 0};
  if (i > 0) {
    origin = id_of(i - 1);
    origin.clock += chars_ - 1;
  }
  const std::string update =
      encode_insert(id_of(i), i > 0 ? &origin : nullptr, o_.text, chars_, o_.replace ? chars_ : 0);
  std::string message;
  put_varuint(message, 0);  // Sync,
  put_varuint(message, 2);  // an update.
  put_varstring(message, update);
  writer.sent_ns.push_back(now_ns());
  writer.missing.push_back(expected_per_update_);
  ++sent_;
  send(writer.doc, *connections_[participants_[writer.participant].socket].socket, message);
}

void Load::fill_window(std::uint32_t number) {
  Writer& writer = writers_[number];
  while (may_send(writer) && writer.sent_ns.size() - writer.complete < o_.window) {
    if (now_ns() >= stop_ns_) {
      sending_ = false;
      return;
    }
    send_update(number);
  }
}

// One queue of due times for all writers, who start spread over one interval.
void Load::keep_rate() {
  const auto interval = static_cast<std::uint64_t>(1e9 / o_.rate);
  for (std::uint64_t now = now_ns(); !due_.empty() && due_.top().first <= now; now = now_ns()) {
    const auto [at, number] = due_.top();
    due_.pop();
    if (at >= stop_ns_ || !may_send(writers_[number])) continue;
    send_lag_.add((now - at) / 1000);
    send_update(number);
    due_.push({at + interval, number});
  }
  if (due_.empty()) return;
  pace_timer_.expires_at(
      std::chrono::steady_clock::time_point(std::chrono::nanoseconds(due_.top().first)));
  pace_timer_.async_wait([this](asio::error_code error) {
    if (!error) keep_rate();
  });
}

void Load::drip() {
  for (const Connection& connection : connections_) {
    if (connection.pace != Pace::Drip || !connection.socket->was_open()) continue;
    (void)connection.socket->read_some(o_.drip_bytes / kDripsPerSecond);
  }
  drip_timer_.expires_after(std::chrono::milliseconds(1000 / kDripsPerSecond));
  drip_timer_.async_wait([this](asio::error_code error) {
    if (!error) drip();
  });
}

void Load::start_sending() {
  start_ = sample_process(o_.pid);
  sending_ = true;
  send_ns_ = now_ns();
  stop_ns_ = send_ns_ + static_cast<std::uint64_t>(o_.seconds * 1e9);
  if (o_.drips > 0) drip();
  for (std::uint32_t i = 0; i < writers_.size(); ++i) {
    if (o_.rate > 0) {
      const double shift = 1e9 / o_.rate * i / double(writers_.size());
      due_.push({send_ns_ + static_cast<std::uint64_t>(shift), i});
    } else {
      fill_window(i);
    }
  }
  if (o_.rate > 0) keep_rate();
}

// --- The course of things ---

bool Load::finished(std::uint64_t now) const {
  bool all_sent = now >= stop_ns_;
  if (o_.updates > 0 && !writers_.empty()) {
    all_sent = all_sent || std::all_of(writers_.begin(), writers_.end(), [&](const Writer& w) {
                 return w.sent_ns.size() >= o_.updates;
               });
  }
  if (!all_sent) return false;
  const std::uint64_t since = std::max({last_delivery_ns_, send_ns_, std::min(now, stop_ns_)});
  return all_delivered() || seconds_between(since, now) > o_.grace;
}

// Ten times a second: watches the server, begins the sending when all are synced, sees the end.
void Load::poll() {
  const ProcessSample sample = sample_process(o_.pid);
  rss_max_kb_ = std::max(rss_max_kb_, sample.rss_kb);
  const std::uint64_t now = now_ns();
  bool done = false;
  if (o_.dialect == Dialect::Hocuspocus) keep_alive();
  if (send_ns_ != 0) {
    done = finished(now);
    if (done) sending_ = false;
  } else if (connected_ >= connections_.size() && synced_ >= participants_.size() &&
             (o_.expect == 0 || with_expected_ >= full_)) {
    opened_ = sample;
    start_sending();
  } else {
    const double quiet = seconds_between(std::max(progress_ns_, connect_ns_), now);
    done = quiet > kOpenSilence || (failed_ + denied_ > 0 && quiet > 5);
  }
  if (done) {
    end_ = sample_process(o_.pid);
    io_.stop();
    return;
  }
  poll_timer_.expires_after(kPoll);
  poll_timer_.async_wait([this](asio::error_code error) {
    if (!error) poll();
  });
}

bool Load::run() {
  raise_file_limit();
  plan();
  before_ = sample_process(o_.pid);
  rss_max_kb_ = before_.rss_kb;
  connect_ns_ = now_ns();
  for (std::uint32_t i = 0; i < o_.parallel; ++i) connect_next();
  poll();
  io_.run();
  finishing_ = true;
  for (const Connection& connection : connections_) {
    // What is told to a stopped reader in the end says whether it was dropped, and why.
    if (connection.pace != Pace::Full && connection.socket) connection.socket->drain(kDrainSeconds);
  }
  return send_ns_ != 0 && failed_ == 0 && denied_ == 0 && duplicates_ == 0 && all_delivered();
}

}  // namespace diaryx::bench
