// fuzz_seeds REPOSITORY DIR: writes to DIR/TARGET/ what the fuzz targets start from, taken from the
// conformance corpus and the examples. Files are named by the hash of their octets, so that none is
// there twice.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "engine/base/hash.h"
#include "engine/base/json.h"
#include "tests/compat/values.h"

namespace diaryx::fuzz {
namespace {

namespace fs = std::filesystem;

// Larger ones slow a fuzzer down and teach it nothing.
constexpr std::size_t kMostOctets = 2048;

class Seeds {
 public:
  explicit Seeds(fs::path folder) : folder_(std::move(folder)) {}

  void add(const std::string& target, Bytes octets) {
    if (octets.size() > kMostOctets) return;
    const std::string name = fmt::format("{:016x}", stable_hash64(as_text(octets)));
    if (!written_.insert(target + name).second) return;
    fs::create_directories(folder_ / target);
    std::ofstream out(folder_ / target / name, std::ios::binary);
    out.write(reinterpret_cast<const char*>(octets.data()),
              static_cast<std::streamsize>(octets.size()));
  }
  void add(const std::string& target, std::string_view text) { add(target, as_bytes(text)); }
  std::size_t size() const noexcept { return written_.size(); }

 private:
  fs::path folder_;
  std::set<std::string> written_;
};

std::string read_file(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

// A length in two octets and the octets: Choices::part().
void append_part(Buffer& out, Bytes part) {
  out.push_back(static_cast<std::uint8_t>(part.size() & 0xFFU));
  out.push_back(static_cast<std::uint8_t>(part.size() >> 8U));
  out.insert(out.end(), part.begin(), part.end());
}

class CorpusSeeds {
 public:
  explicit CorpusSeeds(Seeds& seeds) : seeds_(seeds) {}

  void add_case(const OrderedJson& kase) {
    for (const OrderedJson& step : kase.value("steps", OrderedJson::array())) add_step(step);
  }

 private:
  static Buffer octets(const OrderedJson& value) {
    auto decoded = compat::to_bytes(value);
    return decoded && decoded->size() <= kMostOctets ? std::move(*decoded) : Buffer();
  }

  void add_update(bool v2, const OrderedJson& value) {
    const Buffer update = octets(value);
    if (update.empty()) return;
    seeds_.add(v2 ? "update_v2" : "update_v1", update);
    // With the one before it, a pair to merge.
    Buffer& before = before_[v2 ? 1 : 0];
    Buffer pair;
    append_part(pair, state_vector_);
    append_part(pair, before);
    pair.insert(pair.end(), update.begin(), update.end());
    seeds_.add(v2 ? "stateless_v2" : "stateless_v1", pair);
    before = update;
    seeds_.add("columns", update);
  }

  void add_step(const OrderedJson& step) {
    const auto op = step.value("op", "");
    const bool v2 = step.value("enc", "v1") == "v2";
    const auto bytes_of = [&step](const char* name) {
      return step.contains(name) ? octets(step.at(name)) : Buffer();
    };
    if (op == "malformed") return add_malformed(step);
    if (step.contains("sv") && step.at("sv").is_string()) {
      state_vector_ = bytes_of("sv");
      seeds_.add("state_vector", state_vector_);
    }
    if (op.starts_with("snapshot")) {
      seeds_.add("snapshot", bytes_of("bytes"));
    } else if (op.starts_with("relpos")) {
      seeds_.add("relative_position", bytes_of("bytes"));
    } else if (op.starts_with("awareness")) {
      seeds_.add("awareness", bytes_of("update"));
    } else if (op.starts_with("sync")) {
      add_message(step);
    } else if (op.starts_with("frame")) {
      seeds_.add("frame", bytes_of("bytes"));
    } else if (op.starts_with("codec")) {
      seeds_.add(step.value("type", "") == "any" ? "any" : "columns", bytes_of("bytes"));
    } else if (step.contains("update")) {
      add_update(op == "convertV2toV1" || v2, step.at("update"));
    }
    if (step.contains("expect") && step.at("expect").is_object())
      add_expected(op, step.at("expect"));
  }

  void add_message(const OrderedJson& step) {
    if (!step.contains("message")) return;
    // The sync protocol's messages have an envelope around them here.
    Buffer message = {0};
    const Buffer inner = octets(step.at("message"));
    message.insert(message.end(), inner.begin(), inner.end());
    seeds_.add("sync_message", message);
  }

  void add_expected(const std::string& op, const OrderedJson& expected) {
    if (expected.contains("v1") && op.starts_with("snapshot.take")) {
      seeds_.add("snapshot", octets(expected.at("v1")));
      seeds_.add("snapshot", octets(expected.at("v2")));
      return;
    }
    if (expected.contains("v1")) add_update(false, expected.at("v1"));
    if (expected.contains("v2")) add_update(true, expected.at("v2"));
    if (expected.contains("sv_bytes")) seeds_.add("state_vector", octets(expected.at("sv_bytes")));
    for (const OrderedJson& update : expected.value("emits", OrderedJson::array())) {
      add_update(false, update.at("v1"));
      add_update(true, update.at("v2"));
    }
    const char* const targets[][2] = {{"codec", "any"},           {"column", "columns"},
                                      {"awareness", "awareness"}, {"relpos", "relative_position"},
                                      {"frame", "frame"},         {"envelope", "sync_message"}};
    for (const auto& [prefix, target] : targets) {
      if (op.starts_with(prefix) && expected.contains("bytes"))
        seeds_.add(target, octets(expected.at("bytes")));
    }
    if (op.starts_with("awareness") && expected.contains("states"))
      seeds_.add("json", dump_json(expected.at("states")));
    if (expected.contains("roots")) seeds_.add("json", dump_json(expected.at("roots")));
  }

  void add_malformed(const OrderedJson& step) {
    const auto target = step.value("target", "");
    const Buffer bytes = octets(step.at("bytes"));
    const bool v2 = target.ends_with("v2");
    if (target.starts_with("update") || target.starts_with("merge") || target.starts_with("diff") ||
        target.starts_with("convert")) {
      add_update(v2, step.at("bytes"));
    } else if (target == "sv") {
      seeds_.add("state_vector", bytes);
    } else if (target.starts_with("snapshot")) {
      seeds_.add("snapshot", bytes);
    } else if (target == "relpos") {
      seeds_.add("relative_position", bytes);
    } else if (target == "awareness" || target == "frame") {
      seeds_.add(target, bytes);
    } else if (target == "sync") {
      add_message({{"message", step.at("bytes")}});
    }
  }

  Seeds& seeds_;
  Buffer before_[2];
  Buffer state_vector_ = {0};
};

void add_corpus(const fs::path& folder, Seeds& seeds) {
  CorpusSeeds corpus(seeds);
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".json") continue;
    if (const auto kase = parse_ordered_json(read_file(entry.path()))) corpus.add_case(*kase);
  }
}

void add_notes(const fs::path& folder, Seeds& seeds) {
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".md") continue;
    const std::string text = read_file(entry.path());
    seeds.add("markdown", text);
    const std::size_t end = text.find("\n---\n", 4);
    if (text.starts_with("---\n") && end != std::string::npos)
      seeds.add("header", std::string_view(text).substr(4, end - 3));
  }
  for (const char* header : {"a: 1\nb: [x, 'y', \"z\"]\nc: {d: ~, e: 1.5e3}\n",
                             "# comment\ntitle: &t Title\nalias: *t\nlist:\n  - one\n  - two: 2\n",
                             "text: |\n  line\n   more\nfolded: >-\n  a\n  b\n? complex\n: value\n",
                             "\"q\\u00e9\": !!str 1\nx: 0x1F\ny: .inf\n...\n"}) {
    seeds.add("header", header);
    seeds.add("markdown", fmt::format("\xEF\xBB\xBF---\r\n{}---\r\nbody\r\n", header));
  }
}

