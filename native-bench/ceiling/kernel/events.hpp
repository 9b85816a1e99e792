// Bytes of one event → its fields. The keys of a map may come in any order, of equal keys the last counts, null is the same as absent,
// undeclared keys are passed over. As in src/machine/decode.ts, what is wrong in `data` or `ts` is only held against an event that is no repeat.
//
// Not read here, because the workload has none: timestamps as RFC 3339 text or extension, msgpackr's records, `$consent`.
#pragma once
#include "message-pack.hpp"

enum class Kind : uint8_t { unknown, receipt, profile };
enum class Told : uint8_t { absent, given, wrong };

constexpr uint32_t ID_BYTES_MAX = 256;
constexpr double TIMESTAMP_MS_MAX = 253402300799999;
constexpr double SAFE_MAX = 9007199254740991;

/** Which fields of `data` were given, and which wrongly. */
namespace field {
constexpr uint16_t total = 1, store = 2, channel = 4, lines = 8, discount = 16, member = 32;
constexpr uint16_t tier = 64, country = 128, score = 256;
}  // namespace field

struct Event {
  Text id, type, customer, store, tier, country;
  double ts, total, lines, discount, score;
  uint16_t given, wrong;
  Kind kind;
  Told time;
  bool member;
  /** The envelope cannot be used. */
  bool refused;
};

class EventReader {
 public:
  /** False: the message cannot be read from here on. */
  static bool read(Reader& reader, Event& event) {
    event.id = event.type = event.customer = {};
    event.given = event.wrong = 0;
    event.kind = Kind::unknown;
    event.time = Told::absent;
    event.refused = false;
    const int64_t keys = reader.mapHeader();
    if (keys < 0) {
      event.refused = true;
      return !reader.failed && reader.skip(0);
    }
    const uint8_t* data = nullptr;
    for (int64_t i = 0; i < keys; i++) {
      Text key;
      if (!reader.key(key)) return false;
      const uint64_t word = key.length <= 8 ? wordOf(key) : 0;
      switch (word) {
        case keyWord("id"):
          if (!idText(reader, event.id, event, true)) return false;
          break;
        case keyWord("type"):
          if (!idText(reader, event.type, event, false)) return false;
          event.kind = kindOf(event.type);
          break;
        case keyWord("customer"):
          if (!idText(reader, event.customer, event, true)) return false;
          break;
        case keyWord("ts"):
          if (!time(reader, event)) return false;
          break;
        case keyWord("data"):
          data = reader.at;
          // With the type known its fields are read at once, otherwise later.
          if (event.kind == Kind::unknown ? !reader.skip(1) : !fields(reader, event)) return false;
          if (event.kind != Kind::unknown) data = nullptr;
          break;
        case keyWord("ids"):
          event.refused = true;
          if (!reader.skip(1)) return false;
          break;
        default:
          if (!reader.checkKey(key) || !reader.skip(1)) return false;
      }
    }
    if (event.type.length == 0) event.refused = true;
    if (data != nullptr && event.kind != Kind::unknown) {
      Reader again{data, reader.at};
      fields(again, event);
    }
    return true;
  }

 private:
  static uint64_t wordOf(Text key) {
    const uint64_t word = loadWord(key.bytes);
    return key.length == 8 ? word : firstBytes(word, key.length);
  }

  static Kind kindOf(Text type) {
    if (type.length == 7 && wordOf(type) == keyWord("receipt")) return Kind::receipt;
    if (type.length == 8 && wordOf(type) == keyWord("$profile")) return Kind::profile;
    return Kind::unknown;
  }

  static bool idText(Reader& reader, Text& into, Event& event, bool mayBeNull) {
    if (reader.isText()) [[likely]] {
      if (!reader.text(into)) return false;
      if (into.length == 0 || into.length > ID_BYTES_MAX) event.refused = true;
      return true;
    }
    if (!(mayBeNull && reader.isNull())) event.refused = true;
    return reader.skip(1);
  }

  static bool time(Reader& reader, Event& event) {
    if (reader.number(event.ts)) [[likely]] {
      const bool good = event.ts >= 0 && event.ts <= TIMESTAMP_MS_MAX && event.ts == std::trunc(event.ts);
      event.time = good ? Told::given : Told::wrong;
      return true;
    }
    if (reader.failed) return false;
    event.time = reader.isNull() ? Told::absent : Told::wrong;
    return reader.skip(1);
  }

  static bool fields(Reader& reader, Event& event) {
    event.given = event.wrong = 0;
    const int64_t keys = reader.mapHeader();
    if (keys < 0) {
      if (!reader.isNull()) event.refused = true;
      return !reader.failed && reader.skip(1);
    }
    for (int64_t i = 0; i < keys; i++) {
      Text key;
      if (!reader.key(key)) return false;
      const uint64_t word = key.length <= 8 ? wordOf(key) : 0;
      if (!(event.kind == Kind::receipt ? receiptField(reader, event, key, word) : profileField(reader, event, key, word)))
        return false;
    }
    return true;
  }

  static bool receiptField(Reader& reader, Event& event, Text key, uint64_t word) {
    switch (word) {
      case keyWord("total"): return number(reader, event, event.total, field::total, false);
      case keyWord("store"): return string(reader, event, event.store, field::store);
      case keyWord("channel"): {
        Text ignored;
        return string(reader, event, ignored, field::channel);
      }
      case keyWord("lines"): return number(reader, event, event.lines, field::lines, true);
      case keyWord("discount"): return number(reader, event, event.discount, field::discount, false);
      case keyWord("member"): return boolean(reader, event, event.member, field::member);
      default: return reader.checkKey(key) && reader.skip(2);
    }
  }

  static bool profileField(Reader& reader, Event& event, Text key, uint64_t word) {
    switch (word) {
      case keyWord("tier"): return string(reader, event, event.tier, field::tier);
      case keyWord("country"): return string(reader, event, event.country, field::country);
      case keyWord("score"): return number(reader, event, event.score, field::score, false);
      default: return reader.checkKey(key) && reader.skip(2);
    }
  }

  static bool number(Reader& reader, Event& event, double& into, uint16_t bit, bool whole) {
    if (reader.number(into)) [[likely]] {
      const bool good = whole ? std::fabs(into) <= SAFE_MAX && into == std::trunc(into) : std::isfinite(into);
      into += 0.0;
      return told(event, bit, good);
    }
    return other(reader, event, bit);
  }

  static bool string(Reader& reader, Event& event, Text& into, uint16_t bit) {
    if (reader.isText()) [[likely]] {
      if (!reader.text(into)) return false;
      return told(event, bit, into.length <= STRING_LENGTH_MAX);
    }
    return other(reader, event, bit);
  }

  static bool boolean(Reader& reader, Event& event, bool& into, uint16_t bit) {
    if (reader.at < reader.end && (*reader.at & 0xfe) == 0xc2) [[likely]] {
      into = *reader.at++ == 0xc3;
      return told(event, bit, true);
    }
    return other(reader, event, bit);
  }

  static bool told(Event& event, uint16_t bit, bool good) {
    event.given |= bit;
    event.wrong = good ? event.wrong & ~bit : event.wrong | bit;
    return true;
  }

  /** null takes the field away, anything else is of a wrong type. */
  static bool other(Reader& reader, Event& event, uint16_t bit) {
    if (reader.failed) return false;
    const bool isNull = reader.isNull();
    event.given &= ~bit;
    event.wrong = isNull ? event.wrong & ~bit : event.wrong | bit;
    return reader.skip(2);
  }
};
