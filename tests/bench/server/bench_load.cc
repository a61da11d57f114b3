// bench_load --url ws://… [options]: a load of Yjs clients on one server, without Yjs. One line of
// JSON; exit code 1 if something was lost, doubled or refused, 2 if it could not be tried.
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "tests/bench/server/load.h"

int main(int argc, char** argv) {
  using namespace diaryx::bench;
  try {
    const Options options = parse_options(argc, argv);
    Load load(options);
    const bool good = load.run();
    std::printf("%s\n", load.report().dump().c_str());
    if (!options.dump.empty()) load.dump();
    std::fflush(stdout);
    std::_Exit(good ? 0 : 1);  // Thousands of sockets need no orderly end.
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_load: %s\n", error.what());
    return 2;
  }
}
