// First contents, written the same on every machine: who writes is derived from what is written.
#include "engine/base/hash.h"
#include "engine/workspace/metadata_doc.h"
#include "engine/workspace/record_map.h"

namespace diaryx::workspace {
namespace {

Buffer empty_update() {
  return {0, 0};
}

// 1 .. 2^32 - 1: clients built on yrs truncate longer ids, and 0 is nobody.
std::uint64_t client_of(std::string_view kind, std::string_view content) {
  std::string text(kind);
  text += '\n';
  text += content;
  return stable_hash64(text) % 0xFFFF'FFFFULL + 1;
}

Buffer write_records(const std::map<std::string, FileRecord, std::less<>>& records,
                     std::uint64_t client) {
  crdt::Doc doc(crdt::DocOptions{client});
  const crdt::Map files = doc.map("files");
  doc.transact([&] {
    for (const auto& [id, record] : records) write_record(files, id, record);
  });
  return doc.encode_state_as_update();
}

}  // namespace

Seed seed_records(const std::map<std::string, FileRecord, std::less<>>& records) {
  if (records.empty()) return {client_of("records", ""), empty_update()};
  // The update itself says exactly what is written, so its bytes under a fixed client are what is
  // hashed.
  const Buffer content = write_records(records, 1);
  const std::uint64_t client = client_of("records", as_text(content));
  return {client, write_records(records, client)};
}

Seed seed_body(std::string_view file_id, std::string_view text) {
  std::string content(file_id);
  content += '\n';
  content += text;
  const std::uint64_t client = client_of("body", content);
  if (text.empty()) return {client, empty_update()};
  crdt::Doc doc(crdt::DocOptions{client});
  doc.text("body").insert(0, text);
  return {client, doc.encode_state_as_update()};
}

}  // namespace diaryx::workspace
