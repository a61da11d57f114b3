// run_sql FILE [--killed] < SQL: makes databases that are none of ours. --killed: as a process
// leaves them that is killed, with the write-ahead log or the journal beside them. For tests.
#include <cstdio>
#include <string>
#include <string_view>

#include <sqlite3.h>
#include <unistd.h>

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  std::string sql;
  for (int octet = std::getchar(); octet != EOF; octet = std::getchar())
    sql += static_cast<char>(octet);
  sqlite3* db = nullptr;
  char* message = nullptr;
  if (sqlite3_open(argv[1], &db) != SQLITE_OK ||
      sqlite3_exec(db, sql.c_str(), nullptr, nullptr, &message) != SQLITE_OK) {
    std::fprintf(stderr, "%s\n", message != nullptr ? message : sqlite3_errmsg(db));
    return 1;
  }
  if (argc > 2 && std::string_view(argv[2]) == "--killed") ::_exit(0);
  return sqlite3_close(db) == SQLITE_OK ? 0 : 1;
}
