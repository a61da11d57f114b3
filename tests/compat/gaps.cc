#include "tests/compat/gaps.h"

#include <algorithm>
#include <optional>

#include "engine/crdt/wire/lazy_update.h"

namespace diaryx::compat {
namespace {

using crdt::Kind;
using crdt::LazyStruct;

struct Rewritten {
  Buffer update;
  bool joined = false;  // Some were neighbours.
};

template <class Source, class Sink>
std::optional<Rewritten> rewrite(Bytes update) {
  std::deque<crdt::Arena> owned;
  crdt::LazyReader<Source> reader(update, false, owned);
  crdt::LazyWriter<Sink> writer;
  Rewritten result;
  std::optional<LazyStruct> last;
  for (; const LazyStruct* next = reader.current(); reader.next()) {
    if (last && last->kind == Kind::Gc && next->kind == Kind::Gc && last->client == next->client &&
        last->end() == next->clock) {
      last->length += next->length;
      result.joined = true;
      continue;
    }
    if (last) writer.write(*last, 0);
    last = *next;
  }
  if (last) writer.write(*last, 0);
  std::vector<crdt::WireDelete> deletes;
  reader.read_deletes(deletes);
  if (!reader.status()) return std::nullopt;
  result.update = writer.finish(std::move(deletes));
  return result;
}

std::optional<Rewritten> rewrite(Bytes update, bool v2) {
  return v2 ? rewrite<crdt::V2Source, crdt::V2Sink>(update)
            : rewrite<crdt::V1Source, crdt::V1Sink>(update);
}

}  // namespace

bool same_but_for_gaps(Bytes expected, Bytes got, bool v2) {
  if (std::equal(expected.begin(), expected.end(), got.begin(), got.end())) return true;
  const auto wanted = rewrite(expected, v2);
  if (!wanted || !wanted->joined) return false;
  const auto ours = rewrite(got, v2);
  return ours && !ours->joined && ours->update == wanted->update;
}

}  // namespace diaryx::compat
