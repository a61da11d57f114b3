#include "engine/workspace/validate.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "engine/base/path.h"
#include "engine/workspace/header.h"

namespace diaryx::workspace {
namespace {

struct KindName {
  IssueKind kind;
  std::string_view name;
  Severity severity;
};
constexpr std::array<KindName, 11> kKinds{
    {{IssueKind::BrokenParentChain, "BrokenParentChain", Severity::Error},
     {IssueKind::MissingChild, "MissingChild", Severity::Error},
     {IssueKind::OrphanBodyDoc, "OrphanBodyDoc", Severity::Warning},
     {IssueKind::MissingBodyDoc, "MissingBodyDoc", Severity::Error},
     {IssueKind::LinkCycle, "LinkCycle", Severity::Error},
     {IssueKind::DuplicatePath, "DuplicatePath", Severity::Warning},
     {IssueKind::InvalidPath, "InvalidPath", Severity::Error},
     {IssueKind::BrokenLink, "BrokenLink", Severity::Warning},
     {IssueKind::UnreadableFile, "UnreadableFile", Severity::Warning},
     {IssueKind::UnreadableHeader, "UnreadableHeader", Severity::Warning},
     {IssueKind::UnreadableRecord, "UnreadableRecord", Severity::Error}}};

const KindName& entry_of(IssueKind kind) {
  return kKinds[static_cast<std::size_t>(kind)];
}

std::string in_quotes(std::string_view text) {
  return "\"" + std::string(text) + "\"";
}

bool leads_elsewhere(const Link& link) {
  return link.target.find("://") != std::string::npos;
}

class Validation {
 public:
  explicit Validation(const ValidateInput& input) : input_(input), metadata_(input.metadata) {}

  ValidateReport run() {
    for (const auto& [id, record] : metadata_.records()) {
      if (!record.deleted) file(id, record);
    }
    cycles();
    bodies_without_record();
    for (const auto& [path, reason] : input_.unreadable_files) {
      add(IssueKind::UnreadableFile, path, "",
          "The file " + in_quotes(path) + " is not synced: " + reason + ".");
    }
    for (const std::string& id : metadata_.unreadable()) {
      add(IssueKind::UnreadableRecord, "", id,
          "The record " + in_quotes(id) + " of the workspace document cannot be understood.");
    }
    std::sort(report_.issues.begin(), report_.issues.end(), [](const Issue& a, const Issue& b) {
      return std::tie(a.path, a.kind, a.key, a.message) <
             std::tie(b.path, b.kind, b.key, b.message);
    });
    return std::move(report_);
  }

 private:
  void add(IssueKind kind, const std::string& path, const std::string& key, std::string message) {
    report_.issues.push_back({kind, entry_of(kind).severity, path, key, std::move(message)});
  }

  void file(const std::string& id, const FileRecord& record) {
    ++report_.files;
    const bool has_body = input_.body_docs.count(id) > 0;
    if (has_body) ++report_.bodies;
    const auto place = metadata_.path_of(id);
    const std::string path = place.value_or(record.path);
    check_path(id, record, place);
    const auto disk = place ? input_.on_disk.find(*place) : input_.on_disk.end();
    if (!has_body && disk != input_.on_disk.end() && disk->second) {
      add(IssueKind::MissingBodyDoc, path, id,
          "The file " + in_quotes(path) + " has a body, and no document holds it.");
    }
    if (record.part_of) check_link(id, path, *record.part_of, IssueKind::BrokenParentChain);
    if (record.contents) {
      for (const std::string& item : *record.contents)
        check_link(id, path, item, IssueKind::MissingChild);
    }
    for (const Attachment& attachment : record.attachments) check_attachment(id, path, attachment);
    if (record.header) {
      if (const auto entries = read_header(*record.header); !entries) {
        add(IssueKind::UnreadableHeader, path, id,
            "The header of " + in_quotes(path) + " cannot be read: " + entries.error().message +
                ".");
      }
    }
  }

  void check_path(const std::string& id, const FileRecord& record,
                  const std::optional<std::string>& place) {
    if (place == record.path) return;
    const auto parsed = WorkspacePath::parse(record.path);
    if (!parsed || !parsed->is_markdown()) {
      const std::string reason = parsed ? "it does not end in .md" : parsed.error().message;
      add(IssueKind::InvalidPath, record.path, id,
          "The record " + in_quotes(id) + " has a path that is never written: " + reason + ".");
      return;
    }
    const std::string keeper = metadata_.id_at(record.path).value_or("");
    const std::string now =
        place ? "is at " + in_quotes(*place) : "has no file, because the name would be too long";
    add(IssueKind::DuplicatePath, place.value_or(record.path), id,
        "The records " + in_quotes(keeper) + " and " + in_quotes(id) + " both claim " +
            in_quotes(record.path) + "; the second one " + now + ".");
  }

