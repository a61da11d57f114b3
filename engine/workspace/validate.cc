#include "engine/workspace/validate.h"

#include <algorithm>
#include <tuple>

#include <fmt/core.h>

#include "engine/base/path.h"
#include "engine/workspace/header.h"
#include "engine/workspace/name_fold.h"

namespace diaryx::workspace {
namespace {

// A link text that means something outside the workspace on purpose: a web address, a mail address,
// a heading.
bool points_outside(std::string_view text) {
  const Link link = parse_link(text);
  const std::size_t colon = link.target.find(':');
  const bool has_scheme = colon != std::string::npos && colon > 1 && link.target.find('/') > colon;
  return has_scheme || link.target.starts_with('#');
}

class Validation {
 public:
  explicit Validation(const ValidateInput& input) : input_(input), metadata_(input.metadata) {}

  ValidateReport run() {
    for (const auto& [id, record] : metadata_.records()) {
      if (record.deleted) continue;
      ++report_.files;
      if (input_.body_docs.contains(id)) ++report_.bodies;
      check_path(id, record);
      check_parent(id, record);
      check_children(id, record);
      check_attachments(id, record);
      check_header(id, record);
      check_body(id, record);
      check_file(id, record);
    }
    check_cycles();
    check_parents();
    check_collisions();
    for (const std::string& fault : input_.store_faults)
      add(IssueKind::DamagedStore, Severity::Error, "", "store.db",
          fmt::format("the store is damaged: {}", fault));
    for (const auto& [name, what] : input_.damaged_documents) {
      add(IssueKind::DamagedDocument, Severity::Error, path_of_document(name), name,
          fmt::format("the stored document \"{}\" is damaged: {}", name, what));
    }
    for (const std::string& id : metadata_.unreadable()) {
      add(IssueKind::UnreadableRecord, Severity::Error, "", id,
          fmt::format("the record \"{}\" in the workspace document is no record; it is left alone",
                      id));
    }
    for (const std::string& id : input_.body_docs) {
      if (metadata_.find(id) != nullptr) continue;
      add(IssueKind::OrphanBodyDoc, Severity::Warning, "", id,
          fmt::format("there is a text for the file id \"{}\", but no file of that id", id));
    }
    for (const std::string& path : input_.orphan_paths) {
      add(IssueKind::OrphanBodyDoc, Severity::Warning, path, path,
          fmt::format("there is a text for \"{}\", but no such file yet", path));
    }
    for (const auto& [path, reason] : input_.unreadable_files) {
      add(IssueKind::UnreadableFile, Severity::Warning, path, "",
          fmt::format("\"{}\" is not synced: {}", path, reason));
    }
    std::sort(report_.issues.begin(), report_.issues.end(), [](const Issue& a, const Issue& b) {
      return std::tie(a.path, a.kind, a.key, a.message) <
             std::tie(b.path, b.kind, b.key, b.message);
    });
    return std::move(report_);
  }

 private:
  void add(IssueKind kind, Severity severity, std::string path, std::string key,
           std::string message) {
    report_.issues.push_back({kind, severity, std::move(path), std::move(key), std::move(message)});
  }
  void add(IssueKind kind, Severity severity, const std::string& id, const FileRecord& record,
           std::string message) {
    add(kind, severity, metadata_.path_of(id).value_or(record.path), id, std::move(message));
  }

  void check_path(const std::string& id, const FileRecord& record) {
    const auto path = metadata_.path_of(id);
    if (!path) {
      const auto parsed = WorkspacePath::parse(record.path);
      const std::string reason = !parsed               ? parsed.error().message
                                 : parsed->is_hidden() ? "path: hidden"
                                                       : "path: no Markdown file";
      add(IssueKind::InvalidPath, Severity::Error, id, record,
          fmt::format("\"{}\" cannot be a file of the workspace ({}); it is never written",
                      record.path, reason));
    } else if (*path != record.path) {
      add(IssueKind::DuplicatePath, Severity::Error, id, record,
          fmt::format("\"{}\" is claimed by another file too; this one is kept as \"{}\"",
                      record.path, *path));
    }
  }

  // What a stored link means: a live file, a file that is gone, or text.
  enum class Target { Live, Gone, Text };
  Target target_of(const std::string& link, const std::string& from) const {
    if (const FileRecord* record = metadata_.find(link))
      return record->deleted ? Target::Gone : Target::Live;
    return metadata_.id_of(link, from) ? Target::Live : Target::Text;
  }
  std::string name_of(const std::string& link) const {
    const FileRecord* record = metadata_.find(link);
    return record != nullptr ? record->path : link;
  }

  void check_parent(const std::string& id, const FileRecord& record) {
    if (!record.part_of || record.part_of->empty() || points_outside(*record.part_of)) return;
    const Target target = target_of(*record.part_of, record.path);
    if (target == Target::Live) return;
    add(IssueKind::BrokenParentChain, Severity::Error, id, record,
        fmt::format("\"{}\" is part of \"{}\", which {}", record.path, name_of(*record.part_of),
                    target == Target::Gone ? "is deleted" : "is not there"));
  }

