// A replica of a case: a document, its root types and what it emitted.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/crdt/doc.h"
#include "tests/compat/report.h"

namespace diaryx::compat {

class Replica {
 public:
  // `roots` is the case's object of name → kind. They are declared unless the replica's "declare"
  // is false.
  Replica(const OrderedJson& spec, const OrderedJson& roots);

  crdt::Doc& doc() noexcept { return *doc_; }
  const crdt::Doc& doc() const noexcept { return *doc_; }
  // The client id that the case gave it.
  std::uint64_t client() const noexcept { return client_; }

  // Adds roots (name → kind). A kind that the engine lacks is an error.
  Status declare(const OrderedJson& roots);
  // Nothing if there is no root of that name.
  std::optional<crdt::TypeRef> root(const std::string& name) const;

  // The updates v1 emitted since the last call.
  std::vector<Buffer> take_emitted() { return std::exchange(emitted_, {}); }

  // Why this replica is behind what the case expects: a step could not be run on it. Empty if it is
  // not.
  const std::string& blocked() const noexcept { return blocked_; }
  void block(std::string why) {
    if (blocked_.empty()) blocked_ = std::move(why);
  }

  // Compares with the expectation of a `check` step.
  void check(const OrderedJson& expected, Report& report) const;
  // A text or value of it holds half a character of JavaScript, which update format v1 turns into
  // U+FFFD.
  bool has_lone_surrogate() const;
  // The state in bytes, for "is it what it was before?".
  Buffer fingerprint() const;

 private:
  struct Root {
    std::string name;
    std::string kind;
    crdt::TypeRef type;
  };

  std::unique_ptr<crdt::Doc> doc_;  // Handles point to it.
  std::uint64_t client_;
  std::vector<Root> roots_;
  std::vector<Buffer> emitted_;
  std::string blocked_;
};

}  // namespace diaryx::compat
