#include "tests/support/editors_world.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include <fmt/core.h>

#include "engine/base/check.h"
#include "engine/base/utf.h"
#include "engine/workspace/metadata_doc.h"
#include "engine/workspace/render.h"

namespace diaryx::test {
namespace {

constexpr char32_t kFirstMarker = 0x4E00;
constexpr char32_t kFirstWideMarker = 0x20000;
constexpr char32_t kFirstTag = 0xE000;
constexpr const char* kWorkspace = "workspace:test";

std::string said_of(const sync::DiskResult& result) {
  std::string said;
  if (std::holds_alternative<sync::ListTask>(result.task)) said = "list";
  if (const auto* read = std::get_if<sync::ReadTask>(&result.task))
    said = "read " + read->path.str();
  if (const auto* write = std::get_if<sync::WriteTask>(&result.task))
    said = fmt::format("write {} {}", write->file_id, write->path.str());
  if (const auto* move = std::get_if<sync::MoveTask>(&result.task))
    said = fmt::format("move {} {} -> {}", move->file_id, move->from.str(), move->to.str());
  if (const auto* trash = std::get_if<sync::TrashTask>(&result.task))
    said = fmt::format("trash {} {}", trash->file_id, trash->path.str());
  if (!result.status) said += ": " + result.status.error().message;
  return said;
}

crdt::Map record_in(crdt::Doc& doc, const std::string& id) {
  return crdt::Map(std::get<crdt::TypeRef>(*doc.map("files").get(id)));
}

}  // namespace

EditorsWorld::EditorsWorld(std::uint64_t seed)
    : chance_(seed), world_(files_, seed), traced_(std::getenv("DIARYX_TRACE")) {
  for (int i = 0; i < 4; ++i) start_file();
  world_.reconcile();
  for (int i = 0; i < 2; ++i) {
    Peer& peer = world_.connect();
    peer.open(kWorkspace);
  }
  run(4);
  files_.before_step([this](std::string_view) {
    if (one_in(8)) program();
  });
}

// --- what happens, told ---

std::string EditorsWorld::places_of(const std::string& marker) {
  std::string places;
  const auto look = [&](const std::string& text, const std::string& where) {
    for (std::size_t at = text.find(marker); at != std::string::npos;
         at = text.find(marker, at + marker.size()))
      places += " " + where;
  };
  for (const auto& [path, bytes] : files_.files()) look(bytes, path);
  for (const Save& save : saves_) look(save.bytes, "save:" + save.path);
  sync::Documents& documents = world_.live->documents();
  for (const auto& [id, record] : documents.metadata().records()) {
    const std::string where = fmt::format("{}{}@{}", record.deleted ? "-" : "", id, record.path);
    look(record.header.value_or(""), where + ":header");
    // To load the others would change what happens.
    if (sync::LiveDocument* document = documents.loaded(sync::body_doc_name(id)))
      look(document->text().to_string(), where);
  }
  for (std::size_t i = 0; i < world_.peers.size(); ++i) {
    for (const std::string& id : ids_)
      look(world_.peers[i]->body(world_.wire(id)), fmt::format("peer{}:{}", i, id));
  }
  return places;
}

void EditorsWorld::trace(std::string_view what) {
  if (traced_ == nullptr) return;
  fmt::print(stderr, "{} {}\n", world_.clock.steady_ms(), what);
  if (*traced_ == '\0') return;
  std::string places = places_of(traced_);
  if (places == traced_places_) return;
  traced_places_ = std::move(places);
  fmt::print(stderr, "    {}:{}\n", traced_, traced_places_);
}

// --- text ---

std::string EditorsWorld::new_marker() {
  std::string marker;
  ++markers_;
  append_code_point(marker, static_cast<char32_t>(
                                (markers_ % 2 == 0 ? kFirstMarker : kFirstWideMarker) + markers_));
  return marker;
}

std::string EditorsWorld::new_tag() {
  std::string tag;
  append_code_point(tag, static_cast<char32_t>(kFirstTag + ++tags_));
  return tag;
}

std::string EditorsWorld::new_words() {
  std::string text;
  for (int i = 0; i < 12; ++i) text += i % 6 == 5 ? ' ' : static_cast<char>('a' + below(26));
  return text;
}

std::string EditorsWorld::new_text() {
  const std::string tag = new_tag();
  const std::string marker = new_marker();
  put_in(marker, {tag});
  const std::string header = one_in(4) ? "" : fmt::format("---\ntitle: Note {}\n---\n", tags_);
  // Notes are not alike.
  return fmt::format("{}{} {}\n\n{}{}.\n{}l\u00efne.\n", header, tag, new_words(), new_words(),
                     marker, new_words());
}

std::vector<std::string> EditorsWorld::markers_in(const std::string& text) const {
  std::vector<std::string> all;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = code_point_at(text, at);
    if ((c.value >= kFirstMarker && c.value < kFirstMarker + 10'000) || c.value >= kFirstWideMarker)
      all.push_back(text.substr(at, c.bytes));
    at += c.bytes;
  }
  return all;
}

std::set<std::string> EditorsWorld::tags_in(const std::string& text) const {
  std::set<std::string> all;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = code_point_at(text, at);
    if (c.value >= kFirstTag && c.value < 0xF900) all.insert(text.substr(at, c.bytes));
    at += c.bytes;
  }
  return all;
}

std::size_t EditorsWorld::place_in(const std::string& text, std::size_t from) {
  std::size_t at = from + below(text.size() - from + 1);
  while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) ++at;
  return at;
}

