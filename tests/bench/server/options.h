// What a run of the load client does: who takes part, what they send, what is watched.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace diaryx::bench {

// How a document's messages are framed on a socket.
enum class Dialect {
  Mux8,        // /sync2: [length u8][document id][y-sync messages]
  MuxVaruint,  // The same with a varuint for the length.
  Yws,         // y-websocket: the messages alone; the path's last part names the document.
  Hocuspocus,  // [varstring document][type][…], with an auth message first.
};

struct Options {
  std::string url;  // ws://host:port/path
  Dialect dialect = Dialect::Mux8;
  std::string dialect_name = "mux8";
  std::string query;                 // Of the address, without the question mark.
  std::vector<std::string> headers;  // Of the handshake.
  std::string token = "load";        // Hocuspocus' auth message carries it.

  // Documents are called prefix + number + suffix. No prefix: one that no other run has.
  std::string doc_prefix, doc_suffix;
  std::string docs_file;  // Or: one name a line.
  std::string text = "body";

  std::uint32_t docs = 1;
  std::uint32_t writers = 1, readers = 1;  // Of each document.
  std::uint32_t stopped = 0;               // More readers of each, that read no more once synced.
  std::uint32_t drips = 0;                 // And some that read drip_bytes a second.
  std::uint32_t drip_bytes = 16'384;
  // All documents share so many sockets; 0: each participant has one of its own, as y-websocket
  // always does.
  std::uint32_t sockets = 0;

  std::uint32_t bytes = 200;  // Of an update, about.
  double rate = 0;            // Updates a second of each writer. 0: as many as `window` lets pass.
  std::uint32_t window = 4;   // Updates of one writer that have not reached everybody.
  double seconds = 5;
  std::uint64_t updates = 0;      // Of each writer, at most. 0: until the time is over.
  double grace = 10;              // Seconds without a delivery after which the rest counts as lost.
  bool alternate = false;         // Two client ids take turns: a server cannot join neighbours.
  bool replace = false;           // Each update deletes what the one before it inserted.
  std::uint64_t expect = 0;       // Each reader waits until it has so many characters.
  std::uint32_t parallel = 64;    // Handshakes at a time.
  std::uint32_t client_base = 0;  // The first Yjs client id. 0: by chance.
  int pid = 0;                    // The server's process.
  std::string dump;               // Where to write what was sent, for verify.mjs.
};

// Ends the program on --help (0) and on what it does not understand (2).
Options parse_options(int argc, char** argv);

}  // namespace diaryx::bench
