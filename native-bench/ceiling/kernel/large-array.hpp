// A zeroed array of fixed length in pages of 2 MiB where the system grants them (transparent_hugepage: madvise or always): random access to tens of
// megabytes otherwise waits for the page tables more than for the memory.
#pragma once
#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <new>

/** For functions that prefetch and do nothing else: g++ 12 takes them for functions without effect, and leaves out calls that are not inlined. */
#define PREFETCHING [[gnu::always_inline]] inline

/** Slots of an open-addressing table for this many entries: a power of two, at most 70 % full. */
inline uint32_t tableSlots(uint32_t entries) {
  uint64_t slots = 16;
  while (slots * 7 < uint64_t(entries) * 10) slots *= 2;
  return uint32_t(slots);
}

/** Whether to ask for pages of 2 MiB. Set before the first array is made. */
inline bool wantsLargePages = true;

template <typename Item>
class LargeArray {
 public:
  explicit LargeArray(std::size_t length) : bytes_(length * sizeof(Item)) {
    void* at = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) throw std::bad_alloc();
    if (wantsLargePages) madvise(at, bytes_, MADV_HUGEPAGE);
    items_ = static_cast<Item*>(at);
  }
  ~LargeArray() { munmap(items_, bytes_); }
  LargeArray(const LargeArray&) = delete;
  LargeArray& operator=(const LargeArray&) = delete;

  Item& operator[](std::size_t index) { return items_[index]; }
  const Item& operator[](std::size_t index) const { return items_[index]; }

 private:
  std::size_t bytes_;
  Item* items_;
};
