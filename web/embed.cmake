# Turns a folder of files into assembly that includes them as they are, and a C++ table that names them.
#
#   cmake -D FOLDER=dist -D OUT=dir -D NAME=editor_assets -P embed.cmake
#
# writes OUT/NAME.S and OUT/NAME.cc, which defines diaryx::web::NAME().
#
# x and its compressed forms x.br and x.gz become one entry. The hash stands in the assembly too, so that a compiler cache sees
# that the content behind an .incbin has changed.
cmake_minimum_required(VERSION 3.25)

file(GLOB_RECURSE names RELATIVE ${FOLDER} ${FOLDER}/*)
list(FILTER names EXCLUDE REGEX "\\.(br|gz)$")
list(SORT names)

set(assembly "    .section .rodata\n")
set(symbols "")
set(rows "")
set(number 0)
foreach(name IN LISTS names)
  set(row "")
  foreach(ending "" ".br" ".gz")
    set(file "${FOLDER}/${name}${ending}")
    if(NOT EXISTS "${file}")
      string(APPEND row ", {}")
      continue()
    endif()
    file(SHA256 "${file}" hash)
    set(symbol "diaryx_${NAME}_${number}")
    math(EXPR number "${number} + 1")
    string(APPEND assembly "/* ${hash} */\n    .balign 16\n    .globl ${symbol}_begin\n    .globl ${symbol}_end\n"
      "${symbol}_begin:\n    .incbin \"${file}\"\n${symbol}_end:\n    .byte 0\n")
    string(APPEND symbols "extern const char ${symbol}_begin[];\nextern const char ${symbol}_end[];\n")
    string(APPEND row ", between(${symbol}_begin, ${symbol}_end)")
    if(ending STREQUAL "")
      string(SUBSTRING ${hash} 0 16 short_hash)
    endif()
  endforeach()
  string(APPEND rows "      {\"/${name}\", \"${short_hash}\"${row}},\n")
endforeach()
string(APPEND assembly "    .section .note.GNU-stack,\"\",@progbits\n")

list(LENGTH names count)
string(CONFIGURE "#include \"web/assets.h\"

#include <array>

extern \"C\" {
@symbols@}

namespace diaryx::web {

std::span<const Asset> @NAME@() {
  [[maybe_unused]] const auto between = [](const char* begin, const char* end) {
    return std::string_view(begin, static_cast<std::size_t>(end - begin));
  };
  static const std::array<Asset, @count@> all = {{
@rows@  }};
  return all;
}

}  // namespace diaryx::web
" table @ONLY)

file(WRITE ${OUT}/${NAME}.S "${assembly}")
file(WRITE ${OUT}/${NAME}.cc "${table}")
