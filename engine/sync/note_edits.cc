#include "engine/sync/note_edits.h"

#include <algorithm>
#include <utility>

#include "engine/base/path.h"
#include "engine/base/utf.h"
#include "engine/filesystem/file_tree.h"
#include "engine/sync/text_edits.h"
#include "engine/workspace/link.h"
#include "engine/workspace/name_fold.h"
#include "engine/workspace/render.h"
#include "engine/workspace/text_diff.h"

namespace diaryx::sync {
namespace {

using workspace::FileRecord;
using workspace::MarkdownFile;
using workspace::MetadataDoc;

constexpr std::size_t kIdLength = 16;

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

Status check_title(const std::string& title) {
  if (title.size() > kMaxTitleBytes) {
    return Error{ErrorCode::InvalidArgument, "a title of " + std::to_string(title.size()) +
                                                 " octets, at most " +
                                                 std::to_string(kMaxTitleBytes)};
  }
  const bool control = std::any_of(title.begin(), title.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
  if (control) return Error{ErrorCode::InvalidArgument, "a title is one line of text"};
  return {};
}

Status check_size(std::string_view bytes) {
  if (bytes.size() <= filesystem::kMaxNoteBytes) return {};
  return Error{ErrorCode::LimitExceeded, "a note of " + std::to_string(bytes.size()) +
                                             " octets, at most " +
                                             std::to_string(filesystem::kMaxNoteBytes)};
}

}  // namespace

// --- looking ---

Result<const FileRecord*> NoteEdits::live(const std::string& id) const {
  const FileRecord* record = documents_.metadata().find(id);
  if (record == nullptr || record->deleted)
    return Error{ErrorCode::NotFound, "there is no such note"};
  return record;
}

bool NoteEdits::is_taken(std::string_view path, std::string_view except) const {
  const MetadataDoc& metadata = documents_.metadata();
  const std::string wanted = workspace::fold_name(path);
  const auto same = [&wanted](const std::string& other) {
    // Mostly plain names, which fold to their small letters.
    return (is_ascii(other) ? lower(other) : workspace::fold_name(other)) == wanted;
  };
  return std::any_of(metadata.records().begin(), metadata.records().end(), [&](const auto& entry) {
    // The path as recorded, first: path_of() is dearer.
    if (entry.second.deleted || entry.first == except) return false;
    if (same(entry.second.path)) return true;
    const auto shown = metadata.path_of(entry.first);
    return shown && *shown != entry.second.path && same(*shown);
  });
}

Result<std::string> NoteEdits::checked_path(std::string_view path, std::string_view except) const {
  DX_TRY(const WorkspacePath parsed, WorkspacePath::parse(path));
  if (!parsed.is_markdown())
    return Error{ErrorCode::InvalidArgument, parsed.str() + ": a note's name ends in .md"};
  if (parsed.is_hidden())
    return Error{ErrorCode::InvalidArgument, parsed.str() + ": hidden files are no notes"};
  if (is_taken(parsed.str(), except))
    return Error{ErrorCode::AlreadyExists, parsed.str() + ": there is such a note already"};
  return parsed.str();
}

std::string NoteEdits::free_path(const std::string& title,
                                 const std::optional<std::string>& parent) const {
  std::string folder;
  if (parent) {
    const std::string at = documents_.metadata().path_of(*parent).value_or(std::string());
    folder = at.substr(0, at.rfind('/') == std::string::npos ? 0 : at.rfind('/') + 1);
  }
  const std::string name = workspace::title_to_file_name(title);
  const std::string stem = folder + name.substr(0, name.size() - 3);
  std::string path = stem + ".md";
  for (int n = 2; is_taken(path, {}); ++n) path = stem + "-" + std::to_string(n) + ".md";
  return path;
}

Result<Parent> NoteEdits::checked_parent(const Parent& parent, const std::string& child) const {
  if (!parent.id) return parent;
  const MetadataDoc& metadata = documents_.metadata();
  std::optional<std::string> at = parent.id;
  for (std::size_t steps = 0; at && steps <= metadata.size(); ++steps) {
    if (*at == child) return Error{ErrorCode::Unsupported, "a note cannot stand below itself"};
    const auto record = live(*at);
    if (!record) {
      if (at == parent.id) return Error{ErrorCode::NotFound, "there is no such parent"};
      break;
    }
    at = (*record)->part_of ? metadata.target_of(*(*record)->part_of, (*record)->path)
                            : std::nullopt;
  }
  return parent;
}

// --- records ---

FileRecord& NoteEdits::edit(Changes& changes, const std::string& id) const {
  const auto it = changes.find(id);
  if (it != changes.end()) return it->second;
  const FileRecord* stored = documents_.metadata().find(id);
  FileRecord& record = changes[id];
  if (stored != nullptr) record = *stored;
  record.modified_at = documents_.wall_ms();
  return record;
}

void NoteEdits::leave_parents(Changes& changes, const std::string& id) const {
  const MetadataDoc& metadata = documents_.metadata();
  for (const auto& [parent, record] : metadata.records()) {
    if (record.deleted || !record.contents) continue;
    const std::string& from = record.path;
    const auto is_it = [&](const std::string& link) {
      return metadata.target_of(link, from) == id;
    };
    if (std::any_of(record.contents->begin(), record.contents->end(), is_it))
      std::erase_if(*edit(changes, parent).contents, is_it);
  }
}

void NoteEdits::put(const Changes& changes) {
  documents_.workspace().doc->transact(
      [&] {
        for (const auto& [id, record] : changes)
          documents_.metadata().put(id, record, kOriginServer);
      },
      kOriginServer);
}

Result<std::string> NoteEdits::create(const NewNote& note) {
  const MetadataDoc& metadata = documents_.metadata();
  if (!note.title && !note.path)
    return Error{ErrorCode::InvalidArgument, "a new note needs a title or a path"};
  if (note.title) DX_TRY_OK(check_title(*note.title));
  DX_TRY_OK(check_size(note.body));
  const std::string id = random_.text(kIdLength, kUrlSafeAlphabet);
  DX_TRY(const Parent parent,
         checked_parent(note.parent.value_or(Parent{metadata.root_index(), {}}), id));
  Changes changes;
  FileRecord& record = edit(changes, id);
  if (note.title && !note.title->empty()) record.title = note.title;
  if (note.path) {
    DX_TRY(record.path, checked_path(*note.path, {}));
  } else {
    record.path = free_path(*note.title, parent.id);
  }
  record.part_of = parent.id;
  if (metadata.count().live == 0) record.contents.emplace();
  if (parent.id) {
    FileRecord& index = edit(changes, *parent.id);
    if (!index.contents) index.contents.emplace();
    const std::size_t place = std::min(parent.place.value_or(SIZE_MAX), index.contents->size());
    index.contents->insert(index.contents->begin() + static_cast<std::ptrdiff_t>(place), id);
  }
  DX_TRY_OK(insert_body(id, note.body));
  put(changes);
  return id;
}

Result<std::string> NoteEdits::create_from(std::string_view path, std::string_view bytes) {
  DX_TRY_OK(check_size(bytes));
  DX_TRY(const std::string place, checked_path(path, {}));
  DX_TRY(MarkdownFile file, workspace::split_markdown(bytes));
  const std::string id = random_.text(kIdLength, kUrlSafeAlphabet);
  Changes changes;
  FileRecord& record = changes[id];
  record = workspace::read_fields(file.header, place, documents_.metadata()).record;
  record.path = place;
  record.header = file.header;
  record.eol = file.eol;
  record.bom = file.bom;
  DX_TRY_OK(insert_body(id, file.body));
  put(changes);
  return id;
}

Status NoteEdits::change(const std::string& id, const NoteChange& change) {
  DX_TRY(const FileRecord* const stored, live(id));
  if (change.title) DX_TRY_OK(check_title(*change.title));
  Changes changes;
  if (change.path) {
    DX_TRY(std::string path, checked_path(*change.path, id));
    if (path != stored->path) edit(changes, id).path = std::move(path);
  }
  if (change.title && *change.title != stored->title.value_or(std::string())) {
    edit(changes, id).title =
        change.title->empty() ? std::nullopt : std::optional<std::string>(*change.title);
  }
  if (change.parent) {
    DX_TRY(const Parent parent, checked_parent(*change.parent, id));
    leave_parents(changes, id);
    edit(changes, id).part_of = parent.id;
    if (parent.id) {
      FileRecord& index = edit(changes, *parent.id);
      if (!index.contents) index.contents.emplace();
      const std::size_t place = std::min(parent.place.value_or(SIZE_MAX), index.contents->size());
      index.contents->insert(index.contents->begin() + static_cast<std::ptrdiff_t>(place), id);
    }
  }
  put(changes);
  return {};
}

Status NoteEdits::remove(const std::string& id) {
  DX_TRY_OK(live(id));
  Changes changes;
  leave_parents(changes, id);
  edit(changes, id).deleted = true;
  put(changes);
  return {};
}

Status NoteEdits::restore(const std::string& id) {
  const MetadataDoc& metadata = documents_.metadata();
  const FileRecord* stored = metadata.find(id);
  if (stored == nullptr) return Error{ErrorCode::NotFound, "there has never been such a note"};
  if (!stored->deleted) return {};
  Changes changes;
  edit(changes, id).deleted = false;
  const auto parent =
      stored->part_of ? metadata.target_of(*stored->part_of, stored->path) : std::nullopt;
  if (parent) {
    FileRecord& index = edit(changes, *parent);
    if (!index.contents) index.contents.emplace();
    const bool listed =
        std::any_of(index.contents->begin(), index.contents->end(), [&](const std::string& link) {
          return link == id || workspace::canonical_target(workspace::parse_link(link), index.path,
                                                           metadata.link_format()) == stored->path;
        });
    if (!listed) index.contents->push_back(id);
  }
  put(changes);
  return {};
}

// --- octets ---

Result<std::string> NoteEdits::bytes(const std::string& id) {
  DX_TRY(const FileRecord* const record, live(id));
  DX_TRY(const std::string body, documents_.body_text(id));
  return workspace::render_file(*record, body, documents_.metadata());
}

Status NoteEdits::write(const std::string& id, std::string_view bytes) {
  DX_TRY_OK(check_size(bytes));
  DX_TRY(MarkdownFile theirs, workspace::split_markdown(bytes));
  DX_TRY(const std::string now, this->bytes(id));
  if (now == bytes) return {};
  DX_TRY(const MarkdownFile ours, workspace::split_markdown(now));
  const MetadataDoc& metadata = documents_.metadata();
  FileRecord record = *metadata.find(id);
  const auto wanted = workspace::read_fields(theirs.header, record.path, metadata);
  // A header that cannot be read says nothing of the fields, and stands in the note as it is.
  if (!wanted.unreadable) {
    const auto said = workspace::read_fields(ours.header, record.path, metadata);
    const FileRecord agreed = said.unreadable ? record : said.record;
    workspace::merge_fields(record, agreed, wanted.record);
  }
  record.header = theirs.header;
  record.eol = theirs.eol;
  record.bom = theirs.bom;
  DX_TRY_OK(write_body(id, theirs.body));
  put({{id, std::move(record)}});
  return {};
}

Status NoteEdits::insert_body(const std::string& id, std::string_view text) {
  if (!is_utf8(text)) return Error{ErrorCode::Malformed, "the body is not utf-8"};
  if (text.empty()) return {};
  DX_TRY(LiveDocument* const document, documents_.open_document(body_doc_name(id)));
  document->doc->transact([&] { document->text().insert(0, text); }, kOriginServer);
  return {};
}

Status NoteEdits::write_body(const std::string& id, const std::string& text) {
  const std::string name = body_doc_name(id);
  DX_TRY(LiveDocument* const document, documents_.open_document(name));
  const std::string ours = document->text().to_string();
  if (utf16_length(ours) != document->text().length()) {
    return Error{ErrorCode::Unsupported,
                 name + ": holds something that is not text, which would be lost"};
  }
  const auto edits = workspace::diff_text(ours, text);
  if (edits.empty()) return {};
  document->doc->transact([&] { apply_text_edits(document->text(), ours, edits); }, kOriginServer);
  return {};
}

}  // namespace diaryx::sync
