#include "engine/workspace/safe_fixes.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "engine/base/path.h"

namespace diaryx::workspace {
namespace {

constexpr std::array kKinds{IssueKind::InvalidPath,      IssueKind::DuplicatePath,
                            IssueKind::OrphanBodyDoc,    IssueKind::BrokenParentChain,
                            IssueKind::TwoParents,       IssueKind::MissingChild,
                            IssueKind::AttachmentChanged};
constexpr std::string_view kRecovered = "recovered/";
constexpr std::string_view kSuffix = ".md";
constexpr std::size_t kMostComponentBytes = 150;

// A component without what no path of ours may have; may come out empty.
std::string cleaned(std::string_view component) {
  std::string out;
  for (const char c : component) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet < 0x20 || octet == 0x7f || c == '\\') continue;
    if (c == '.' && out.empty()) continue;  // Hidden, "." and "..".
    out.push_back(c);
  }
  // Cut between two characters.
  std::size_t end = std::min(out.size(), kMostComponentBytes);
  while (end > 0 && end < out.size() && (static_cast<unsigned char>(out[end]) & 0xc0U) == 0x80U)
    --end;
  out.resize(end);
  return out;
}

std::string cleaned_path(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    const std::string component = cleaned(path.substr(0, slash));
    if (!component.empty()) out.append(out.empty() ? "" : "/").append(component);
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  if (out.ends_with(kSuffix)) out.resize(out.size() - kSuffix.size());
  return out;
}

bool is_note_path(const std::string& path) {
  const auto parsed = WorkspacePath::parse(path);
  return parsed && parsed->is_markdown() && !parsed->is_hidden();
}

}  // namespace

std::span<const IssueKind> fixable_kinds() noexcept {
  return kKinds;
}

SafeFixes::SafeFixes(const ValidateInput& input)
    : input_(input), metadata_(input.metadata), listed_by_(parents_by_child(input.metadata)) {}

std::optional<Fix> SafeFixes::fix(const Issue& issue) const {
  if (issue.kind == IssueKind::OrphanBodyDoc) return make_note(issue);
  const FileRecord* record = metadata_.find(issue.key);
  if (record == nullptr || record->deleted) return std::nullopt;
  switch (issue.kind) {
    case IssueKind::InvalidPath:
      return write_path(issue, *record);
    case IssueKind::DuplicatePath:
      return keep_path(issue, *record);
    case IssueKind::BrokenParentChain:
      return follow_list(issue, *record);
    case IssueKind::TwoParents:
      return leave_others(issue, *record);
    case IssueKind::MissingChild:
      return drop_deleted(issue, *record);
    case IssueKind::AttachmentChanged:
      return tell_of_file(issue, *record);
    default:
      return std::nullopt;
  }
}

// --- paths ---

bool SafeFixes::is_free(const std::string& path) const {
  return is_note_path(path) && !metadata_.id_at(path) && !input_.on_disk.contains(path) &&
         !input_.orphan_paths.contains(path);
}

std::string SafeFixes::free_path_like(const std::string& path, const std::string& id) const {
  std::string stem = cleaned_path(path);
  if (!is_note_path(stem + std::string(kSuffix))) stem = std::string(kRecovered) + cleaned_path(id);
  std::string free = stem + std::string(kSuffix);
  for (int n = 2; !is_free(free); ++n) free = fmt::format("{}-{}{}", stem, n, kSuffix);
  return free;
}

std::optional<Fix> SafeFixes::write_path(const Issue& issue, const FileRecord& record) const {
  FileRecord mended = record;
  mended.path = free_path_like(record.path, issue.key);
  return Fix{issue.kind,
             issue.path,
             fmt::format("\"{}\" is \"{}\" now, which can be written", record.path, mended.path),
             {{issue.key, mended}}};
}

std::optional<Fix> SafeFixes::keep_path(const Issue& issue, const FileRecord& record) const {
  const auto path = metadata_.path_of(issue.key);
  if (!path || *path == record.path) return std::nullopt;
  FileRecord mended = record;
  mended.path = *path;
  return Fix{issue.kind,
             issue.path,
             fmt::format("the second \"{}\" is \"{}\" now", record.path, *path),
             {{issue.key, mended}}};
}

