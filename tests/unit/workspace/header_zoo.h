// Headers of every kind that people and programs write, made from a seed: odd quoting, flow and
// block style, comments, anchors, tags, blank lines, CRLF. Each entry's lines are known, so that a
// test can tell what an edit may touch.
#pragma once

#include <string>
#include <vector>

#include "engine/base/random.h"

namespace diaryx::test {

struct ZooEntry {
  std::string key;
  std::string lines;  // With their breaks.
  std::string after;  // Comments and blank lines below it.
};

struct ZooHeader {
  std::string open, close;  // The fences; close with a "..." line before it, sometimes.
  std::string top;          // Comments and blank lines above the first entry.
  std::vector<ZooEntry> entries;

  std::string text() const {
    std::string out = open + top;
    for (const ZooEntry& entry : entries) out += entry.lines + entry.after;
    return out + close;
  }
};

// Readable YAML, keys unique.
ZooHeader make_header(SeededRandom& random);
// What cannot be read: broken, too deep, duplicate keys, no mapping.
std::string make_broken_header(SeededRandom& random);

}  // namespace diaryx::test
