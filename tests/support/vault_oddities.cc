// The catalogue of what a folder of notes can hold besides what one expects. Each kind is named
// once; tests ask for it by name.
#include <string>
#include <string_view>
#include <utility>

#include "engine/base/random.h"
#include "tests/support/vault_prose.h"
#include "tests/support/vault_writer.h"

namespace diaryx::test {
namespace {

std::string with_line_ends(std::string_view text, std::string_view line_end) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += line_end;
    } else {
      out.push_back(c);
    }
  }
  return out;
}

std::string repeat(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

constexpr std::string_view kNote =
    "---\ntitle: Odd one\ntags: [a, b]\n---\n\nFirst line.\n\nLast line.\n";
constexpr std::string_view kBom = "\xEF\xBB\xBF";

void add_line_ends(VaultWriter& out) {
  const std::string crlf = with_line_ends(kNote, "\r\n");
  const std::string bom(kBom);
  out.odd_file("crlf", "odd/eol/crlf.md", crlf);
  out.odd_file("crlf-without-header", "odd/eol/crlf-plain.md", "one\r\ntwo\r\n");
  out.odd_file("crlf-without-end", "odd/eol/crlf-no-end.md", "one\r\ntwo");
  out.odd_file("mixed-eol", "odd/eol/mixed.md",
               "---\r\ntitle: Mixed\n---\r\none\r\ntwo\nthree\r\n");
  out.odd_file("mixed-eol-one-lf", "odd/eol/one-lf.md", crlf + "an LF here\n");
  out.odd_file("crlf-header-lf-body", "odd/eol/half.md",
               "---\r\ntitle: Half\r\n---\r\nbody\nbody\n");
  out.odd_file("lf-header-crlf-body", "odd/eol/half2.md",
               "---\ntitle: Half\n---\nbody\r\nbody\r\n");
  out.odd_file("lone-cr", "odd/eol/cr.md", with_line_ends(kNote, "\r"));
  out.odd_file("lone-cr-among-lf", "odd/eol/cr-among.md", "one\rtwo\nthree\r\rfour\n");
  out.odd_file("cr-cr-lf", "odd/eol/crcrlf.md", "one\r\r\ntwo\r\r\n");
  out.odd_file("cr-at-end", "odd/eol/cr-end.md", "one\r\ntwo\r");
  out.odd_file("only-line-ends", "odd/eol/blank.md", "\n\r\n\n\r\n");
  out.odd_file("bom", "odd/eol/bom.md", bom + std::string(kNote));
  out.odd_file("bom-crlf", "odd/eol/bom-crlf.md", bom + crlf);
  out.odd_file("bom-only", "odd/eol/bom-only.md", bom);
  out.odd_file("bom-twice", "odd/eol/bom-twice.md", bom + bom + "text\n");
  out.odd_file("bom-inside", "odd/eol/bom-inside.md", "---\ntitle: B\n---\n" + bom + "text\n");
  out.odd_file("unicode-breaks", "odd/eol/breaks.md",
               "a\xC2\x85"
               "b\xE2\x80\xA8"
               "c\xE2\x80\xA9"
               "d\x0B"
               "e\x0C"
               "f\n");
  out.odd_file("no-newline-at-end", "odd/eol/no-end.md", "---\ntitle: N\n---\nlast line");
  out.odd_file("many-blank-lines", "odd/eol/blanks.md",
               "---\ntitle: B\n---\n" + std::string(200, '\n') + "x\n\n\n\n");
}

void add_fences(VaultWriter& out) {
  const std::pair<const char*, std::string> files[] = {
      {"no-header", "# Just text\n\nNo header at all.\n"},
      {"empty-file", ""},
      {"one-newline", "\n"},
      {"header-only", "---\ntitle: Only me\n---\n"},
      {"header-at-end-of-file", "---\ntitle: No line break after the fence\n---"},
      {"empty-header", "---\n---\nbody\n"},
      {"empty-header-only", "---\n---\n"},
      {"blank-header", "---\n\n\n---\nbody\n"},
      {"comment-header", "---\n# only a comment\n---\nbody\n"},
      {"header-never-closed", "---\ntitle: Open\nbody without end\n"},
      {"header-fence-only", "---\n"},
      {"header-fence-no-newline", "---"},
      {"spaces-after-fences", "---   \ntitle: Spaces\n---  \nbody\n"},
      {"tabs-after-fences", "---\t\ntitle: Tabs\n---\t\nbody\n"},
      {"four-dashes", "----\ntitle: Rule\n----\nbody\n"},
      {"indented-fence", " ---\ntitle: Indented\n ---\nbody\n"},
      {"blank-line-before-header", "\n---\ntitle: Late\n---\nbody\n"},
      {"fence-in-body", "---\ntitle: Rules\n---\none\n\n---\n\ntwo\n\n---\n"},
      {"fence-in-block-scalar", "---\ntext: |\n  ---\n  inside\n---\nbody\n"},
      {"dots-close-header", "---\ntitle: Dots\n...\nbody\n"},
      {"toml-header", "+++\ntitle = \"Hugo\"\n+++\nbody\n"},
      {"two-headers", "---\ntitle: One\n---\n---\ntitle: Two\n---\nbody\n"},
  };
  for (const auto& [kind, bytes] : files)
    out.odd_file(kind, std::string("odd/fences/") + kind + ".md", bytes);
}

void add_headers(VaultWriter& out) {
  const std::pair<const char*, std::string> headers[] = {
      {"broken-yaml", "title: \"never closed\ntags: [a, b\n"},
      {"yaml-tab-indent", "extra:\n\tkey: value\n"},
      {"yaml-bad-indent", "a: 1\n   b: 2\n c: 3\n"},
      {"yaml-not-a-map", "- just\n- a list\n"},
      {"yaml-scalar", "only words\n"},
      {"duplicate-keys", "title: One\ntitle: Two\ntags: [a]\ntags: [b]\n"},
      {"anchors", "base: &b {x: 1, y: [2, 3]}\nsame: *b\nmerged:\n  <<: *b\n  z: 4\n"},
      {"unknown-alias", "a: *nowhere\n"},
      {"alias-bomb", "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n"},
      {"tags", "a: !!str 12\nb: !custom {x: 1}\nc: !!binary aGk=\nd: !!set {x, y}\n"},
      {"block-scalars",
       "a: |\n  keep\n   this\nb: >-\n  fold\n  this\n\n  too\nc: |+\n  end\n\n\nd: |2\n    "
       "deep\ne: >2-\n   x\n"},
      {"quoting",
       "a: 'it''s'\nb: \"\\u00e4\\n\\x41\"\n'c d': \"e: f\"\n\"g\": 'h # i'\nj:   spaced   # "
       "comment\n"},
      {"comments",
       "# top\n\ntitle: C  # beside\n# between\ntags:  # after colon\n  # inside\n  - a  # "
       "item\n\n# bottom\n"},
      {"flow", "a: {b: [1, 2, {c: d}], 'e': \"f\"}\nlong: [one,\n  two,\n  three]\n"},
      {"multi-line-plain", "title: goes on\n  and on\n  and on\nnext: x\n"},
      {"explicit-keys", "? complex key\n: value\n? [a, b]\n: list as key\n"},
      {"odd-keys", "1: one\ntrue: two\n~: three\n\"\": four\nü: five\n🌱: six\n"},
      {"numbers",
       "a: 0x1F\nb: 0o17\nc: 1e400\nd: -0\ne: .inf\nf: .nan\ng: 1_000\nh: 007\ni: "
       "9007199254740993\nj: 1.10\nk: +5\n"},
      {"yaml-1.1-words",
       "a: yes\nb: No\nc: on\nd: NULL\ne: ~\nf: 12:30:45\ng: 2026-01-01\nh: "
       "2026-01-01T00:00:00Z\n"},
      {"wrong-shapes",
       "title: [a, b]\npart_of: {x: 1}\ncontents: one.md\naudience: everyone\nattachments: "
       "5\ndescription: 3.0\n"},
      {"null-fields", "title:\npart_of: ~\ncontents:\naudience: null\n"},
      {"list-with-non-strings", "contents: [1, null, {a: b}, [c], \"\"]\n"},
      {"zero-indented-list", "tags:\n- a\n- b\ntitle: After\n"},
      {"title-is-a-number", "title: 2026\n"},
      {"empty-title", "title: \"\"\n"},
      {"very-long-value", "title: " + std::string(20'000, 'x') + "\n"},
      {"very-long-key", std::string(1'200, 'k') + ": value\n"},
      {"header-too-large", "a: |\n" + repeat("  filler filler filler filler\n", 3'000)},
      {"many-keys",
       [] {
         std::string text;
         for (int i = 0; i < 2'000; ++i)
           text += "key" + std::to_string(i) + ": " + std::to_string(i) + "\n";
         return text;
       }()},
      {"nested-deep", "a: " + std::string(100, '[') + std::string(100, ']') + "\n"},
      {"control-in-header",
       "title: \"a\x01"
       "b\"\n"},
      {"document-markers", "a: 1\n...\n%YAML 1.2\n"},
      {"windows-path", "path: C:\\Users\\me\nshare: \\\\server\\x\n"},
      {"colons-everywhere", "title: a: b\nurl: http://x.org:80/y\ntime: 10:30\n"},
      {"updated-field", "title: U\nupdated: 2026-02-03T04:05:06.789+01:00\n"},
      {"updated-number", "title: U\nupdated: 1700000000000\n"},
      {"attachment-records",
       "attachments:\n  - path: a.png\n    source: local\n    hash: ''\n    mime_type: image/png\n "
       "   size: 4\n"
       "    deleted: false\n  - plain.txt\n"},
      {"deleted-true", "title: D\ndeleted: true\n"},
  };
  for (const auto& [kind, header] : headers) {
    out.odd_file(kind, std::string("odd/headers/") + kind + ".md",
                 "---\n" + header + "---\n\nBody.\n");
  }
}

void add_bytes(VaultWriter& out, Random& random) {
  std::string noise;
  for (int i = 0; i < 4'096; ++i) noise.push_back(static_cast<char>(random.below(256)));
  const std::pair<const char*, std::string> files[] = {
      {"binary", "\x89PNG\r\n\x1A\n" + noise},
      {"nul-bytes", std::string("---\ntitle: N\n---\nbefore\0after\n", 31)},
      {"latin-1",
       "---\ntitle: Caf\xE9\n---\nGr\xFC\xDF"
       "e\n"},
      {"utf-16-le", std::string("\xFF\xFE#\0 \0h\0i\0\n\0", 12)},
      {"truncated-utf-8", "text \xE2\x82"},
      {"overlong-utf-8", "slash \xC0\xAF here\n"},
      {"lone-surrogate", "half \xED\xA0\x80 pair\n"},
      {"above-unicode", "\xF4\x90\x80\x80\n"},
      {"noncharacters", "\xEF\xBF\xBE \xEF\xBF\xBF \xF4\x8F\xBF\xBF\n"},
      {"replacement-characters", "was lost: \xEF\xBF\xBD\xEF\xBF\xBD\n"},
      {"control-characters", "bell \x07, escape \x1B[31m, delete \x7F, back \x08\n"},
      {"emoji-body",
       "👩‍👩‍👧‍👦 🇫🇮 👍🏽 e\xCC\x81 "
       "🏴\xF3\xA0\x81\xA7\xF3\xA0\x81\xA2\n"},
      {"right-to-left", "עברית وعربية \xE2\x80\xAEgnirts\xE2\x80\xAC\n"},
      {"zalgo", "z" + repeat("\xCC\x81\xCC\xA7\xCD\x8F", 400) + "\n"},
      {"one-megabyte-line", "---\ntitle: Long\n---\n" + repeat("0123456789abcdef", 65'536) + "\n"},
      {"one-megabyte-of-emoji", repeat("🌱", 262'144)},
      {"many-lines", repeat("x\n", 60'000)},
      {"spaces-only", "    \t  \n   "},
      {"trailing-spaces", "---\ntitle: T  \n---\nhard break  \nnext\t\n   \n"},
      {"conflict-markers", "<<<<<<< HEAD\nours\n=======\ntheirs\n>>>>>>> other\n"},
  };
  for (const auto& [kind, bytes] : files)
    out.odd_file(kind, std::string("odd/bytes/") + kind + ".md", bytes);
  out.odd_file("larger-than-16-mib", "odd/bytes/huge.md", "starts as text\n");
  out.grow("odd/bytes/huge.md", (16U << 20U) + 1);
}

void add_names(VaultWriter& out) {
  const std::string long_name(197, 'n');
  const std::pair<const char*, std::string> names[] = {
      {"name-with-spaces", "two  words here.md"},
      {"name-leading-space", " lead.md"},
      {"name-space-before-dot", "trail .md"},
      {"name-trailing-space", "end.md "},
      {"name-emoji", "🌱 seed 👩‍👧.md"},
      {"name-composed", "caf\xC3\xA9.md"},
      {"name-decomposed", "cafe\xCC\x81.md"},
      {"name-cjk", "日記 二月.md"},
      {"name-rtl",
       "\xE2\x80\xAE"
       "dm.txt.md"},
      {"name-zero-width",
       "a\xE2\x80\x8B"
       "b.md"},
      {"name-case-lower", "case.md"},
      {"name-case-upper", "CASE.md"},
      {"name-case-mixed", "Case.md"},
      {"extension-upper", "shout.MD"},
      {"extension-markdown", "long.markdown"},
      {"extension-none", "no extension"},
      {"extension-double", "archive.md.md"},
      {"name-200", long_name + ".md"},
      {"name-255", std::string(252, 'm') + ".md"},
      {"name-newline", "new\nline.md"},
      {"name-tab", "ta\tb.md"},
      {"name-control", "bell\x07.md"},
      {"name-backslash", "back\\slash.md"},
      {"name-quotes", "it's \"quoted\".md"},
      {"name-glob", "glob*[a-z]?.md"},
      {"name-percent", "100%25 & more #1.md"},
      {"name-brackets", "a (b) [c] {d} <e>.md"},
      {"name-colon", "12:30 | meeting.md"},
      {"name-windows", "CON.md"},
      {"name-dash", "-rf.md"},
      {"name-dots", "...md"},
      {"name-not-utf-8", "bad\xFF.md"},
      {"name-git-alias", "git~1/note.md"},
      {"name-tilde", "~.md"},
      {"name-sync-conflict", "note.sync-conflict-20260101-120000-ABCDEFG.md"},
      {"name-like-index", "index.md"},
      {"name-like-readme", "readme.md"},
      {"temp-tmp", "note.md.tmp"},
      {"temp-bak", "note.md.bak"},
      {"temp-swap", "note.md.swap"},
      {"temp-vim", ".note.md.swp"},
      {"temp-emacs", "#note.md#"},
      {"temp-backup", "note.md~"},
      {"hidden-file", ".hidden.md"},
      {"hidden-name-only", ".md"},
      {"hidden-folder", ".obsidian/workspace.md"},
      {"hidden-trash", ".trash/gone.md"},
  };
  for (const auto& [kind, name] : names) {
    out.odd_file(kind, "odd/names/" + name,
                 "---\ntitle: \"" + std::string(kind) + "\"\n---\nIn a file with an odd name.\n");
  }
}

void add_tree(VaultWriter& out) {
  std::string deep = "odd/tree";
  for (int i = 0; i < 60; ++i) deep += "/d" + std::to_string(i);
  out.odd_file("deep", deep + "/deep.md", kNote);
  std::string long_path = "odd/tree";
  for (int i = 0; i < 12; ++i) long_path += "/" + std::string(100, static_cast<char>('a' + i));
  out.odd_file("path-over-1024", long_path + "/far.md", kNote);

  out.folder("odd/tree/empty");
  out.odd("empty-folder", "odd/tree/empty");
  out.folder("odd/tree/empty.md");
  out.odd("folder-named-md", "odd/tree/empty.md");
  out.odd_file("note-in-folder-named-md", "odd/tree/folder.md/inside.md", kNote);

  out.file("odd/tree/target.md", kNote);
  out.file("odd/tree/real/real.md", kNote);
  const std::pair<const char*, std::pair<const char*, const char*>> links[] = {
      {"symlink-in", {"link.md", "target.md"}},
      {"symlink-out", {"outside.md", "../../../outside-the-vault.md"}},
      {"symlink-absolute", {"absolute.md", "/dev/null"}},
      {"symlink-dangling", {"dangling.md", "never-there.md"}},
      {"symlink-loop", {"loop.md", "loop.md"}},
      {"symlink-folder", {"alias", "real"}},
      {"symlink-folder-out", {"up", "../../.."}},
      {"symlink-folder-loop", {"real/again", "."}},
      {"symlink-folder-named-md", {"alias.md", "real"}},
  };
  for (const auto& [kind, link] : links) {
    const std::string path = std::string("odd/tree/") + link.first;
    out.link(path, link.second);
    out.odd(kind, path);
  }
  out.hard_link("odd/tree/twin.md", "odd/tree/target.md");
  out.odd("hard-link", "odd/tree/twin.md");
  out.pipe("odd/tree/pipe.md");
  out.odd("named-pipe", "odd/tree/pipe.md");

  const std::pair<const char*, unsigned> modes[] = {
      {"executable", 0755}, {"read-only", 0444}, {"unreadable", 0}, {"private", 0600}};
  for (const auto& [kind, mode] : modes) {
    const std::string path = std::string("odd/tree/") + kind + ".md";
    out.odd_file(kind, path, kNote);
    out.mode(path, mode);
  }
  out.odd_file("modified-at-zero", "odd/tree/epoch.md", kNote);
  out.modified("odd/tree/epoch.md", 0);
  out.odd_file("modified-in-the-future", "odd/tree/future.md", kNote);
  out.modified("odd/tree/future.md", 4'000'000'000);
}

void add_links(VaultWriter& out) {
  const auto note = [&](const char* kind, const std::string& name, const std::string& header) {
    out.odd_file(kind, "odd/links/" + name, "---\n" + header + "---\n\nSee [[somewhere]].\n");
  };
  note("links-out-of-root", "out.md",
       "part_of: ../../../up.md\ncontents:\n  - /../x.md\n  - /etc/passwd\n  - "
       "../../../../etc/passwd\n  - C:\\x.md\n");
  note("links-to-nothing", "nothing.md",
       "part_of: gone.md\ncontents: [\"[Gone](/gone/too.md)\", \"\"]\n");
  note("links-not-to-notes", "elsewhere.md",
       "part_of: https://example.org/a.md\ncontents: [\"mailto:me@example.org\", \"odd/links\", "
       "\"[Folder](/odd/links/)\", \"#here\"]\n");
  note("links-odd-syntax", "syntax.md",
       "contents:\n  - \"[A](<a b.md>)\"\n  - \"[B](b%20c.md)\"\n  - \"[C](c.md#part)\"\n  - "
       "\"[D](d.md 'title')\"\n"
       "  - \"[E](e (1).md)\"\n  - \"[[F]]\"\n  - \"[G](g.md\"\n  - \"![H](h.md)\"\n  - "
       "\"[I][ref]\"\n  - \"  j.md  \"\n  - \"./././k.md\"\n");
  note("contents-cycle", "cycle-a.md", "title: A\npart_of: cycle-b.md\ncontents: [cycle-b.md]\n");
  note("contents-cycle", "cycle-b.md", "title: B\npart_of: cycle-a.md\ncontents: [cycle-a.md]\n");
  note("part-of-itself", "self.md", "part_of: self.md\ncontents: [self.md]\n");
  note("linked-twice-by-one", "twice.md",
       "title: Twice\ncontents: [child.md, child.md, ./child.md, "
       "\"[Child](/odd/links/child.md)\"]\n");
  note("linked-by-two", "second-parent.md", "title: Second\ncontents: [child.md]\n");
  note("child-of-two", "child.md", "title: Child\npart_of: twice.md\n");
  note("second-root", "second-root.md",
       "title: Another root\ncontents: []\nlink_format: plain_canonical\n");
  note("unknown-link-format", "format.md", "title: F\ncontents: []\nlink_format: wiki\n");
  note("links-to-other-case", "case.md", "part_of: TWICE.md\n");
  note("links-to-hidden", "hidden.md",
       "contents: [../names/.hidden.md, ../../.diaryx/store.db, ../../.git/config]\n");
  note("links-through-symlink", "through.md",
       "contents: [../tree/alias/real.md, ../tree/link.md]\n");
  std::string many = "contents:\n";
  for (int i = 0; i < 1'500; ++i) many += "  - missing-" + std::to_string(i) + ".md\n";
  note("many-missing-children", "many.md", many);
}

void add_attachments(VaultWriter& out, Random& random) {
  std::string noise;
  for (int i = 0; i < 300'000; ++i) noise.push_back(static_cast<char>(random.below(256)));
  out.odd_file("attachment-binary", "odd/_attachments/noise.bin", noise);
  out.odd_file("attachment-crlf", "odd/_attachments/table.csv", "a,b\r\n1,2\r\n");
  out.odd_file("attachment-empty", "odd/_attachments/empty.txt", "");
  out.odd_file("attachment-note", "odd/_attachments/note.md", kNote);
}

}  // namespace

void add_oddities(VaultWriter& writer, std::uint64_t seed) {
  SeededRandom random(seed ^ 0x0DD17E5U);
  add_line_ends(writer);
  add_fences(writer);
  add_headers(writer);
  add_bytes(writer, random);
  add_names(writer);
  add_tree(writer);
  add_links(writer);
  add_attachments(writer, random);
}

}  // namespace diaryx::test
