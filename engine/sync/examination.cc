#include "engine/sync/examination.h"

#include <string>
#include <unordered_map>
#include <utility>

#include "engine/base/hash.h"
#include "engine/workspace/markdown_file.h"

namespace diaryx::sync {
namespace {

class Examination {
 public:
  Examination(Documents& documents, const DiskSync& disk, filesystem::FileTree& files)
      : documents_(documents),
        disk_(disk),
        files_(files),
        input_{.metadata = std::as_const(documents).metadata()} {}

  Result<workspace::ValidateInput> run() {
    DX_TRY_OK(look_at_documents());
    DX_TRY_OK(look_at_ledger());
    DX_TRY(const filesystem::Listing listing, files_.list());
    for (const filesystem::Skipped& skipped : listing.skipped)
      input_.unreadable_files.emplace_back(skipped.path, skipped.reason);
    for (const filesystem::Listed& file : listing.files) look_at_file(file);
    for (const auto& [path, stamp] : ledger_) {
      const auto parsed = WorkspacePath::parse(path);
      if (parsed && !input_.on_disk.contains(path) && !listing.unknown(*parsed))
        input_.not_taken_in.insert(path);
    }
    look_at_attachments();
    return std::move(input_);
  }

 private:
  Status look_at_documents() {
    DX_TRY(const auto bodies, documents_.names("body/"));
    for (const std::string& name : bodies) input_.body_docs.insert(name.substr(5));
    DX_TRY(const auto waiting, documents_.names("path/"));
    for (const std::string& name : waiting) input_.orphan_paths.insert(name.substr(5));
    look_at_document(std::string(kWorkspaceDocName));
    for (const std::string& name : bodies) look_at_document(name);
    for (const std::string& name : waiting) look_at_document(name);
    return {};
  }

  void look_at_document(const std::string& name) {
    const bool was_loaded = documents_.loaded(name) != nullptr;
    const auto document = documents_.open_document(name);
    if (!document) {
      input_.damaged_documents.emplace(name, document.error().message);
      return;
    }
    if (const auto slash = name.find('/');
        slash != std::string::npos && (*document)->text().length() == 0) {
      input_.empty_bodies.insert(name.substr(slash + 1));
    }
    if (const Status sound = (*document)->doc->check_invariants(); !sound)
      input_.damaged_documents.emplace(name, sound.error().message);
    // That it stays in memory is no fault of the document's.
    if (!was_loaded && !documents_.has_changes()) (void)documents_.forget(name);
  }

  Status look_at_ledger() {
    DX_TRY(auto stamps, documents_.store().ledger_stamps());
    for (storage::LedgerStamp& stamp : stamps) {
      if (!stamp.path.empty()) ledger_.emplace(stamp.path, std::move(stamp));
    }
    for (const std::string& id : disk_.ahead()) {
      if (const auto path = input_.metadata.path_of(id)) input_.not_written.insert(*path);
    }
    return {};
  }

  void look_at_file(const filesystem::Listed& file) {
    const std::string path = file.path.str();
    if (!file.path.is_markdown()) {
      input_.on_disk.emplace(path, true);
      return;
    }
    const auto id = input_.metadata.id_at(path);
    const bool has_body_doc = id && input_.body_docs.contains(*id);
    const auto agreed = ledger_.find(path);
    const bool as_agreed = agreed != ledger_.end() && agreed->second.size == file.stat.size &&
                           agreed->second.mtime_ns == file.stat.mtime_ns &&
                           agreed->second.inode == file.stat.inode;
    if (has_body_doc && as_agreed) {
      input_.on_disk.emplace(path, true);
      return;
    }
    const auto content = files_.read(file.path, filesystem::kMaxNoteBytes);
    const auto parts = content ? workspace::split_markdown(content->bytes)
                               : Result<workspace::MarkdownFile>(content.error());
    if (!parts) input_.unreadable_files.emplace_back(path, parts.error().message);
    // No document for its text: is that because there is no text, or because it cannot be read?
    input_.on_disk.emplace(path, has_body_doc || (parts && !parts->body.empty()));
    if (content &&
        (agreed == ledger_.end() || sha256(as_bytes(content->bytes)) != agreed->second.base_hash)) {
      input_.not_taken_in.insert(path);
    }
  }

  // Only those whose record says what they were.
  void look_at_attachments() {
    for (const auto& [id, record] : input_.metadata.records()) {
      if (record.deleted) continue;
      for (const workspace::Attachment& attachment : record.attachments) {
        if (attachment.hash.empty() || attachment.deleted) continue;
        look_at_attachment(attachment.path, record.path);
      }
    }
  }

  void look_at_attachment(const std::string& link, const std::string& from) {
    const auto target = workspace::attachment_target(
        link, from, input_.metadata.link_format(),
        [&](const auto& path) { return input_.on_disk.contains(path); });
    if (!target) return;
    const auto path = WorkspacePath::parse(*target);
    if (!path || input_.attachments.contains(*target)) return;
    const auto stat = files_.stat(*path);
    if (!stat || !*stat) return;
    auto hash = disk_.attachments().hash_of(*target, **stat);
    if (!hash) {
      if (const auto read = hash_file(files_, *path)) hash = *read;
    }
    if (hash) input_.attachments[*target] = {.hash = to_hex(*hash), .size = (*stat)->size};
  }

  Documents& documents_;
  const DiskSync& disk_;
  filesystem::FileTree& files_;
  workspace::ValidateInput input_;
  std::unordered_map<std::string, storage::LedgerStamp> ledger_;  // By path.
};

}  // namespace

Result<workspace::ValidateInput> examine(Documents& documents, const DiskSync& disk,
                                         filesystem::FileTree& files) {
  return Examination(documents, disk, files).run();
}

}  // namespace diaryx::sync