  void check_children(const std::string& id, const FileRecord& record) {
    if (!record.contents) return;
    for (const std::string& link : *record.contents) {
      if (points_outside(link)) continue;
      const Target target = target_of(link, record.path);
      if (target == Target::Live) continue;
      const auto path = canonical_target(parse_link(link), record.path, metadata_.link_format());
      if (target == Target::Text && !path) {
        add(IssueKind::BrokenLink, Severity::Warning, id, record,
            fmt::format("\"{}\" lists \"{}\", which lies outside the workspace", record.path,
                        link));
        continue;
      }
      // A listed file that is no note is an attachment in the wrong list; it is there, so nothing
      // is missing.
      if (target == Target::Text && input_.on_disk.contains(*path) && !is_unreadable(*path))
        continue;
      add(IssueKind::MissingChild, Severity::Error, id, record,
          fmt::format("\"{}\" lists \"{}\", which {}", record.path, name_of(link),
                      target == Target::Gone ? "is deleted" : "is not there"));
    }
  }

  bool is_unreadable(const std::string& path) const {
    return std::any_of(input_.unreadable_files.begin(), input_.unreadable_files.end(),
                       [&](const auto& file) { return file.first == path; });
  }

  void check_attachments(const std::string& id, const FileRecord& record) {
    for (const Attachment& attachment : record.attachments) {
      if (attachment.deleted || attachment.source != "local" || points_outside(attachment.path))
        continue;
      if (const auto there = attachment_target(
              attachment.path, record.path, metadata_.link_format(),
              [&](const std::string& path) { return input_.on_disk.contains(path); })) {
        check_hash(id, record, attachment, *there);
        continue;
      }
      add(IssueKind::BrokenLink, Severity::Warning, id, record,
          fmt::format("\"{}\" has the attachment \"{}\", which is not there", record.path,
                      attachment.path));
    }
  }

  void check_hash(const std::string& id, const FileRecord& record, const Attachment& attachment,
                  const std::string& path) {
    const auto is = input_.attachments.find(path);
    if (attachment.hash.empty() || is == input_.attachments.end() ||
        is->second.hash == attachment.hash) {
      return;
    }
    add(IssueKind::AttachmentChanged, Severity::Warning, id, record,
        fmt::format("\"{}\", attached to \"{}\", is not the file that was attached", path,
                    record.path));
  }

  void check_header(const std::string& id, const FileRecord& record) {
    if (!record.header) return;
    const auto fields = read_header(*record.header);
    if (fields) return;
    add(IssueKind::UnreadableHeader, Severity::Warning, id, record,
        fmt::format("the header of \"{}\" cannot be read, only its text is synced: {}", record.path,
                    fields.error().message));
  }

  void check_body(const std::string& id, const FileRecord& record) {
    if (input_.body_docs.contains(id)) return;
    const auto path = metadata_.path_of(id);
    const auto file = path ? input_.on_disk.find(*path) : input_.on_disk.end();
    if (file == input_.on_disk.end() || !file->second) return;
    add(IssueKind::MissingBodyDoc, Severity::Error, id, record,
        fmt::format("\"{}\" has text on disk, but no document for it", record.path));
  }

  void check_file(const std::string& id, const FileRecord& record) {
    const auto path = metadata_.path_of(id);
    if (!path) return;  // Told as InvalidPath.
    if (input_.not_written.contains(*path)) {
      add(IssueKind::NotWritten, Severity::Note, id, record,
          fmt::format("\"{}\" waits to be written to disk", *path));
    } else if (input_.not_taken_in.contains(*path)) {
      add(IssueKind::NotTakenIn, Severity::Note, id, record,
          fmt::format("\"{}\" was {} on disk, which is not taken in yet", *path,
                      input_.on_disk.contains(*path) ? "changed" : "removed"));
    } else if (!input_.on_disk.contains(*path) && !is_unreadable(*path)) {
      add(IssueKind::NotMaterialised, Severity::Warning, id, record,
          fmt::format("there is no file \"{}\", and nothing waits to be written there", *path));
    }
  }

  // "body/<id>" → where that file is.
  std::string path_of_document(const std::string& name) const {
    constexpr std::string_view kBody = "body/";
    if (!name.starts_with(kBody)) return {};
    return metadata_.path_of(name.substr(kBody.size())).value_or("");
  }

  void check_parents() {
    for (const auto& [child, parents] : parents_by_child(metadata_)) {
      const FileRecord& record = *metadata_.find(child);
      const std::optional<std::string> said = parent_of(child);
      std::string names;
      for (const std::string& parent : parents)
        names += (names.empty() ? "\"" : ", \"") + metadata_.find(parent)->path + "\"";
      if (parents.size() > 1) {
        add(IssueKind::TwoParents, Severity::Warning, child, record,
            fmt::format("\"{}\" is listed by {} files: {}", record.path, parents.size(), names));
      } else if (said && !parents.contains(*said)) {
        add(IssueKind::TwoParents, Severity::Warning, child, record,
            fmt::format("\"{}\" is part of \"{}\", but it is {} that lists it", record.path,
                        metadata_.find(*said)->path, names));
      }
    }
  }

