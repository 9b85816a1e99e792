// Two aggregates over 30 daily buckets, aligned to the epoch: how many receipts, and the sum of their totals. Both have the same buckets, so one
// list serves both. Only non-empty buckets are kept: the newest in the customer's row, the ones before it in a block, ascending. A read adds the
// live buckets up in ascending order and nothing is ever subtracted, so that every machine gets the same bits.
#pragma once
#include <cstdint>
#include <cstring>
#include <vector>

constexpr int32_t WINDOW_BUCKETS = 30;
constexpr double BUCKET_MS = 86400000;

inline int32_t bucketOf(double ms) { return int32_t(int64_t(ms) / int64_t(BUCKET_MS)); }

struct Bucket {
  int32_t number;
  uint32_t receipts;
  double spend;
};

/** The newest bucket (receipts 0: none at all), and where the ones before it are. */
struct Window {
  Bucket newest{0, 0, 0};
  uint32_t block = 0;
  uint8_t older = 0;
  uint8_t capacity = 0;
};

/** Blocks of buckets of a few sizes; freed ones are used again. */
class Blocks {
 public:
  Blocks() : buckets_(1) {}

  Bucket* at(uint32_t block) { return &buckets_[block]; }

  uint32_t allocate(uint8_t capacity) {
    std::vector<uint32_t>& free = free_[capacity];
    if (!free.empty()) {
      const uint32_t block = free.back();
      free.pop_back();
      return block;
    }
    const auto block = uint32_t(buckets_.size());
    buckets_.resize(buckets_.size() + capacity);
    return block;
  }
  void release(uint32_t block, uint8_t capacity) {
    if (capacity > 0) free_[capacity].push_back(block);
  }

 private:
  std::vector<Bucket> buckets_;
  std::vector<uint32_t> free_[WINDOW_BUCKETS + 1];
};

struct WindowValues {
  double receipts;
  double spend;
};

class Windows {
 public:
  /** Counts a receipt at `time`, no later than `logTime`, and adds its total where `hasSpend`; then reads both aggregates. */
  WindowValues observe(Window& window, double time, double logTime, double spend, bool hasSpend) {
    const int32_t oldest = bucketOf(logTime) - WINDOW_BUCKETS + 1;
    const int32_t bucket = bucketOf(time);
    if (!hasSpend) spend = 0;
    expire(window, oldest);
    Bucket& newest = window.newest;
    if (bucket < oldest) return read(window, oldest);
    if (newest.receipts == 0) newest = {bucket, 1, spend};
    else if (newest.number == bucket) {
      newest.receipts++;
      newest.spend += spend;
    } else if (newest.number < bucket) {
      insert(window, window.older, newest);
      newest = {bucket, 1, spend};
    } else {
      late(window, bucket, spend);
    }
    return read(window, oldest);
  }

  WindowValues read(const Window& window, int32_t oldest) {
    if (window.newest.receipts == 0 || window.newest.number < oldest) return {0, 0};
    if (window.older == 0) return {double(window.newest.receipts), window.newest.spend};
    const Bucket* bucket = blocks_.at(window.block);
    const Bucket* end = bucket + window.older;
    while (bucket < end && bucket->number < oldest) bucket++;
    WindowValues values{0, 0};
    for (; bucket < end; bucket++) {
      values.receipts += bucket->receipts;
      values.spend += bucket->spend;
    }
    return {values.receipts + window.newest.receipts, values.spend + window.newest.spend};
  }

  void clear(Window& window) {
    blocks_.release(window.block, window.capacity);
    window = {};
  }

 private:
  void expire(Window& window, int32_t oldest) {
    if (window.newest.receipts > 0 && window.newest.number < oldest) return clear(window);
    if (window.older == 0) return;
    Bucket* first = blocks_.at(window.block);
    uint8_t gone = 0;
    while (gone < window.older && first[gone].number < oldest) gone++;
    if (gone == 0) return;
    window.older -= gone;
    std::memmove(first, first + gone, window.older * sizeof(Bucket));
  }

  /** Into a bucket before the newest. */
  void late(Window& window, int32_t number, double spend) {
    Bucket* first = blocks_.at(window.block);
    uint8_t place = window.older;
    while (place > 0 && first[place - 1].number > number) place--;
    if (place > 0 && first[place - 1].number == number) {
      first[place - 1].receipts++;
      first[place - 1].spend += spend;
      return;
    }
    insert(window, place, {number, 1, spend});
  }

  void insert(Window& window, uint8_t place, Bucket bucket) {
    if (window.older == window.capacity) {
      const uint8_t capacity = window.capacity == 0 ? 2 : window.capacity < 8 ? 8 : WINDOW_BUCKETS;
      const uint32_t block = blocks_.allocate(capacity);
      if (window.older > 0)
        std::memcpy(blocks_.at(block), blocks_.at(window.block), window.older * sizeof(Bucket));
      blocks_.release(window.block, window.capacity);
      window.block = block;
      window.capacity = capacity;
    }
    Bucket* first = blocks_.at(window.block);
    std::memmove(first + place + 1, first + place, (window.older - place) * sizeof(Bucket));
    first[place] = bucket;
    window.older++;
  }

  Blocks blocks_;
};
