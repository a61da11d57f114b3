#include "tests/compat/memory_meter.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <new>

#include <malloc.h>

// The names that the linker's --wrap gives.
extern "C" {
void* __real_realloc(void* memory, std::size_t size);
void __real_free(void* memory);
void* __wrap_realloc(void* memory, std::size_t size);
void __wrap_free(void* memory);
}

namespace diaryx::compat {
namespace {

std::atomic<std::size_t> held{0};
std::atomic<std::size_t> most_held{0};

void add(std::size_t size) {
  const std::size_t now = held.fetch_add(size, std::memory_order_relaxed) + size;
  if (now > most_held.load(std::memory_order_relaxed))
    most_held.store(now, std::memory_order_relaxed);
}

// What came from realloc(): free() is called for other memory, too, of which we do not know.
class Grown {
 public:
  bool remove(void* memory) {
    const std::lock_guard lock(mutex_);
    const auto end = blocks_.begin() + static_cast<std::ptrdiff_t>(count_);
    const auto it = std::find(blocks_.begin(), end, memory);
    if (it == end) return false;
    *it = blocks_[--count_];
    return true;
  }
  void add(void* memory) {
    const std::lock_guard lock(mutex_);
    if (count_ == blocks_.size()) std::abort();
    blocks_[count_++] = memory;
  }

 private:
  std::mutex mutex_;
  std::array<void*, 65'536> blocks_{};
  std::size_t count_ = 0;
};

Grown grown;

}  // namespace

void* grow(void* memory, std::size_t size) {
  // Old and new are there at once at worst.
  const bool known = memory != nullptr && grown.remove(memory);
  const std::size_t before = known ? malloc_usable_size(memory) : 0;
  void* const larger = __real_realloc(memory, size);
  if (larger == nullptr) std::abort();
  add(malloc_usable_size(larger));
  held.fetch_sub(before, std::memory_order_relaxed);
  grown.add(larger);
  return larger;
}

void drop(void* memory) noexcept {
  if (memory != nullptr && grown.remove(memory))
    held.fetch_sub(malloc_usable_size(memory), std::memory_order_relaxed);
  __real_free(memory);
}

void* take(std::size_t size, std::size_t alignment);
void give_back(void* memory) noexcept;

void* take(std::size_t size, std::size_t alignment) {
  void* memory =
      alignment <= alignof(std::max_align_t)
          ? std::malloc(size == 0 ? 1 : size)
          : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (memory == nullptr) std::abort();
  add(malloc_usable_size(memory));
  return memory;
}

void give_back(void* memory) noexcept {
  if (memory == nullptr) return;
  held.fetch_sub(malloc_usable_size(memory), std::memory_order_relaxed);
  __real_free(memory);
}

MemoryMeter::MemoryMeter() noexcept : start_(held.load()) {
  most_held.store(start_);
}

std::size_t MemoryMeter::peak() const noexcept {
  return most_held.load() - start_;
}

}  // namespace diaryx::compat

void* __wrap_realloc(void* memory, std::size_t size) {
  return diaryx::compat::grow(memory, size);
}
void __wrap_free(void* memory) {
  diaryx::compat::drop(memory);
}

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