// --- what must be ---

void EditorsWorld::put_in(const std::string& marker, const std::set<std::string>& tags) {
  const bool doomed = tags.empty() || std::any_of(tags.begin(), tags.end(), [&](const auto& tag) {
                        return doomed_.contains(tag);
                      });
  (doomed ? somewhere_ : expected_).insert(marker);
}

void EditorsWorld::take_out(const std::string& marker, const std::set<std::string>& tags) {
  const bool doomed = tags.empty() || std::any_of(tags.begin(), tags.end(), [&](const auto& tag) {
                        return doomed_.contains(tag);
                      });
  expected_.erase(marker);
  somewhere_.erase(marker);
  if (doomed) either_.insert(marker);
}

void EditorsWorld::doom(const std::set<std::string>& tags) {
  doomed_.insert(tags.begin(), tags.end());
  const auto look = [&](const std::string& text) {
    const auto inside = tags_in(text);
    const bool concerned = std::any_of(inside.begin(), inside.end(),
                                       [&](const auto& tag) { return tags.contains(tag); });
    if (!concerned) return;
    for (const std::string& marker : markers_in(text)) {
      if (expected_.erase(marker) != 0) somewhere_.insert(marker);
    }
  };
  for (const auto& [path, bytes] : files_.files()) look(bytes);
  for (const Save& save : saves_) look(save.bytes);
  for (const auto& [id, record] : world_.live->documents().metadata().records())
    look(*world_.live->documents().body_text(id));
  for (const auto& peer : world_.peers) {
    for (const std::string& id : ids_) look(peer->body(world_.wire(id)));
  }
}

// --- peers ---

void EditorsWorld::peer_type(Peer& peer) {
  const auto& records = world_.live->documents().metadata().records();
  if (records.empty()) return;
  auto it = records.begin();
  std::advance(it, static_cast<std::ptrdiff_t>(below(records.size())));
  const std::string id = it->first;
  const std::string wire = world_.wire(id);
  if (ids_.insert(id).second) {
    for (auto& each : world_.peers) each->open(wire);
    return;
  }
  const std::string body = peer.body(wire);
  auto tags = tags_in(body);
  if (it->second.deleted) tags.clear();
  const auto markers = markers_in(body);
  if (!markers.empty() && one_in(4)) {
    const std::string& marker = markers[below(markers.size())];
    const std::size_t at = body.find(marker);
    peer.edit(wire, [&](crdt::Doc& doc) {
      doc.text("body").erase(utf16_length(body.substr(0, at)), utf16_length(marker));
    });
    take_out(marker, tags);
    trace(fmt::format("a peer takes {} out of {}", marker, id));
  } else {
    const std::string marker = new_marker();
    const std::size_t at = place_in(body, 0);
    peer.edit(wire, [&](crdt::Doc& doc) {
      doc.text("body").insert(utf16_length(body.substr(0, at)), marker);
    });
    put_in(marker, tags);
    trace(fmt::format("a peer puts {} into {}", marker, id));
  }
}