  // `value`: an id, or the text of a link that meant no file when it was read.
  void check_link(const std::string& id, const std::string& path, const std::string& value,
                  IssueKind kind) {
    if (metadata_.path_of(value) || metadata_.id_of(value, path)) return;
    const bool is_parent = kind == IssueKind::BrokenParentChain;
    const std::string says =
        "The file " + in_quotes(path) + (is_parent ? " names the parent " : " lists the child ");
    if (const FileRecord* target = metadata_.find(value)) {
      const std::string what = target->deleted ? ", which is deleted." : ", which has no file.";
      add(kind, path, id, says + in_quotes(target->path) + what);
      return;
    }
    const Link link = parse_link(value);
    if (leads_elsewhere(link) || !target_path(link, path)) {
      if (!metadata_.is_file_id(value)) {
        add(IssueKind::BrokenLink, path, id,
            says + in_quotes(value) + ", which leads out of the workspace.");
        return;
      }
    } else if (is_on_disk(link, path)) {
      return;  // There, but no file that is synced.
    }
    add(kind, path, id, says + in_quotes(value) + ", which is not there.");
  }

  std::optional<std::string> target_path(const Link& link, const std::string& from) const {
    return canonical_target(link, from, metadata_.link_format());
  }

  bool is_on_disk(const Link& link, const std::string& from) const {
    const auto find = [this](const std::string& path) {
      return input_.on_disk.count(path) > 0 ? std::optional<std::string>(path) : std::nullopt;
    };
    const std::string text = (link.base == LinkBase::Root ? "/" : "") + link.target;
    return resolve_link(text, from, metadata_.link_format(), find).has_value();
  }

  void check_attachment(const std::string& id, const std::string& path,
                        const Attachment& attachment) {
    const Link link = parse_link(attachment.path);
    if (attachment.deleted || attachment.source != "local" || leads_elsewhere(link) ||
        is_on_disk(link, path))
      return;
    const bool inside = target_path(link, path).has_value();
    add(IssueKind::BrokenLink, path, id,
        "The file " + in_quotes(path) + " has the attachment " + in_quotes(attachment.path) +
            (inside ? ", which is not there." : ", which leads out of the workspace."));
  }

  // The record that `part_of` of a live record means; nothing at the top, or where the chain is
  // broken.
  std::optional<std::string> parent_of(const std::string& id) const {
    const FileRecord* record = metadata_.find(id);
    if (record == nullptr || record->deleted || !record->part_of) return std::nullopt;
    const FileRecord* parent = metadata_.find(*record->part_of);
    if (parent != nullptr && !parent->deleted) return record->part_of;
    return metadata_.id_of(*record->part_of, metadata_.path_of(id).value_or(record->path));
  }

  // Every record is walked once: a walk ends where an earlier one has been, and a cycle is told
  // when it closes.
  void cycles() {
    std::map<std::string, int> walk_of;
    int walk = 0;
    for (const auto& [start, record] : metadata_.records()) {
      ++walk;
      std::vector<std::string> chain;
      std::optional<std::string> id = start;
      while (id && walk_of.emplace(*id, walk).second) {
        chain.push_back(*id);
        id = parent_of(*id);
      }
      if (!id || walk_of.at(*id) != walk) continue;
      chain.erase(chain.begin(), std::find(chain.begin(), chain.end(), *id));
      tell_cycle(chain);
    }
  }

  void tell_cycle(const std::vector<std::string>& chain) {
    const auto place = [this](const std::string& id) {
      const FileRecord* record = metadata_.find(id);
      return metadata_.path_of(id).value_or(record == nullptr ? "" : record->path);
    };
    // Told once, at the smallest path, from there on in the direction of part_of.
    std::size_t first = 0;
    for (std::size_t i = 1; i < chain.size(); ++i) {
      if (place(chain[i]) < place(chain[first])) first = i;
    }
    std::string names;
    for (std::size_t i = 0; i <= chain.size(); ++i) {
      if (i > 0) names += " → ";
      if (i == 4 && chain.size() > 5) {
        names += "… → ";
        i = chain.size();
      }
      names += in_quotes(place(chain[(first + i) % chain.size()]));
    }
    add(IssueKind::LinkCycle, place(chain[first]), chain[first],
        "The parents go round in a circle: " + names + ".");
  }

  void bodies_without_record() {
    for (const std::string& id : input_.body_docs) {
      if (metadata_.find(id) != nullptr) continue;
      add(IssueKind::OrphanBodyDoc, "", id,
          "The body document " + in_quotes(id) + " belongs to no record.");
    }
    for (const std::string& path : input_.orphan_paths) {
      add(IssueKind::OrphanBodyDoc, path, path,
          "The body document of " + in_quotes(path) + " waits for a record with that path.");
    }
  }

  const ValidateInput& input_;
  const MetadataDoc& metadata_;
  ValidateReport report_;
};

}  // namespace

std::string_view to_string(IssueKind kind) noexcept {
  return entry_of(kind).name;
}

std::string_view to_string(Severity severity) noexcept {
  return severity == Severity::Error ? "error" : "warning";
}

ValidateReport validate(const ValidateInput& input) {
  return Validation(input).run();
}

}  // namespace diaryx::workspace
