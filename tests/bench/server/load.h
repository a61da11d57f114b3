// The load: connects everybody, waits until each has its SyncStep2, lets the writers send, and
// knows of every update at whom it has arrived, by the (client, clock) inside it. So servers that
// relay updates as they are, that split them, and that merge several into one message are counted
// alike.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <queue>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <asio.hpp>
#include <nlohmann/json.hpp>

#include "tests/bench/server/figures.h"
#include "tests/bench/server/options.h"
#include "tests/bench/server/socket.h"

namespace diaryx::bench {

class Load {
 public:
  explicit Load(Options options);

  // True: everybody got every update once, and nothing failed.
  bool run();
  nlohmann::ordered_json report() const;
  // What was sent, for verify.mjs.
  void dump() const;

 private:
  enum class Pace { Full, Stopped, Drip };
  struct Writer {
    std::uint32_t participant = 0;
    std::uint32_t doc = 0;
    std::uint32_t number = 0;            // Within its document.
    std::vector<std::uint64_t> sent_ns;  // Of each update.
    std::vector<std::uint32_t> missing;  // Of each update: those who have not got it.
    std::uint64_t complete = 0;          // Updates that everybody has.
  };
  // One document on one socket.
  struct Participant {
    std::uint32_t socket = 0;
    std::uint32_t doc = 0;
    std::int64_t writer = -1;  // Its place in writers_.
    bool synced = false;
    bool has_expected = false;
    std::uint64_t opened_ns = 0;
    std::uint64_t characters = 0;
    std::uint64_t step2_bytes = 0;
    std::vector<std::vector<bool>> seen;  // [writer of the document][update]
  };
  struct Connection {
    std::unique_ptr<Socket> socket;
    std::unordered_map<std::uint32_t, std::uint32_t> participant_of;  // By document.
    std::uint64_t started_ns = 0;
    std::uint64_t ended_ns = 0;
    std::string end;
    Pace pace = Pace::Full;
  };

  // load.cc: who takes part, when what is done.
  void plan();
  void plan_documents();
  void add_participant(std::uint32_t connection, std::uint32_t doc, std::int64_t writer);
  std::string request_for(std::uint32_t doc) const;
  void connect_next();
  void ended(std::uint32_t connection, const std::string& why);
  void start_sending();
  void send_update(std::uint32_t writer);
  void fill_window(std::uint32_t writer);
  void keep_rate();
  void drip();
  void poll();
  bool finished(std::uint64_t now) const;
  bool may_send(const Writer& writer) const {
    return sending_ && (o_.updates == 0 || writer.sent_ns.size() < o_.updates);
  }
  bool all_delivered() const { return delivered_ == sent_ * expected_per_update_; }
  std::uint32_t ids_per_writer() const { return o_.alternate ? 2 : 1; }
  void failed(const std::string& why);

  // messages.cc: what is said.
  void send(std::uint32_t doc, Socket& socket, std::string_view messages);
  void open_documents(std::uint32_t connection);
  void keep_alive();
  void on_message(std::uint32_t connection, std::string_view message, std::uint64_t received_ns);
  void on_sync(Participant& participant, std::uint64_t kind, std::string_view body,
               std::uint64_t received_ns);
  void on_range(Participant& participant, std::uint64_t client, std::uint64_t clock,
                std::uint64_t length, std::uint64_t received_ns);
  void deliver(Participant& participant, Writer& writer, std::uint64_t update,
               std::uint64_t received_ns);

  const Options o_;
  std::string prefix_;
  asio::io_context io_;
  Reader reader_{io_};
  asio::steady_timer pace_timer_{io_}, poll_timer_{io_}, drip_timer_{io_};
  std::string host_, port_, path_;
  asio::ip::tcp::endpoint endpoint_;
  std::vector<std::string> docs_;
  std::unordered_map<std::string_view, std::uint32_t> doc_of_name_;
  std::vector<Connection> connections_;
  std::vector<Participant> participants_;
  std::vector<Writer> writers_;
  std::uint32_t base_ = 0;
  std::uint32_t chars_ = 1;
  std::uint32_t expected_per_update_ = 0;

  std::size_t next_to_connect_ = 0, connected_ = 0, synced_ = 0, with_expected_ = 0, full_ = 0;
  Histogram handshake_, open_, content_, latency_, send_lag_;
  // Moments on the steady clock; 0: not yet.
  std::uint64_t connect_ns_ = 0, connected_ns_ = 0, synced_ns_ = 0, progress_ns_ = 0;
  std::uint64_t send_ns_ = 0, stop_ns_ = 0, last_delivery_ns_ = 0, kept_alive_ns_ = now_ns();
  std::uint64_t sent_ = 0, sent_bytes_ = 0, delivered_ = 0, update_messages_ = 0;
  std::uint64_t duplicates_ = 0, echoes_ = 0, undecoded_ = 0, foreign_ = 0, denied_ = 0;
  std::uint64_t failed_ = 0;
  std::string first_failure_;
  bool sending_ = false, finishing_ = false;
  using Due = std::pair<std::uint64_t, std::uint32_t>;  // When, which writer.
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  ProcessSample before_, opened_, start_, end_;
  std::uint64_t rss_max_kb_ = 0;
};

}  // namespace diaryx::bench
