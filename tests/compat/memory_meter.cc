#include "tests/compat/memory_meter.h"

#include <atomic>
#include <cstdlib>
#include <new>

#include <malloc.h>

namespace diaryx::compat {
namespace {

std::atomic<std::size_t> held{0};
std::atomic<std::size_t> most_held{0};

}  // namespace

void* take(std::size_t size, std::size_t alignment);
void give_back(void* memory) noexcept;

void* take(std::size_t size, std::size_t alignment) {
  void* memory =
      alignment <= alignof(std::max_align_t)
          ? std::malloc(size == 0 ? 1 : size)
          : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (memory == nullptr) std::abort();
  const std::size_t now = held.fetch_add(malloc_usable_size(memory), std::memory_order_relaxed) +
                          malloc_usable_size(memory);
  if (now > most_held.load(std::memory_order_relaxed))
    most_held.store(now, std::memory_order_relaxed);
  return memory;
}

void give_back(void* memory) noexcept {
  if (memory == nullptr) return;
  held.fetch_sub(malloc_usable_size(memory), std::memory_order_relaxed);
  std::free(memory);
}

MemoryMeter::MemoryMeter() noexcept : start_(held.load()) {
  most_held.store(start_);
}

std::size_t MemoryMeter::peak() const noexcept {
  return most_held.load() - start_;
}

}  // namespace diaryx::compat

// All of them: a sanitizer's runtime brings its own for those that we leave out, and then frees
// what we took.
using diaryx::compat::give_back;
using diaryx::compat::take;
void* operator new(std::size_t size) {
  return take(size, 0);
}
void* operator new[](std::size_t size) {
  return take(size, 0);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return take(size, 0);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return take(size, 0);
}
void* operator new(std::size_t size, std::align_val_t align) {
  return take(size, static_cast<std::size_t>(align));
}
void* operator new[](std::size_t size, std::align_val_t align) {
  return take(size, static_cast<std::size_t>(align));
}
void operator delete(void* memory) noexcept {
  give_back(memory);
}
void operator delete[](void* memory) noexcept {
  give_back(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  give_back(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  give_back(memory);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept {
  give_back(memory);
}
void operator delete[](void* memory, const std::nothrow_t&) noexcept {
  give_back(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  give_back(memory);
}
void operator delete[](void* memory, std::align_val_t) noexcept {
  give_back(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  give_back(memory);
}
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept {
  give_back(memory);
}
