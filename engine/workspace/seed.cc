#include "engine/workspace/seed.h"

#include "engine/base/hash.h"
#include "engine/crdt/doc.h"
#include "engine/workspace/record_map.h"

namespace diaryx::workspace {
namespace {

std::uint64_t client_for(std::string_view what) {
  return 1 + stable_hash64(what) % 0xffff'ffffU;
}

Buffer write_records(const std::map<std::string, FileRecord, std::less<>>& records,
                     std::uint64_t client_id) {
  crdt::Doc doc(crdt::DocOptions{.client_id = client_id});
  doc.transact([&] {
    crdt::Map files = doc.map("files");
    for (const auto& [id, record] : records) {
      write_record(crdt::Map(files.set_type(id, crdt::TypeKind::Map)), nullptr, record);
    }
  });
  return doc.encode_state_as_update();
}

}  // namespace

Seed seed_records(const std::map<std::string, FileRecord, std::less<>>& records) {
  // What is hashed is the update itself, as some fixed client would write it: nothing that is
  // written can be forgotten.
  const Buffer draft = write_records(records, 1);
  const std::uint64_t client_id = client_for(as_text(draft));
  return {client_id, write_records(records, client_id)};
}

Seed seed_body(std::string_view file_id, std::string_view text) {
  std::string what = "body\n";
  what.append(file_id).append("\n").append(text);
  const std::uint64_t client_id = client_for(what);
  crdt::Doc doc(crdt::DocOptions{.client_id = client_id});
  if (!text.empty()) doc.text("body").insert(0, text);
  return {client_id, doc.encode_state_as_update()};
}

}  // namespace diaryx::workspace
