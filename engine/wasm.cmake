# For WebAssembly with Debian's emscripten (the preset wasm): fmt and nlohmann_json as headers alone.
#
# They are Debian's too, but its /usr/include as a whole describes another machine, so what is included is a folder of our own with
# links to the two.
set(LIBRARY_HEADERS ${CMAKE_BINARY_DIR}/include)
file(MAKE_DIRECTORY ${LIBRARY_HEADERS})
foreach(library fmt nlohmann)
  find_path(${library}_PARENT NAMES ${library} PATHS /usr/local/include /usr/include NO_DEFAULT_PATH NO_CMAKE_FIND_ROOT_PATH REQUIRED)
  file(CREATE_LINK ${${library}_PARENT}/${library} ${LIBRARY_HEADERS}/${library} SYMBOLIC)
endforeach()
foreach(target fmt::fmt fmt::fmt-header-only)
  add_library(${target} INTERFACE IMPORTED)
  target_include_directories(${target} SYSTEM INTERFACE ${LIBRARY_HEADERS})
  target_compile_definitions(${target} INTERFACE FMT_HEADER_ONLY)
endforeach()
add_library(nlohmann_json::nlohmann_json INTERFACE IMPORTED)
target_include_directories(nlohmann_json::nlohmann_json SYSTEM INTERFACE ${LIBRARY_HEADERS})

# Programs run under node, see the files of the machine, and grow. Emscripten 3.1.6 would fetch() its own code where node has that
# function, and its optimiser for JavaScript does not find its library everywhere: hence compiled at once, and linked with -O1.
add_link_options(-O1 -sENVIRONMENT=node -sNODERAWFS=1 -sALLOW_MEMORY_GROWTH=1 -sMAXIMUM_MEMORY=2GB -sWASM_ASYNC_COMPILATION=0
  -sEXIT_RUNTIME=1)