void add_messages(Seeds& seeds) {
  for (const char* text : {R"({"action":"leave","doc":"body:w/a.md"})",
                           R"({"action":"save","doc":"workspace:w"})", R"({"type":"files_ready"})",
                           "\"FilesReady\"", R"({"type":"focus","files":["a.md","b/c.md"]})",
                           R"({"type":"unfocus","files":[]})", "[1e308,null,{}]"}) {
    seeds.add("control", text);
    seeds.add("json", text);
  }
  // A piece size, then masked frames: "Hello" whole and in two fragments with a ping between,
  // close.
  const Buffer hello = {0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58};
  const Buffer fragments = {0x01, 0x82, 0,    0,    0, 0, 'H', 'e', 0x89, 0x80, 1,  2,
                            3,    4,    0x80, 0x83, 0, 0, 0,   0,   'l',  'l',  'o'};
  const Buffer close = {0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE8};
  const Buffer longer = {0x82, 0xFE, 0x00, 0x7E, 0, 0, 0, 0};
  for (const auto piece : {std::uint8_t{1}, std::uint8_t{3}, std::uint8_t{200}}) {
    Buffer all = {piece};
    for (const Buffer* part : {&hello, &fragments, &hello, &longer})
      all.insert(all.end(), part->begin(), part->end());
    all.resize(all.size() + 126, 'x');
    all.insert(all.end(), close.begin(), close.end());
    seeds.add("websocket", all);
  }
  for (const char* text :
       {"GET /sync2?token=a%20b HTTP/1.1\r\nHost: localhost:1\r\nUpgrade: websocket\r\nConnection: "
        "keep-alive, Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n",
        "POST /api/share/sessions HTTP/1.1\r\nHost: [::1]\r\nContent-Length: 17\r\n"
        "Expect: 100-continue\r\n\r\n{\"read_only\":true}",
        "PUT /files/a%2Fb.png?x=1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n",
        "GET /sync?doc=abc&session=AB-CD&multiplexed=true HTTP/1.0\r\n\r\n",
        "GET /ws/body:abc/%C3%A9.md HTTP/1.1\r\nIf-None-Match: \"x\"\r\n\r\n"}) {
    for (const char piece : {'\x01', '\x07', '\xC8'}) seeds.add("http", piece + std::string(text));
  }
  for (const char* name : {"notes/a.md", "../a.md", "a/./b", ".git/config", "body:abc/notes/a.md",
                           "workspace:abc", "localhost:8080", "[::1]:80", "http://127.0.0.1:1234",
                           "https://evil.example", "null", "caf%C3%A9%2F..%2Fx",
                           "body:abc/"
                           "\xC3\xA9.md"}) {
    seeds.add("names", name);
    for (const std::string& payload : {std::string("\x00\x00\x01\x00", 4), std::string("\x03")}) {
      const auto frame = static_cast<char>(std::string_view(name).size()) + (name + payload);
      seeds.add("framing", frame);
      seeds.add("hocuspocus", static_cast<char>(std::string_view(name).size()) +
                                  (name + (std::string(1, 0) + payload)));
    }
  }
  for (const std::string& text : {std::string("\x01"
                                              "d\x02\x00\x05token",
                                              10),
                                  std::string("\x01"
                                              "d\x05\x02hi",
                                              6),
                                  std::string("\x01"
                                              "d\x07\x00",
                                              4),
                                  std::string("\x01"
                                              "d\x03",
                                              3),
                                  std::string("\x09"),
                                  std::string("\x03"
                                              "d\x00s\x00\x00\x01\x00",
                                              8)})
    seeds.add("hocuspocus", text);
  for (std::uint8_t seed = 0; seed < 8; ++seed) {
    Buffer program;
    for (unsigned i = 0; i < 400; ++i)
      program.push_back(static_cast<std::uint8_t>((i * 2654435761U + seed * 40503U) >> 13U));
    seeds.add("edits", program);
  }
}