  void check_collisions() {
    std::map<std::string, std::vector<std::string>> by_folded;
    for (const auto& [id, record] : metadata_.records()) {
      if (const auto path = metadata_.path_of(id)) by_folded[fold_name(*path)].push_back(id);
    }
    for (auto& [folded, ids] : by_folded) {
      if (ids.size() < 2) continue;
      std::sort(ids.begin(), ids.end(), [&](const std::string& a, const std::string& b) {
        return *metadata_.path_of(a) < *metadata_.path_of(b);
      });
      for (std::size_t i = 1; i < ids.size(); ++i) {
        add(IssueKind::CaseCollision, Severity::Warning, ids[i], *metadata_.find(ids[i]),
            fmt::format(
                "\"{}\" and \"{}\" are one file on disks that ignore case or normalise names",
                *metadata_.path_of(ids[0]), *metadata_.path_of(ids[i])));
      }
    }
  }

  // The live parent's id, if `id` has one that is a record.
  std::optional<std::string> parent_of(const std::string& id) const {
    const FileRecord* record = metadata_.find(id);
    if (record == nullptr || record->deleted || !record->part_of) return std::nullopt;
    if (metadata_.find(*record->part_of) == nullptr) return std::nullopt;
    return record->part_of;
  }

  void check_cycles() {
    std::set<std::string> settled;
    for (const auto& [start, record] : metadata_.records()) {
      std::vector<std::string> way;
      std::optional<std::string> at = start;
      while (at && !settled.contains(*at)) {
        settled.insert(*at);
        way.push_back(*at);
        at = parent_of(*at);
      }
      // Settled on an earlier way: looked at already. Settled on this one: here it closes.
      const auto closes = at ? std::find(way.begin(), way.end(), *at) : way.end();
      if (closes != way.end()) report_cycle({closes, way.end()});
    }
  }

  void report_cycle(const std::vector<std::string>& cycle) {
    std::string way;
    for (const std::string& id : cycle)
      way += fmt::format("\"{}\" is part of ", metadata_.find(id)->path);
    way += fmt::format("\"{}\"", metadata_.find(cycle.front())->path);
    add(IssueKind::LinkCycle, Severity::Error, cycle.front(), *metadata_.find(cycle.front()), way);
  }

  const ValidateInput& input_;
  const MetadataDoc& metadata_;
  ValidateReport report_;
};

}  // namespace

std::string_view to_string(IssueKind kind) noexcept {
  switch (kind) {
    case IssueKind::BrokenParentChain:
      return "BrokenParentChain";
    case IssueKind::MissingChild:
      return "MissingChild";
    case IssueKind::OrphanBodyDoc:
      return "OrphanBodyDoc";
    case IssueKind::MissingBodyDoc:
      return "MissingBodyDoc";
    case IssueKind::LinkCycle:
      return "LinkCycle";
    case IssueKind::DuplicatePath:
      return "DuplicatePath";
    case IssueKind::InvalidPath:
      return "InvalidPath";
    case IssueKind::BrokenLink:
      return "BrokenLink";
    case IssueKind::UnreadableFile:
      return "UnreadableFile";
    case IssueKind::UnreadableHeader:
      return "UnreadableHeader";
    case IssueKind::UnreadableRecord:
      return "UnreadableRecord";
    case IssueKind::TwoParents:
      return "TwoParents";
    case IssueKind::CaseCollision:
      return "CaseCollision";
    case IssueKind::NotMaterialised:
      return "NotMaterialised";
    case IssueKind::AttachmentChanged:
      return "AttachmentChanged";
    case IssueKind::DamagedDocument:
      return "DamagedDocument";
    case IssueKind::DamagedStore:
      return "DamagedStore";
    case IssueKind::NotTakenIn:
      return "NotTakenIn";
    case IssueKind::NotWritten:
      return "NotWritten";
  }
  return "Unknown";
}

std::string_view to_string(Severity severity) noexcept {
  switch (severity) {
    case Severity::Note:
      return "note";
    case Severity::Warning:
      return "warning";
    case Severity::Error:
      break;
  }
  return "error";
}

OrderedJson to_json(const Issue& issue) {
  return {{"kind", to_string(issue.kind)},
          {"severity", to_string(issue.severity)},
          {"path", issue.path},
          {"key", issue.key},
          {"message", issue.message}};
}

bool ValidateReport::ok() const noexcept {
  return std::all_of(issues.begin(), issues.end(),
                     [](const Issue& issue) { return issue.severity == Severity::Note; });
}

std::map<std::string, std::set<std::string>> parents_by_child(const MetadataDoc& metadata) {
  std::map<std::string, std::set<std::string>> parents;
  for (const auto& [id, record] : metadata.records()) {
    if (record.deleted || !record.contents) continue;
    for (const std::string& link : *record.contents) {
      if (const auto child = metadata.target_of(link, record.path)) parents[*child].insert(id);
    }
  }
  return parents;
}

ValidateReport validate(const ValidateInput& input) {
  return Validation(input).run();
}

}  // namespace diaryx::workspace
