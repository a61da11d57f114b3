#include "tests/bench/server/options.h"

#include <cstdlib>
#include <map>

#include <CLI/CLI.hpp>

namespace diaryx::bench {

Options parse_options(int argc, char** argv) {
  Options o;
  CLI::App app("A load of Yjs clients on one sync server; prints one line of JSON");
  const std::map<std::string, Dialect> dialects{{"mux8", Dialect::Mux8},
                                                {"mux-varuint", Dialect::MuxVaruint},
                                                {"yws", Dialect::Yws},
                                                {"hocuspocus", Dialect::Hocuspocus}};
  app.add_option("--url", o.url, "ws://HOST:PORT/PATH")->required();
  app.add_option("--dialect", o.dialect_name)->check(CLI::IsMember(dialects));
  app.add_option("--query", o.query, "of the address");
  app.add_option("--header", o.headers, "'Name: value', also several times");
  app.add_option("--token", o.token, "in Hocuspocus' auth message");
  app.add_option("--doc-prefix", o.doc_prefix);
  app.add_option("--doc-suffix", o.doc_suffix);
  app.add_option("--docs-file", o.docs_file, "one document name a line");
  app.add_option("--text", o.text, "the root text that is written");
  app.add_option("--docs", o.docs)->check(CLI::PositiveNumber);
  app.add_option("--writers", o.writers, "of each document");
  app.add_option("--readers", o.readers, "of each document");
  app.add_option("--stopped", o.stopped, "more readers of each, that stop reading once synced");
  app.add_option("--drips", o.drips, "more readers of each, that read little");
  app.add_option("--drip-bytes", o.drip_bytes, "a second")->check(CLI::Range(10, 1 << 20));
  app.add_option("--sockets", o.sockets, "shared by all documents; 0: one each");
  app.add_option("--bytes", o.bytes, "of an update, about");
  app.add_option("--rate", o.rate, "updates/s of each writer; 0: a window");
  app.add_option("--window", o.window, "updates of a writer on their way");
  app.add_option("--seconds", o.seconds);
  app.add_option("--updates", o.updates, "of each writer, at most");
  app.add_option("--grace", o.grace, "seconds");
  app.add_flag("--alternate", o.alternate, "two client ids take turns");
  app.add_flag("--replace", o.replace, "each update deletes the text of the one before");
  app.add_option("--expect", o.expect, "characters that each reader waits for");
  app.add_option("--parallel", o.parallel, "handshakes at a time")->check(CLI::PositiveNumber);
  app.add_option("--client-base", o.client_base, "the first Yjs client id");
  app.add_option("--pid", o.pid, "the server's process");
  app.add_option("--dump", o.dump, "file for what was sent");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error) == 0 ? 0 : 2);
  }
  o.dialect = dialects.at(o.dialect_name);
  return o;
}

}  // namespace diaryx::bench
