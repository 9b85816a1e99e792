// Customers: an open-addressing table of 64-bit hashes leads from the id to the row, where the id is kept for comparison. What every event changes
// is one cache line per row; attributes are columns (dictionary codes, doubles, bitmaps of presence), since audience scans read them as well.
#pragma once
#include <string>
#include <unordered_map>
#include <vector>

#include "large-array.hpp"
#include "text.hpp"
#include "windows.hpp"

/** A row's first id bytes are in it; longer ids are whole in `longKeys`. */
constexpr uint32_t KEY_BYTES_INLINE = 24;

struct alignas(64) Row {
  uint8_t key[KEY_BYTES_INLINE];
  uint16_t keyLength;
  uint32_t longKey;
  Window window;
  /** Index of the newest contact; 0: none. */
  uint32_t contact;
};
static_assert(sizeof(Row) == 64);

/** Distinct strings of profiles. */
class Dictionary {
 public:
  int32_t intern(Text text) {
    const auto [entry, fresh] = codes_.try_emplace(
        std::string(reinterpret_cast<const char*>(text.bytes), text.length), int32_t(codes_.size()));
    return entry->second;
  }

 private:
  std::unordered_map<std::string, int32_t> codes_;
};

class Customers {
 public:
  explicit Customers(uint32_t max)
      : tier(max + 1),
        country(max + 1),
        score(max + 1),
        tierPresent(max / 8 + 1),
        countryPresent(max / 8 + 1),
        scorePresent(max / 8 + 1),
        max_(max),
        mask_(tableSlots(max) - 1),
        table_(mask_ + 1),
        rows_(max + 1),
        longKeys_(READ_AHEAD) {}

  PREFETCHING void prefetchSlot(const Hash128& hash) const { __builtin_prefetch(&table_[hash.a & mask_]); }

  /** The row that the id most likely has, brought in. */
  PREFETCHING void prefetchRow(const Hash128& hash) const {
    for (uint64_t slot = hash.a & mask_; table_[slot].row != 0; slot = (slot + 1) & mask_) {
      if (table_[slot].tag != uint32_t(hash.a >> 32)) continue;
      const uint32_t row = table_[slot].row;
      __builtin_prefetch(&rows_[row], 1);
      __builtin_prefetch(&tier[row]);
      __builtin_prefetch(&tierPresent[row >> 3]);
      return;
    }
  }

  /** The row of an id, made if needed; 0: there is no room for another. */
  uint32_t ensure(Text id, const Hash128& hash) {
    const auto tag = uint32_t(hash.a >> 32);
    uint64_t slot = hash.a & mask_;
    for (; table_[slot].row != 0; slot = (slot + 1) & mask_)
      if (table_[slot].tag == tag && hasKey(rows_[table_[slot].row], id)) return table_[slot].row;
    if (count_ == max_) return 0;
    const uint32_t made = ++count_;
    table_[slot] = {tag, made};
    setKey(rows_[made], id);
    return made;
  }

  /** The row of an id; 0: there is none. */
  uint32_t find(Text id, const Hash128& hash) const {
    for (uint64_t slot = hash.a & mask_; table_[slot].row != 0; slot = (slot + 1) & mask_)
      if (table_[slot].tag == uint32_t(hash.a >> 32) && hasKey(rows_[table_[slot].row], id)) return table_[slot].row;
    return 0;
  }

  /** Row 0 is the scratch row of events without a customer. */
  Row& row(uint32_t row) { return rows_[row]; }
  uint32_t count() const { return count_; }
  Text keyOf(uint32_t row) const {
    const Row& found = rows_[row];
    return {found.keyLength <= KEY_BYTES_INLINE ? found.key : &longKeys_[found.longKey], found.keyLength};
  }

  static bool bit(const LargeArray<uint8_t>& bitmap, uint32_t row) { return (bitmap[row >> 3] >> (row & 7)) & 1; }
  static void setBit(LargeArray<uint8_t>& bitmap, uint32_t row, bool value) {
    const auto mask = uint8_t(1 << (row & 7));
    bitmap[row >> 3] = value ? bitmap[row >> 3] | mask : bitmap[row >> 3] & ~mask;
  }

  LargeArray<int32_t> tier, country;
  LargeArray<double> score;
  LargeArray<uint8_t> tierPresent, countryPresent, scorePresent;

 private:
  struct Slot {
    uint32_t tag = 0;
    uint32_t row = 0;
  };

  bool hasKey(const Row& row, Text id) const {
    if (row.keyLength != id.length) return false;
    return sameText(id.length <= KEY_BYTES_INLINE ? row.key : &longKeys_[row.longKey], id.bytes, id.length);
  }

  void setKey(Row& row, Text id) {
    row.keyLength = uint16_t(id.length);
    if (id.length <= KEY_BYTES_INLINE) {
      std::memcpy(row.key, id.bytes, id.length);
      return;
    }
    row.longKey = uint32_t(longKeys_.size() - READ_AHEAD);
    longKeys_.insert(longKeys_.end() - READ_AHEAD, id.bytes, id.bytes + id.length);
  }

  uint32_t max_;
  uint32_t count_ = 0;
  uint64_t mask_;
  LargeArray<Slot> table_;
  LargeArray<Row> rows_;
  std::vector<uint8_t> longKeys_;
};
