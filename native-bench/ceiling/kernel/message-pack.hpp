// A reader of MessagePack that trusts nothing: what it reads stays within the message, texts are UTF-8, nesting is bounded.
// Once `failed`, the message cannot be read further. Limits are those of src/constants.ts.
#pragma once
#include <bit>
#include <cmath>

#include "text.hpp"

constexpr int DEPTH_MAX = 32;
constexpr uint32_t LIST_LENGTH_MAX = 4096;
constexpr uint32_t STRING_LENGTH_MAX = 64 * 1024;

struct Reader {
  const uint8_t* at = nullptr;
  const uint8_t* end = nullptr;
  bool failed = false;

  bool fail() {
    failed = true;
    return false;
  }
  bool has(std::size_t count) { return std::size_t(end - at) >= count || fail(); }

  template <typename Word>
  Word big(const uint8_t* from) const {
    Word word;
    std::memcpy(&word, from, sizeof word);
    if constexpr (sizeof word == 2) return __builtin_bswap16(word);
    if constexpr (sizeof word == 4) return __builtin_bswap32(word);
    if constexpr (sizeof word == 8) return __builtin_bswap64(word);
    return word;
  }

  /** Elements of the array that begins here; -1 if something else does. */
  int64_t arrayHeader() {
    if (at >= end) return -1;
    if ((*at & 0xf0) == 0x90) return *at++ & 0x0f;
    const unsigned width = *at == 0xdc ? 2 : *at == 0xdd ? 4 : 0;
    if (width == 0 || std::size_t(end - at) < 1 + width) return -1;
    const uint32_t count = width == 2 ? big<uint16_t>(at + 1) : big<uint32_t>(at + 1);
    at += 1 + width;
    return count;
  }

  /** Entries of the map that begins here; -1 (and `at` stays) if something else does. */
  int64_t mapHeader() {
    if (!has(1)) return -1;
    int64_t count = -1;
    if ((*at & 0xf0) == 0x80) count = *at++ & 0x0f;
    else if (*at == 0xde && has(3)) {
      count = big<uint16_t>(at + 1);
      at += 3;
    } else if (*at == 0xdf && has(5)) {
      count = big<uint32_t>(at + 1);
      at += 5;
    }
    if (count * 2 > end - at) {
      fail();
      return -1;
    }
    return count;
  }

  bool isText() const { return at < end && ((*at & 0xe0) == 0xa0 || (*at >= 0xd9 && *at <= 0xdb)); }

  /** A string; call where `isText`. */
  [[gnu::always_inline]] bool text(Text& into) {
    uint32_t length;
    unsigned header = 1;
    if ((*at & 0xe0) == 0xa0) length = *at & 0x1f;
    else {
      header = *at == 0xd9 ? 2 : *at == 0xda ? 3 : 5;
      if (!has(header)) return false;
      length = header == 2 ? at[1] : header == 3 ? big<uint16_t>(at + 1) : big<uint32_t>(at + 1);
    }
    if (!has(std::size_t(header) + length)) return false;
    into = {at + header, length};
    at += header + length;
    return validUtf8(into) || fail();
  }

  /** A key. What is not one of the expected ones (ASCII all) is to be shown to `checkKey`. */
  bool key(Text& into) {
    if (at < end && (*at & 0xe0) == 0xa0) [[likely]] {
      into = {at + 1, uint32_t(*at & 0x1f)};
      if (!has(1 + into.length)) return false;
      at += 1 + into.length;
      return true;
    }
    return isText() ? text(into) : fail();
  }
  bool checkKey(Text key) {
    const bool forbidden = key.length == 9 && sameText(key.bytes, reinterpret_cast<const uint8_t*>("__proto__"), 9);
    return (!forbidden && validUtf8(key)) || fail();
  }

  bool isNull() const { return at < end && *at == 0xc0; }

  /** A number, if one begins here: then true. Otherwise `at` stays. */
  [[gnu::always_inline]] bool number(double& into) {
    if (at >= end) return false;
    const uint8_t token = *at;
    if (token == 0xcb) [[likely]] {
      if (!has(9)) return false;
      into = std::bit_cast<double>(big<uint64_t>(at + 1));
      at += 9;
      return true;
    }
    if (token < 0x80) into = token;
    else if (token >= 0xe0) into = int8_t(token);
    else return numberTagged(token, into);
    at++;
    return true;
  }

  /** Passes over one value. `depth` is that of the value's parent. */
  bool skip(int depth) {
    if (!has(1)) return false;
    const uint8_t token = *at;
    double number_;
    if (isText()) {
      Text ignored;
      return text(ignored);
    }
    if (token == 0xc0 || token == 0xc2 || token == 0xc3) return at++, true;
    if (number(number_)) return true;
    if (failed) return false;
    if ((token & 0xf0) == 0x90 || token == 0xdc || token == 0xdd) {
      const int64_t count = arrayHeader();
      if (depth >= DEPTH_MAX || count < 0 || count > LIST_LENGTH_MAX || count > end - at) return fail();
      for (int64_t i = 0; i < count; i++)
        if (!skip(depth + 1)) return false;
      return true;
    }
    // Extensions (records and timestamps among them) and binary strings are not what this program is fed.
    const int64_t count = mapHeader();
    if (count < 0 || depth >= DEPTH_MAX) return fail();
    for (int64_t i = 0; i < count; i++) {
      Text ignored;
      if (!key(ignored) || !checkKey(ignored) || !skip(depth + 1)) return false;
    }
    return true;
  }

 private:
  bool numberTagged(uint8_t token, double& into) {
    if (token < 0xca || token > 0xd3) return false;
    const unsigned width = token == 0xca ? 4 : 1u << ((token - 0xcc) & 3);
    if (!has(1 + width)) return false;
    const uint8_t* value = at + 1;
    switch (token) {
      case 0xca: into = std::bit_cast<float>(big<uint32_t>(value)); break;
      case 0xcc: into = *value; break;
      case 0xcd: into = big<uint16_t>(value); break;
      case 0xce: into = big<uint32_t>(value); break;
      case 0xcf: into = double(big<uint64_t>(value)); break;
      case 0xd0: into = int8_t(*value); break;
      case 0xd1: into = int16_t(big<uint16_t>(value)); break;
      case 0xd2: into = int32_t(big<uint32_t>(value)); break;
      default: into = double(int64_t(big<uint64_t>(value)));
    }
    at += 1 + width;
    return true;
  }
};
