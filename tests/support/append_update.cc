// append_update STORE DOCUMENT < UPDATE: what a second process does that writes to a store behind
// the back of a running server. For tests.
#include <cstdio>
#include <string>

#include "engine/storage/store.h"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  diaryx::Buffer update;
  for (int octet = std::getchar(); octet != EOF; octet = std::getchar())
    update.push_back(static_cast<std::uint8_t>(octet));
  auto store = diaryx::storage::Store::open(argv[1], diaryx::storage::OpenMode::ReadWrite);
  if (!store) {
    std::fprintf(stderr, "%s\n", store.error().message.c_str());
    return 1;
  }
  const diaryx::storage::NewUpdate row{argv[2], update, diaryx::storage::UpdateOrigin::Remote, 1};
  return (*store)->append({&row, 1}) ? 0 : 1;
}