void EditorsWorld::peer_record(Peer& peer) {
  crdt::Doc& doc = peer.doc(kWorkspace);
  std::vector<std::string> ids;
  for (const auto& [id, record] : world_.live->documents().metadata().records()) {
    if (doc.map("files").get(id)) ids.push_back(id);
  }
  if (ids.empty()) return;
  const std::string id = ids[below(ids.size())];
  const std::string wire = world_.wire(id);
  switch (below(4)) {
    case 0: {
      auto tags = tags_in(*world_.live->documents().body_text(id));
      if (ids_.contains(id)) tags.merge(tags_in(peer.body(wire)));
      doom(tags);
      // What is in it without a tag, too: the tag may be on its way.
      for (const std::string& marker : markers_in(*world_.live->documents().body_text(id))) {
        if (expected_.erase(marker) != 0) somewhere_.insert(marker);
      }
      deleted_.insert(id);
      peer.edit(kWorkspace, [&](crdt::Doc& files) { record_in(files, id).set("deleted", true); });
      return trace("a peer deletes " + id);
    }
    case 1:
      peer.edit(kWorkspace, [&](crdt::Doc& files) { record_in(files, id).set("deleted", false); });
      return trace("a peer restores " + id);
    default: {
      const std::string to = new_path();
      peer.edit(kWorkspace, [&](crdt::Doc& files) { record_in(files, id).set("path", to); });
      return trace(fmt::format("a peer moves {} to {}", id, to));
    }
  }
}

void EditorsWorld::peer_new_note(Peer& peer) {
  const std::string id = fmt::format("new{}", ++records_);
  const std::string wire = world_.wire(id);
  const std::string path = new_path();
  peer.edit(kWorkspace, [&](crdt::Doc& doc) {
    crdt::Map record(doc.map("files").set_type(id, crdt::TypeKind::Map));
    record.set("path", path);
    record.set("title", "New");
  });
  const std::string tag = new_tag();
  const std::string marker = new_marker();
  const std::string words = new_words() + new_words();
  ids_.insert(id);
  for (auto& each : world_.peers) each->open(wire);
  peer.edit(wire, [&](crdt::Doc& doc) { doc.text("body").insert(0, tag + words + marker); });
  put_in(marker, {tag});
  trace(fmt::format("a peer makes {} at {}", id, path));
}

void EditorsWorld::come_back(Peer& peer) {
  trace("a peer comes back");
  peer.disconnect();
  peer.reconnect(*world_.live, next_connection_++);
}

// --- us ---

void EditorsWorld::turn() {
  world_.live->tick();
  const sync::Turn turn = world_.live->end_turn();
  for (const auto& peer : world_.peers) peer->take(turn);
  for (sync::DiskTask& task : world_.live->disk().take_tasks()) tasks_.push_back(std::move(task));
  trace("turn");
}

void EditorsWorld::work() {
  if (tasks_.empty()) return turn();
  sync::DiskTask task = std::move(tasks_.front());
  tasks_.pop_front();
  auto result = sync::run_disk_task(files_, std::move(task));
  if (traced_ != nullptr) trace(said_of(result));
  world_.live->disk().complete(std::move(result));
}

void EditorsWorld::run(int turns) {
  for (int i = 0; i < turns; ++i) {
    turn();
    while (!tasks_.empty()) work();
  }
}

void EditorsWorld::advance(std::int64_t ms) {
  world_.clock.advance(ms);
  disk_clock_.advance(ms);
  if (!gone_ && !files_.stopped()) finish_saves(false);
}

void EditorsWorld::start_again() {
  trace("the server starts again");
  tasks_.clear();
  clean_up();
  world_.restart();
  world_.live->disk().rescan();
  told_.clear();  // The watcher is a new one.
  for (const auto& peer : world_.peers) {
    if (one_in(2)) come_back(*peer);
  }
}

void EditorsWorld::crash() {
  start_again();
}

// All programs end with the power; what they had saved is there.
void EditorsWorld::power_cut() {
  if (gone_) return;
  files_.stop_at_step(1 + below(6));
  for (int i = 0; i < 12 && !files_.stopped(); ++i) work();
  files_.restart(one_in(2) ? &chance_ : nullptr);
  // What was not saved to the end is lost, and the person writes it again.
  std::erase_if(saves_, [&](const Save& save) {
    if (save.kind == Save::Kind::Emptied) files_.edit(save.path, save.bytes);
    return save.kind == Save::Kind::Emptied;
  });
  start_again();
}

// As `serve` does at its start.
void EditorsWorld::clean_up() {
  for (const auto& [path, bytes] : files_.files()) {
    const std::size_t name = path.rfind('/') == std::string::npos ? 0 : path.rfind('/') + 1;
    if (path.substr(name).starts_with(".diaryx-") && path.ends_with(".tmp"))
      files_.rename(path, fmt::format(".diaryx/trash/left-{}/{}", ++records_, path));
  }
}

