#include "engine/history/object_writer.h"

#include <memory>
#include <utility>

#include <openssl/evp.h>
#include <zlib.h>

namespace diaryx::history {
namespace {

struct FreeDigest {
  void operator()(EVP_MD_CTX* digest) const noexcept { EVP_MD_CTX_free(digest); }
};
struct FreeWritepack {
  void operator()(git_odb_writepack* pack) const noexcept { pack->free(pack); }
};

// Deflates one object after another with one set of buffers. Z_BEST_SPEED as git does for loose
// objects: notes shrink a tenth less than at the default level, in a third of the time, and `git
// gc` repacks them anyway.
class Deflater {
 public:
  Deflater() { ready_ = deflateInit(&stream_, Z_BEST_SPEED) == Z_OK; }
  ~Deflater() {
    if (ready_) (void)deflateEnd(&stream_);  // Only tells whether input was left over.
  }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  Status append(std::string& out, std::string_view bytes) {
    if (!ready_ || deflateReset(&stream_) != Z_OK) return Error{ErrorCode::Io, "zlib: no memory"};
    const std::size_t at = out.size();
    const uLong bound = deflateBound(&stream_, static_cast<uLong>(bytes.size()));
    out.resize(at + bound);
    // zlib takes its input through a pointer to non-const and does not write to it.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out.data() + at);
    stream_.avail_out = static_cast<uInt>(bound);
    if (deflate(&stream_, Z_FINISH) != Z_STREAM_END) {
      return Error{ErrorCode::Io, "zlib: deflate stopped early"};
    }
    out.resize(out.size() - stream_.avail_out);
    return {};
  }

 private:
  z_stream stream_ = {};
  bool ready_ = false;
};

void append_u32(std::string& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>((value >> shift) & 0xFF));
}

void append_object_head(std::string& out, git_object_t type, std::size_t size) {
  auto octet = static_cast<unsigned>(type) << 4U | static_cast<unsigned>(size & 0x0FU);
  size >>= 4U;
  while (size > 0) {
    out.push_back(static_cast<char>(octet | 0x80U));
    octet = static_cast<unsigned>(size & 0x7FU);
    size >>= 7U;
  }
  out.push_back(static_cast<char>(octet));
}

// One stream of pack bytes into the repository, its SHA-1 counted on the way.
class PackStream {
 public:
  static Result<PackStream> open(git_odb* odb) {
    git_odb_writepack* raw = nullptr;
    const int code = git_odb_write_pack(&raw, odb, nullptr, nullptr);
    PackStream stream(raw);
    if (code < 0) return git_failure(code, "begin a pack");
    if (EVP_DigestInit_ex(stream.digest_.get(), EVP_sha1(), nullptr) != 1) {
      return Error{ErrorCode::Unsupported, "openssl: no SHA-1"};
    }
    return stream;
  }

  Status append(std::string_view bytes) {
    if (EVP_DigestUpdate(digest_.get(), bytes.data(), bytes.size()) != 1) {
      return Error{ErrorCode::Io, "openssl: SHA-1 failed"};
    }
    return append_unhashed(bytes);
  }

  Status finish() {
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    if (EVP_DigestFinal_ex(digest_.get(), sum, &size) != 1) {
      return Error{ErrorCode::Io, "openssl: SHA-1 failed"};
    }
    DX_TRY_OK(append_unhashed({reinterpret_cast<const char*>(sum), size}));
    if (const int code = pack_->commit(pack_.get(), &progress_); code < 0) {
      return git_failure(code, "finish a pack");
    }
    return {};
  }

 private:
  explicit PackStream(git_odb_writepack* pack) : pack_(pack), digest_(EVP_MD_CTX_new()) {}

  Status append_unhashed(std::string_view bytes) {
    const int code = pack_->append(pack_.get(), bytes.data(), bytes.size(), &progress_);
    if (code < 0) return git_failure(code, "write a pack");
    return {};
  }

  std::unique_ptr<git_odb_writepack, FreeWritepack> pack_;
  std::unique_ptr<EVP_MD_CTX, FreeDigest> digest_;
  git_indexer_progress progress_ = {};
};

}  // namespace

Result<git_oid> ObjectWriter::add(git_object_t type, std::string bytes) {
  git_oid id;
  int code = git_odb_hash(&id, bytes.data(), bytes.size(), type);
  if (code < 0) return git_failure(code, "hash an object");
  std::string raw_id(reinterpret_cast<const char*>(id.id), GIT_OID_RAWSZ);
  if (pending_ids_.count(raw_id) > 0) return id;
  // No refresh: looking for new packs once per object would list the folder thousands of times. An
  // object that somebody else packs at this moment is then stored twice, which git allows.
  if (git_odb_exists_ext(odb_, &id, GIT_ODB_LOOKUP_NO_REFRESH) != 0) {
    // "Writing" an object that is there renews its time, so that a `git gc` at work now does not
    // prune it.
    code = git_odb_write(&id, odb_, bytes.data(), bytes.size(), type);
    if (code < 0) return git_failure(code, "renew an object");
    return id;
  }
  if (pending_bytes_ + bytes.size() > kMaxPendingBytes) DX_TRY_OK(flush());
  pending_bytes_ += bytes.size();
  pending_.push_back({type, std::move(bytes)});
  pending_ids_.insert(std::move(raw_id));
  return id;
}

Status ObjectWriter::flush() {
  if (pending_.empty()) return {};
  DX_TRY_OK(pending_.size() <= kMaxLooseObjects ? write_loose() : write_pack());
  pending_.clear();
  pending_ids_.clear();
  pending_bytes_ = 0;
  return {};
}

Status ObjectWriter::write_loose() {
  for (const Pending& object : pending_) {
    git_oid id;
    const int code =
        git_odb_write(&id, odb_, object.bytes.data(), object.bytes.size(), object.type);
    if (code < 0) return git_failure(code, "write an object");
  }
  return {};
}

Status ObjectWriter::write_pack() {
  DX_TRY(PackStream stream, PackStream::open(odb_));
  Deflater deflater;
  std::string bytes = "PACK";
  append_u32(bytes, 2);
  append_u32(bytes, static_cast<std::uint32_t>(pending_.size()));
  for (const Pending& object : pending_) {
    append_object_head(bytes, object.type, object.bytes.size());
    DX_TRY_OK(deflater.append(bytes, object.bytes));
    if (bytes.size() < (256U << 10U)) continue;
    DX_TRY_OK(stream.append(bytes));
    bytes.clear();
  }
  DX_TRY_OK(stream.append(bytes));
  DX_TRY_OK(stream.finish());
  // add() asks without looking for new packs; this one it shall know.
  if (const int code = git_odb_refresh(odb_); code < 0)
    return git_failure(code, "find the new pack");
  return {};
}

}  // namespace diaryx::history