std::optional<Fix> SafeFixes::make_note(const Issue& issue) const {
  // Its text waits under a path, or under an id.
  const bool by_path = input_.orphan_paths.contains(issue.key);
  if (input_.empty_bodies.contains(issue.key)) return std::nullopt;
  FileRecord note;
  std::string id;
  if (by_path) {
    if (!is_note_path(issue.key) || metadata_.id_at(issue.key)) return std::nullopt;
    note.path = issue.key;
    id = metadata_.id_for_path(issue.key);
  } else {
    if (metadata_.find(issue.key) != nullptr) return std::nullopt;
    note.path = free_path_like(std::string(kRecovered) + issue.key, issue.key);
    id = issue.key;
  }
  std::string message = fmt::format("a text that had no note is the note \"{}\" now", note.path);
  return Fix{issue.kind, note.path, std::move(message), {{std::move(id), std::move(note)}}};
}

// --- the tree ---

bool SafeFixes::is_below(const std::string& id, const std::string& above) const {
  std::set<std::string> seen;
  for (std::optional<std::string> at = id; at && seen.insert(*at).second;) {
    if (*at == above) return true;
    const FileRecord* record = metadata_.find(*at);
    at = record != nullptr && record->part_of ? metadata_.target_of(*record->part_of, record->path)
                                              : std::nullopt;
  }
  return false;
}

std::optional<Fix> SafeFixes::follow_list(const Issue& issue, const FileRecord& record) const {
  const auto parents = listed_by_.find(issue.key);
  if (parents == listed_by_.end() || parents->second.size() != 1) return std::nullopt;
  const std::string& parent = *parents->second.begin();
  if (is_below(parent, issue.key)) return std::nullopt;
  FileRecord mended = record;
  mended.part_of = parent;
  return Fix{issue.kind,
             issue.path,
             fmt::format("\"{}\" is part of \"{}\" now, which lists it", record.path,
                         metadata_.find(parent)->path),
             {{issue.key, mended}}};
}

std::optional<Fix> SafeFixes::leave_others(const Issue& issue, const FileRecord& record) const {
  const auto parents = listed_by_.find(issue.key);
  if (parents == listed_by_.end()) return std::nullopt;
  const auto named =
      record.part_of ? metadata_.target_of(*record.part_of, record.path) : std::nullopt;
  if (!named || !parents->second.contains(*named)) return follow_list(issue, record);
  Fix fix{issue.kind, issue.path, "", {}};
  std::string others;
  for (const std::string& parent : parents->second) {
    if (parent == *named) continue;
    FileRecord mended = *metadata_.find(parent);
    std::erase_if(*mended.contents, [&](const std::string& link) {
      return metadata_.target_of(link, mended.path) == issue.key;
    });
    others += fmt::format("{}\"{}\"", others.empty() ? "" : ", ", mended.path);
    fix.records.emplace(parent, std::move(mended));
  }
  fix.message =
      fmt::format("\"{}\" is listed by \"{}\" only, which it is part of; not by {} any more",
                  record.path, metadata_.find(*named)->path, others);
  return fix;
}

std::optional<Fix> SafeFixes::drop_deleted(const Issue& issue, const FileRecord& record) const {
  if (!record.contents) return std::nullopt;
  FileRecord mended = record;
  std::string names;
  std::erase_if(*mended.contents, [&](const std::string& link) {
    const FileRecord* child = metadata_.find(link);
    if (child == nullptr || !child->deleted) return false;
    names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", child->path);
    return true;
  });
  if (names.empty()) return std::nullopt;
  return Fix{issue.kind,
             issue.path,
             fmt::format("\"{}\" does not list {} any more, which was deleted", record.path, names),
             {{issue.key, mended}}};
}

// --- attachments ---

std::optional<Fix> SafeFixes::tell_of_file(const Issue& issue, const FileRecord& record) const {
  FileRecord mended = record;
  for (Attachment& attachment : mended.attachments) {
    if (attachment.deleted || attachment.hash.empty()) continue;
    const auto path =
        attachment_target(attachment.path, record.path, metadata_.link_format(),
                          [&](const std::string& there) { return input_.on_disk.contains(there); });
    const auto is = path ? input_.attachments.find(*path) : input_.attachments.end();
    if (is == input_.attachments.end()) continue;
    attachment.hash = is->second.hash;
    attachment.size = is->second.size;
  }
  if (mended == record) return std::nullopt;
  return Fix{issue.kind,
             issue.path,
             fmt::format("\"{}\" tells of its attachments as they are now", record.path),
             {{issue.key, mended}}};
}

}  // namespace diaryx::workspace
