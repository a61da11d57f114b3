#include "tests/support/editors_world.h"

#include <algorithm>
#include <array>
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
// Between the two halves of a save in which the file is not there, at most: less than we wait
// before we write.
constexpr std::int64_t kGapMs = 150;

// Names that are one name to some people and some file systems.
constexpr std::array<const char*, 14> kPaths = {
    "a.md",      "A.md",       "b.md",       "caf\u00e9.md",  "cafe\u0301.md",
    "sub/a.md",  "Sub/a.md",   "sub/b.md",   "sub/deep/c.md", "x.md",
    "x.md/y.md", "other/a.md", "other/z.md", "sub/deep.md"};
constexpr std::array<const char*, 5> kFolders = {"sub", "Sub", "other", "sub/deep", "elsewhere"};

bool is_markdown(const std::string& path) {
  const auto parsed = WorkspacePath::parse(path);
  return parsed && parsed->is_markdown() && !parsed->is_hidden();
}

crdt::Map record_in(crdt::Doc& doc, const std::string& id) {
  return crdt::Map(std::get<crdt::TypeRef>(*doc.map("files").get(id)));
}

}  // namespace

EditorsWorld::EditorsWorld(std::uint64_t seed) : chance_(seed), world_(files_, seed) {
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

std::string EditorsWorld::new_text() {
  const std::string tag = new_tag();
  const std::string marker = new_marker();
  put_in(marker, {tag});
  const std::string header = one_in(4) ? "" : fmt::format("---\ntitle: Note {}\n---\n", tags_);
  return fmt::format("{}{} first line\n\nmiddle {}.\nlast l\u00efne.\n", header, tag, marker);
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

// --- other programs ---

void EditorsWorld::tell(const std::string& path) {
  if (auto parsed = WorkspacePath::parse(path)) told_.insert(std::move(*parsed));
}

std::optional<std::string> EditorsWorld::some_note() {
  std::vector<std::string> paths;
  for (const auto& [path, bytes] : files_.files()) {
    const std::string& here = path;
    const bool busy = std::any_of(saves_.begin(), saves_.end(),
                                  [&](const Save& save) { return save.path == here; });
    if (is_markdown(path) && !busy) paths.push_back(path);
  }
  if (paths.empty()) return std::nullopt;
  return paths[below(paths.size())];
}

bool EditorsWorld::seen(const std::string& path) {
  const auto stamps = world_.store->ledger_stamps();
  return std::any_of(stamps->begin(), stamps->end(), [&](const storage::LedgerStamp& stamp) {
    return stamp.path == path && stamp.base_hash == sha256(as_bytes(*files_.peek(path)));
  });
}

// The text of the file with one marker more, or less.
std::optional<std::string> EditorsWorld::changed(const std::string& path) {
  if (moved_.contains(path)) {
    // A file is told by its inode or its content when it turns up elsewhere. Change both, and the
    // name, while nobody looks, and it is another file.
    if (!seen(path)) return std::nullopt;
    moved_.erase(path);
  }
  std::string text = *files_.peek(path);
  const auto tags = tags_in(text);
  std::size_t body_at = 0;
  if (text.starts_with("---\n")) {
    const std::size_t end = text.find("\n---\n");
    if (end != std::string::npos) body_at = end + 5;
  }
  const auto markers = markers_in(text);
  if (!markers.empty() && one_in(4)) {
    const std::string& marker = markers[below(markers.size())];
    text.erase(text.find(marker), marker.size());
    take_out(marker, tags);
  } else {
    const std::string marker = new_marker();
    if (body_at > 4 && one_in(5)) {
      text.insert(text.find("\n---\n") + 1, fmt::format("k{}: {}\n", markers_, marker));
    } else {
      text.insert(place_in(text, body_at), marker);
    }
    put_in(marker, tags);
  }
  return text;
}

void EditorsWorld::save_changed() {
  const auto path = some_note();
  if (!path) return;
  const auto text = changed(*path);
  if (!text) return;
  const std::int64_t now = world_.clock.steady_ms();
  const auto how = below(5);
  switch (how) {
    case 0:
      files_.edit(*path, *text);
      break;
    case 1:
      files_.edit(*path + ".tmp", *text);
      files_.rename(*path + ".tmp", *path);
      break;
    case 2: {
      const std::uint64_t handle = files_.open_emptied(*path);
      saves_.push_back({Save::Kind::Emptied, *path, *text, handle, 0,
                        now + static_cast<std::int64_t>(below(3'000))});
      break;
    }
    case 3:
      files_.rename(*path, *path + "~");
      saves_.push_back({Save::Kind::Backup, *path, *text, 0, 0, now + kGapMs});
      break;
    default:
      files_.erase(*path);
      saves_.push_back({Save::Kind::Gap, *path, *text, 0, 0, now + kGapMs});
      break;
  }
  tell(*path);
}

void EditorsWorld::go_on(Save& save) {
  tell(save.path);
  switch (save.kind) {
    case Save::Kind::Emptied:
      if (save.stage++ == 0) {
        files_.write_open(save.handle, save.bytes.substr(0, place_in(save.bytes, 0)));
        return;
      }
      files_.write_open(save.handle, save.bytes);
      files_.close_open(save.handle);
      break;
    case Save::Kind::Backup:
      if (save.stage++ == 0) {
        files_.edit(save.path, save.bytes);
        return;
      }
      files_.erase(save.path + "~");
      break;
    case Save::Kind::Gap:
      files_.edit(save.path, save.bytes);
      break;
  }
  save.until_ms = -1;  // Done.
}

void EditorsWorld::finish_saves(bool all) {
  for (Save& save : saves_) {
    while (save.until_ms >= 0 && (all || save.until_ms <= world_.clock.steady_ms())) go_on(save);
  }
  std::erase_if(saves_, [](const Save& save) { return save.until_ms < 0; });
}

void EditorsWorld::save_unchanged() {
  const auto path = some_note();
  if (!path || moved_.contains(*path)) return;
  const std::string text = *files_.peek(*path);
  switch (below(3)) {
    case 0:
      files_.touch(*path);
      break;
    case 1:
      files_.edit(*path, text);
      break;
    default:
      files_.install(*path, text);
      break;
  }
  tell(*path);
}

bool EditorsWorld::may_make(const std::string& path) {
  if (files_.has(path)) return false;
  const bool busy = std::any_of(saves_.begin(), saves_.end(),
                                [&](const Save& save) { return save.path == path; });
  if (busy) return false;
  // No file where a folder must be.
  for (std::size_t slash = path.find('/'); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    if (files_.peek(path.substr(0, slash))) return false;
  }
  return true;
}

std::string EditorsWorld::new_path() {
  return kPaths[below(kPaths.size())];
}

void EditorsWorld::start_file() {
  const std::string path = new_path();
  if (!may_make(path)) return;
  files_.edit(path, new_text());
  tell(path);
}

void EditorsWorld::move_file() {
  const auto path = some_note();
  const std::string to = new_path();
  if (!path || !may_make(to) || !seen(*path)) return;
  files_.rename(*path, to);
  moved_.erase(*path);
  moved_.insert(to);
  tell(*path);
  tell(to);
}

void EditorsWorld::move_folder() {
  const std::string from = kFolders[below(kFolders.size())];
  const std::string to = kFolders[below(kFolders.size())];
  if (!files_.has(from) || files_.has(to) || to.starts_with(from + "/")) return;
  if (!may_make(to)) return;
  std::vector<std::string> inside;
  for (const auto& [path, bytes] : files_.files()) {
    if (!path.starts_with(from + "/")) continue;
    if (!path.ends_with(".md")) return;  // A save in progress.
    if (is_markdown(path) && !seen(path)) return;
    inside.push_back(path);
  }
  for (const Save& save : saves_) {
    if (save.path.starts_with(from + "/") || save.path.starts_with(to + "/")) return;
  }
  files_.rename(from, to);
  for (const std::string& path : inside) {
    moved_.erase(path);
    moved_.insert(to + path.substr(from.size()));
    tell(to + path.substr(from.size()));
  }
  world_.live->disk().rescan();  // The watcher asks for it.
}

void EditorsWorld::delete_file() {
  const auto path = some_note();
  if (!path) return;
  const std::string text = *files_.peek(*path);
  doom(tags_in(text));
  // What nobody has read before it is deleted, nobody can keep.
  if (!seen(*path)) {
    for (const std::string& marker : markers_in(text)) {
      if (expected_.erase(marker) + somewhere_.erase(marker) != 0) either_.insert(marker);
    }
  }
  files_.erase(*path);
  moved_.erase(*path);
  tell(*path);
}

void EditorsWorld::change_mode() {
  const auto path = some_note();
  if (!path) return;
  constexpr std::array<std::uint32_t, 4> kModes = {0644, 0600, 0444, 0};
  files_.set_mode(*path, kModes[below(kModes.size())]);
  tell(*path);
}

// A folder where a note may want to be.
void EditorsWorld::obstacle() {
  const std::string path = new_path();
  if (!obstacles_.empty() && one_in(2)) {
    const std::string old = *obstacles_.begin();
    obstacles_.erase(old);
    const auto files = files_.files();
    const bool used = std::any_of(files.begin(), files.end(), [&](const auto& item) {
      return item.first.starts_with(old + "/");
    });
    if (!used) files_.erase(old);
  } else if (may_make(path)) {
    files_.make_folder(path);
    obstacles_.insert(path);
  }
}

void EditorsWorld::program() {
  if (gone_ || files_.stopped()) return;
  if (!saves_.empty() && one_in(2)) {
    go_on(saves_[below(saves_.size())]);
    finish_saves(false);
    return;
  }
  switch (below(16)) {
    case 0:
      return start_file();
    case 1:
      return move_file();
    case 2:
      return move_folder();
    case 3:
      return delete_file();
    case 4:
      return change_mode();
    case 5:
      return obstacle();
    case 6:
    case 7:
      return save_unchanged();
    default:
      return save_changed();
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
  } else {
    const std::string marker = new_marker();
    const std::size_t at = place_in(body, 0);
    peer.edit(wire, [&](crdt::Doc& doc) {
      doc.text("body").insert(utf16_length(body.substr(0, at)), marker);
    });
    put_in(marker, tags);
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
      peer.edit(kWorkspace, [&](crdt::Doc& files) { record_in(files, id).set("deleted", true); });
      return;
    }
    case 1:
      peer.edit(kWorkspace, [&](crdt::Doc& files) { record_in(files, id).set("deleted", false); });
      return;
    default:
      peer.edit(kWorkspace,
                [&](crdt::Doc& files) { record_in(files, id).set("path", new_path()); });
      return;
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
  ids_.insert(id);
  for (auto& each : world_.peers) each->open(wire);
  peer.edit(wire,
            [&](crdt::Doc& doc) { doc.text("body").insert(0, tag + " by a peer " + marker); });
  put_in(marker, {tag});
}

void EditorsWorld::come_back(Peer& peer) {
  peer.disconnect();
  peer.reconnect(*world_.live, next_connection_++);
}

// --- us ---

void EditorsWorld::turn() {
  world_.live->tick();
  const sync::Turn turn = world_.live->end_turn();
  for (const auto& peer : world_.peers) peer->take(turn);
  for (sync::DiskTask& task : world_.live->disk().take_tasks()) tasks_.push_back(std::move(task));
}

void EditorsWorld::work() {
  if (tasks_.empty()) return turn();
  sync::DiskTask task = std::move(tasks_.front());
  tasks_.pop_front();
  auto result = sync::run_disk_task(files_, std::move(task));
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
  for (Save& save : saves_) {
    if (save.kind == Save::Kind::Emptied) save.kind = Save::Kind::Gap;
  }
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
  for (const char* path : kPaths) {
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
  for (const auto& [path, id] : paths) {
    const std::string below_it = path + "/";
    const auto next = paths.lower_bound(below_it);
    if (next == paths.end() || !next->first.starts_with(below_it)) continue;
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
    if (!used && files_.has(path)) files_.erase(path);
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
      for (const std::string& marker : markers_in(body)) buried.insert(marker);
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
  return wrong;
}

}  // namespace diaryx::test