// A visitor, a dialect, then messages: what it is, its length and its octets (session.cc).
void add_sessions(Seeds& seeds) {
  const auto frame = [](std::string_view name, std::string_view payload) {
    return static_cast<char>(name.size()) + std::string(name) + std::string(payload);
  };
  const std::string_view ask("\x00\x00\x01\x00", 4);
  // An insertion of "hi" into the text `body`, by client 7.
  const std::string insertion(
      "\x00\x02\x0f\x01\x01\x07\x00\x04\x01\x04"
      "body"
      "\x02hi\x00",
      18);
  const std::vector<std::pair<char, std::string>> script{
      {1, R"({"type":"files_ready"})"},
      {2, frame("workspace:w", ask)},
      {0, frame("body:w/a.md", ask)},
      {2, frame("body:w/a.md", insertion)},
      {3, R"({"type":"focus","files":["a.md"]})"},
      {2, std::string(ask)},
      {4, insertion},
      {3, R"({"action":"leave","doc":"body:w/a.md"})"}};
  for (int who = 0; who < 4; ++who) {
    for (int endpoint = 0; endpoint < 32; endpoint += 3) {
      Buffer input{static_cast<std::uint8_t>(who), static_cast<std::uint8_t>(endpoint)};
      for (const auto& [kind, message] : script) {
        input.push_back(static_cast<std::uint8_t>(kind));
        append_part(input, as_bytes(message));
      }
      seeds.add("session", input);
    }
  }
  for (std::uint8_t address = 0; address < 20; ++address) {
    for (const char* const rest :
         {"", "a.md", R"({"title":"T","body":"b","parent":null,"place":0})",
          R"({"read_only":true,"expires_in_s":60})", R"({"dry_run":true})", R"({"good":false})",
          R"({"token":"token"})", "---\ntitle: x\n---\nbody\n"}) {
      Buffer input{address, 1};
      append_part(input, as_bytes("a.md"));
      const Bytes more = as_bytes(rest);
      input.insert(input.end(), more.begin(), more.end());
      seeds.add("rest", input);
    }
  }
}

int run(const fs::path& repository, const fs::path& folder) {
  Seeds seeds(folder);
  add_corpus(repository / "tests/compat/corpus", seeds);
  add_corpus(repository / "tests/compat/found", seeds);
  add_notes(repository / "examples", seeds);
  add_messages(seeds);
  add_sessions(seeds);
  fmt::print("{} seeds in {}\n", seeds.size(), folder.string());
  return 0;
}

}  // namespace
}  // namespace diaryx::fuzz

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: fuzz_seeds REPOSITORY DIR\n");
    return 2;
  }
  return diaryx::fuzz::run(argv[1], argv[2]);
}
