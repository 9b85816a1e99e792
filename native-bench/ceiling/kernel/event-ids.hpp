// The last `max` event ids by customer, type and id: 128-bit hashes in a ring, oldest forgotten first, each with the decisions it led to.
// An open-addressing table leads to the ring; an entry that goes closes the gap behind it.
#pragma once
#include "large-array.hpp"
#include "text.hpp"

class EventIds {
 public:
  explicit EventIds(uint32_t max) : max_(max), mask_(tableSlots(max) - 1), ring_(max), table_(mask_ + 1) {}

  /** Brings in what `contains` and `add` of this hash, and of the `ahead`th id from now, will look at. */
  PREFETCHING void prefetch(const Hash128& hash, uint32_t ahead) const {
    __builtin_prefetch(&table_[uint32_t(hash.a) & mask_], 1);
    if (total_ + ahead >= max_) __builtin_prefetch(&table_[uint32_t(ring_[placeAfter(ahead)].hash.a) & mask_], 1);
  }

  bool contains(const Hash128& hash) const {
    const uint32_t tag = uint32_t(hash.a);
    for (uint32_t slot = tag & mask_;; slot = (slot + 1) & mask_) {
      const Slot& found = table_[slot];
      if (found.place == 0) return false;
      if (found.tag == tag && ring_[found.place - 1].hash == hash) return true;
    }
  }

  void add(const Hash128& hash, uint64_t firstDecision, uint32_t decisions) {
    const uint32_t place = next_;
    if (total_ >= max_) forget(place);
    ring_[place] = {hash, firstDecision, decisions};
    uint32_t slot = uint32_t(hash.a) & mask_;
    while (table_[slot].place != 0) slot = (slot + 1) & mask_;
    table_[slot] = {uint32_t(hash.a), place + 1};
    next_ = next_ + 1 == max_ ? 0 : next_ + 1;
    total_++;
  }

 private:
  struct Entry {
    Hash128 hash;
    uint64_t firstDecision = 0;
    uint32_t decisions = 0;
  };
  /** `place` is one more than the place in the ring; 0: empty. */
  struct Slot {
    uint32_t tag = 0;
    uint32_t place = 0;
  };

  uint32_t placeAfter(uint32_t ahead) const {
    const uint32_t place = next_ + ahead;
    return place >= max_ ? place - max_ : place;
  }

  void forget(uint32_t place) {
    uint32_t gap = uint32_t(ring_[place].hash.a) & mask_;
    while (table_[gap].place != place + 1) gap = (gap + 1) & mask_;
    for (uint32_t slot = (gap + 1) & mask_; table_[slot].place != 0; slot = (slot + 1) & mask_) {
      const uint32_t home = table_[slot].tag & mask_;
      if (((slot - home) & mask_) < ((slot - gap) & mask_)) continue;
      table_[gap] = table_[slot];
      gap = slot;
    }
    table_[gap] = {};
  }

  uint32_t max_;
  uint32_t mask_;
  uint32_t next_ = 0;
  uint64_t total_ = 0;
  LargeArray<Entry> ring_;
  LargeArray<Slot> table_;
};
