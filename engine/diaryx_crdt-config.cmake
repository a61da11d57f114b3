# What find_package(diaryx_crdt) reads: the target diaryx::crdt.
include(${CMAKE_CURRENT_LIST_DIR}/diaryx_crdt-targets.cmake)
