// Text as bytes: hashes, UTF-8, comparison. Every buffer that texts point into has READ_AHEAD readable bytes behind its last one.
#pragma once
#include <cstdint>
#include <cstring>

constexpr std::size_t READ_AHEAD = 64;

inline uint64_t loadWord(const uint8_t* at) {
  uint64_t word;
  std::memcpy(&word, at, 8);
  return word;
}

/** The first `count` bytes of a word, count < 8. */
inline uint64_t firstBytes(uint64_t word, unsigned count) { return word & ((uint64_t{1} << (count * 8)) - 1); }

/** Up to eight bytes of a key as one integer, as the compiler sees a literal. */
constexpr uint64_t keyWord(const char* text) {
  uint64_t word = 0;
  for (unsigned i = 0; text[i] != 0; i++) word |= uint64_t(uint8_t(text[i])) << (i * 8);
  return word;
}

struct Text {
  const uint8_t* bytes = nullptr;
  uint32_t length = 0;
};

inline bool sameText(const uint8_t* a, const uint8_t* b, std::size_t length) { return std::memcmp(a, b, length) == 0; }

/** 128 bits in two lanes of multiply-and-fold: `a` chooses places, both together tell ids apart. */
struct Hash128 {
  uint64_t a = 0x9e3779b97f4a7c15;
  uint64_t b = 0xd1b54a32d192ed03;

  void addWord(uint64_t word) {
    a = fold(a ^ word, 0xa0761d6478bd642f) + 0xe7037ed1a0b428db;
    b = fold(b ^ word, 0x8ebc6af09c88c6e3) + 0x589965cc75374cc3;
  }
  /** With its length, so that "ab", "c" and "a", "bc" differ. */
  void add(Text text) {
    uint32_t at = 0;
    for (; at + 8 <= text.length; at += 8) addWord(loadWord(text.bytes + at));
    addWord(firstBytes(loadWord(text.bytes + at), text.length - at) | (uint64_t(text.length) << 56));
  }
  bool operator==(const Hash128& other) const { return a == other.a && b == other.b; }

 private:
  static uint64_t fold(uint64_t x, uint64_t y) {
    const unsigned __int128 product = (unsigned __int128)x * y;
    return uint64_t(product) ^ uint64_t(product >> 64);
  }
};

/** FNV-1a, 32 bit: the checksums that both sides print. */
inline uint32_t fnv1a(uint32_t hash, const void* bytes, std::size_t length) {
  const auto* at = static_cast<const uint8_t*>(bytes);
  for (std::size_t i = 0; i < length; i++) hash = (hash ^ at[i]) * 0x01000193u;
  return hash;
}
constexpr uint32_t FNV_OFFSET = 0x811c9dc5u;

inline bool validUtf8Slow(const uint8_t* at, const uint8_t* end) {
  while (at < end) {
    const uint8_t c = *at++;
    if (c < 0x80) continue;
    const int more = c >= 0xc2 && c < 0xe0 ? 1 : (c & 0xf0) == 0xe0 ? 2 : c >= 0xf0 && c < 0xf5 ? 3 : 0;
    if (more == 0 || end - at < more) return false;
    const uint8_t second = at[0];
    if ((second & 0xc0) != 0x80) return false;
    // Overlong forms, surrogates, beyond U+10FFFF.
    if ((c == 0xe0 && second < 0xa0) || (c == 0xed && second > 0x9f) || (c == 0xf0 && second < 0x90) ||
        (c == 0xf4 && second > 0x8f))
      return false;
    for (int i = 1; i < more; i++)
      if ((at[i] & 0xc0) != 0x80) return false;
    at += more;
  }
  return true;
}

inline bool validUtf8(Text text) {
  constexpr uint64_t HIGH = 0x8080808080808080;
  uint64_t seen = 0;
  uint32_t at = 0;
  for (; at + 8 <= text.length; at += 8) seen |= loadWord(text.bytes + at);
  seen |= firstBytes(loadWord(text.bytes + at), text.length - at);
  return (seen & HIGH) == 0 || validUtf8Slow(text.bytes, text.bytes + text.length);
}