// No file can be in a file: somebody has to give one of the two another name.
void EditorsWorld::make_way() {
  const workspace::MetadataDoc& metadata = world_.live->documents().metadata();
  // A folder that nothing is in any more.
  for (const char* path : paths()) {
    const auto files = files_.files();
    const std::string below_it = std::string(path) + "/";
    const auto inside = files.lower_bound(below_it);
    const bool used = inside != files.end() && inside->first.starts_with(below_it);
    if (files_.has(path) && !files_.peek(path) && !used) files_.erase(path);
  }
  std::map<std::string, std::string> paths;
  for (const auto& [id, record] : metadata.records()) {
    if (const auto path = metadata.path_of(id)) paths.emplace(*path, id);
  }
  const auto stamps = world_.store->ledger_stamps();
  for (const auto& [path, id] : paths) {
    const std::string below_it = path + "/";
    const auto next = paths.lower_bound(below_it);
    const bool is_folder = next != paths.end() && next->first.starts_with(below_it);
    // Nor can it take the place of the folder that it lies in, or lie in a folder where it is.
    const std::string& here = path;
    const bool in_itself = std::any_of(stamps->begin(), stamps->end(), [&](const auto& stamp) {
      return stamp.path.starts_with(below_it) || here.starts_with(stamp.path + "/");
    });
    if (!is_folder && !in_itself) continue;
    if (!world_.peers[0]->doc(kWorkspace).map("files").get(id)) continue;  // Has not heard of it.
    const std::string to = fmt::format("way-{}.md", ++records_);
    const std::string& note = id;
    world_.peers[0]->edit(kWorkspace,
                          [&](crdt::Doc& files) { record_in(files, note).set("path", to); });
  }
}

void EditorsWorld::step() {
  Peer& peer = *world_.peers[below(world_.peers.size())];
  switch (below(24)) {
    case 0:
    case 1:
    case 2:
      return peer_type(peer);
    case 3:
      return one_in(3) ? peer_record(peer) : one_in(3) ? peer_new_note(peer) : peer_type(peer);
    case 4:
    case 5:
      return program();
    case 6:
    case 7:
      return advance(static_cast<std::int64_t>(below(120)));
    case 8:
      return advance(static_cast<std::int64_t>(below(2'500)));
    case 9:
    case 10:
    case 11:
      if (one_in(5)) return told_.clear();  // Lost; a later rescan finds it.
      return world_.live->disk().paths_changed(std::exchange(told_, {}));
    case 12:
      return world_.live->disk().rescan();
    case 13:
      if (!one_in(6)) return run(1);
      return one_in(2) ? crash() : power_cut();
    case 14:
      if (!one_in(3)) return run(1);
      switch (below(3)) {
        case 0:
          return files_.fail_step(1 + below(8), Error{ErrorCode::NoSpace, "the disk is full"});
        case 1:
          return files_.fail_step(1 + below(8), Error{ErrorCode::Io, "the disk is failing"});
        default:
          return files_.fail_step(1 + below(8), Error{ErrorCode::NotAllowed, "not permitted"});
      }
    case 15:
      if (one_in(4)) {
        gone_ = !gone_;
        files_.set_gone(gone_);
        if (!gone_) finish_saves(false);
        world_.live->disk().rescan();  // The watcher tells.
      }
      return;
    case 16:
      if (one_in(3)) {
        const auto ms = static_cast<std::int64_t>(below(200'000'000)) - 100'000'000;
        world_.clock.jump_wall(ms);
        disk_clock_.jump_wall(ms);
      }
      return;
    case 17:
      if (one_in(2)) return peer.disconnect();
      return come_back(peer);
    default:
      return work();
  }
}

void EditorsWorld::come_to_rest() {
  files_.before_step(nullptr);
  files_.set_gone(false);
  gone_ = false;
  finish_saves(true);
  for (const auto& [path, bytes] : files_.files()) files_.set_mode(path, 0644);
  for (const std::string& path : obstacles_) {
    const auto files = files_.files();
    const bool used = std::any_of(files.begin(), files.end(), [&](const auto& item) {
      return item.first.starts_with(path + "/");
    });
    if (!used && files_.has(path) && !files_.peek(path)) files_.erase(path);
  }
  while (!tasks_.empty()) work();
  for (const auto& peer : world_.peers) come_back(*peer);
  clean_up();
  for (int i = 0; i < 4; ++i) {
    make_way();
    world_.live->disk().rescan();
    for (int j = 0; j < 12; ++j) {
      run(2);
      advance(6'000);
    }
  }
  run(4);
}

std::vector<std::string> EditorsWorld::wrong() {
  std::vector<std::string> wrong;
  sync::Documents& documents = world_.live->documents();
  const workspace::MetadataDoc& metadata = documents.metadata();
  const auto files = files_.files();
  std::map<std::string, std::vector<std::string>> live;
  std::set<std::string> buried;
  std::set<std::string> paths;
  const auto stamps = world_.store->ledger_stamps();

  for (const auto& [id, record] : metadata.records()) {
    const std::string body = *documents.body_text(id);
    if (ids_.contains(id)) {
      for (const auto& peer : world_.peers) {
        if (peer->body(world_.wire(id)) != body) wrong.push_back(id + ": a peer holds other text");
      }
    }
    if (record.deleted) {
      for (const std::string& marker : markers_in(body)) {
        buried.insert(marker);
        // A file that came to the place of a note which a peer, out of reach, had deleted.
        if (deleted_.contains(id) && expected_.erase(marker) != 0) somewhere_.insert(marker);
      }
      for (const std::string& marker : markers_in(record.header.value_or("")))
        buried.insert(marker);
      continue;
    }
    const auto path = metadata.path_of(id);
    if (!path) {
      wrong.push_back(id + ": a live note without a path");
      continue;
    }
    paths.insert(*path);
    const std::string rendered = workspace::render_file(record, body, metadata);
    const auto file = files.find(*path);
    if (file == files.end()) {
      wrong.push_back(fmt::format("{}: {} is not on disk", id, *path));
    } else if (file->second != rendered) {
      wrong.push_back(
          fmt::format("{}: {} is\n{}\nand its document\n{}", id, *path, file->second, rendered));
    }
    const auto stamp =
        std::find_if(stamps->begin(), stamps->end(),
                     [&, &key = id](const auto& each) { return each.file_id == key; });
    if (stamp == stamps->end()) {
      wrong.push_back(*path + ": not in the ledger");
    } else if (stamp->path != *path || stamp->has_pending ||
               stamp->base_hash != sha256(as_bytes(rendered))) {
      wrong.push_back(*path + ": the ledger says otherwise");
    }
    for (const std::string& marker : markers_in(rendered)) live[marker].push_back(*path);
  }
  if (stamps->size() != paths.size())
    wrong.push_back(fmt::format("{} rows in the ledger, {} notes", stamps->size(), paths.size()));
  for (const auto& [path, bytes] : files) {
    if (path.starts_with(".diaryx/trash/")) {
      for (const std::string& marker : markers_in(bytes)) buried.insert(marker);
    } else if (!paths.contains(path)) {
      wrong.push_back(path + ": on disk, and no note");
    }
  }

  const auto places = [&](const std::string& marker) {
    std::string all;
    for (const std::string& path : live[marker]) all += " " + path;
    return all.empty() ? buried.contains(marker) ? " nowhere but deleted" : " nowhere" : all;
  };
  for (const std::string& marker : expected_) {
    if (live[marker].size() != 1)
      wrong.push_back(fmt::format("{} must be in one place and is in:{}", marker, places(marker)));
  }
  for (const std::string& marker : somewhere_) {
    if (live[marker].size() > 1 || (live[marker].empty() && !buried.contains(marker)))
      wrong.push_back(fmt::format("{}, deleted, is in:{}", marker, places(marker)));
  }
  for (const auto& entry : live) {
    const std::string& marker = entry.first;
    if (entry.second.empty() || expected_.contains(marker) || somewhere_.contains(marker)) continue;
    if (!either_.contains(marker) || entry.second.size() > 1)
      wrong.push_back(fmt::format("{} was taken out and is in:{}", marker, places(marker)));
  }
  for (const auto& [path, problem] : world_.live->disk().problems())
    wrong.push_back(fmt::format("problem: {}: {}", path, problem));
  if (!world_.live->disk().idle()) wrong.emplace_back("it does not come to rest");
  for (const std::string& id : world_.live->disk().ahead()) wrong.push_back(id + ": still ahead");
  if (!wrong.empty() && traced_ != nullptr) {
    for (const auto& [id, record] : metadata.records()) {
      fmt::print(stderr, "{}{} {} -> {}\n", record.deleted ? "-" : "", id, record.path,
                 metadata.path_of(id).value_or("nowhere"));
    }
    for (const storage::LedgerStamp& stamp : *stamps)
      fmt::print(stderr, "ledger: {} {}{}\n", stamp.file_id, stamp.path,
                 stamp.has_pending ? " pending" : "");
    for (const auto& [path, bytes] : files) fmt::print(stderr, "file: {}\n", path);
  }
  return wrong;
}

}  // namespace diaryx::test
