// Audience scans in C++, as a ceiling for Beckon's: columns as Beckon's arena has them (doubles, 32-bit integers and dictionary codes, bitmaps, each
// with a bitmap of presence), filled by the formula of native-bench/workload/scan-rows.ts, and its predicates as one would write them for this machine:
// 64 rows at a time become a word of bits, later conditions are only looked at where the earlier ones leave any, bits are counted. One thread.
//
// Driven over stdin and stdout, a line for a line:
//   fill ROWS PAGES   → ok; PAGES: large (2 MiB where the system grants them) or small (whatever the system gives anybody)
//   count PREDICATE   all, double, code, int or either → ok COUNT NS CPU_NS
// Anything wrong ends the program with a message on stderr.
#include <bit>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>

#include <time.h>
#if defined(__AVX512F__) || defined(__AVX2__)
#include <immintrin.h>
#endif

#include "kernel/large-array.hpp"

namespace {

/** Rows behind one word of a bitmap. */
constexpr std::size_t BLOCK = 64;

[[noreturn]] void die(const std::string& why) {
  std::cerr << "scan: " << why << std::endl;
  std::exit(1);
}

long long now(clockid_t clock) {
  timespec time;
  clock_gettime(clock, &time);
  return time.tv_sec * 1000000000ll + time.tv_nsec;
}

// --- 64 rows of a column → a word of bits ----------------------------------------------------------------------------------------

#if defined(__AVX512F__)
inline uint64_t above(const double* values, double limit) {
  const __m512d limits = _mm512_set1_pd(limit);
  uint64_t bits = 0;
  for (unsigned i = 0; i < 8; i++)
    bits |= uint64_t(_mm512_cmp_pd_mask(_mm512_load_pd(values + i * 8), limits, _CMP_GT_OQ)) << (i * 8);
  return bits;
}
template <typename Test>
inline uint64_t testInts(const int32_t* values, Test test) {
  uint64_t bits = 0;
  for (unsigned i = 0; i < 4; i++) bits |= uint64_t(test(_mm512_load_si512(values + i * 16))) << (i * 16);
  return bits;
}
inline uint64_t equals(const int32_t* values, int32_t value) {
  return testInts(values, [value](__m512i found) { return _mm512_cmpeq_epi32_mask(found, _mm512_set1_epi32(value)); });
}
inline uint64_t atLeast(const int32_t* values, int32_t limit) {
  return testInts(values, [limit](__m512i found) { return _mm512_cmpge_epi32_mask(found, _mm512_set1_epi32(limit)); });
}
template <unsigned COUNT>
inline uint64_t oneOf(const int32_t* values, const int32_t (&wanted)[COUNT]) {
  return testInts(values, [&wanted](__m512i found) {
    __mmask16 any = 0;
    for (unsigned i = 0; i < COUNT; i++) any |= _mm512_cmpeq_epi32_mask(found, _mm512_set1_epi32(wanted[i]));
    return any;
  });
}
#elif defined(__AVX2__)
inline uint64_t above(const double* values, double limit) {
  const __m256d limits = _mm256_set1_pd(limit);
  uint64_t bits = 0;
  for (unsigned i = 0; i < 16; i++)
    bits |= uint64_t(_mm256_movemask_pd(_mm256_cmp_pd(_mm256_load_pd(values + i * 4), limits, _CMP_GT_OQ))) << (i * 4);
  return bits;
}
template <typename Test>
inline uint64_t testInts(const int32_t* values, Test test) {
  uint64_t bits = 0;
  for (unsigned i = 0; i < 8; i++) {
    const __m256i found = _mm256_load_si256(reinterpret_cast<const __m256i*>(values + i * 8));
    bits |= uint64_t(uint32_t(_mm256_movemask_ps(_mm256_castsi256_ps(test(found))))) << (i * 8);
  }
  return bits;
}
inline uint64_t equals(const int32_t* values, int32_t value) {
  return testInts(values, [value](__m256i found) { return _mm256_cmpeq_epi32(found, _mm256_set1_epi32(value)); });
}
inline uint64_t atLeast(const int32_t* values, int32_t limit) {
  return testInts(values, [limit](__m256i found) { return _mm256_cmpgt_epi32(found, _mm256_set1_epi32(limit - 1)); });
}
template <unsigned COUNT>
inline uint64_t oneOf(const int32_t* values, const int32_t (&wanted)[COUNT]) {
  return testInts(values, [&wanted](__m256i found) {
    __m256i any = _mm256_setzero_si256();
    for (unsigned i = 0; i < COUNT; i++)
      any = _mm256_or_si256(any, _mm256_cmpeq_epi32(found, _mm256_set1_epi32(wanted[i])));
    return any;
  });
}
#else
template <typename Value, typename Test>
inline uint64_t testEach(const Value* values, Test test) {
  uint64_t bits = 0;
  for (unsigned i = 0; i < BLOCK; i++) bits |= uint64_t(test(values[i])) << i;
  return bits;
}
inline uint64_t above(const double* values, double limit) {
  return testEach(values, [limit](double found) { return found > limit; });
}
inline uint64_t equals(const int32_t* values, int32_t value) {
  return testEach(values, [value](int32_t found) { return found == value; });
}
inline uint64_t atLeast(const int32_t* values, int32_t limit) {
  return testEach(values, [limit](int32_t found) { return found >= limit; });
}
template <unsigned COUNT>
inline uint64_t oneOf(const int32_t* values, const int32_t (&wanted)[COUNT]) {
  return testEach(values, [&wanted](int32_t found) {
    bool any = false;
    for (unsigned i = 0; i < COUNT; i++) any |= found == wanted[i];
    return any;
  });
}
#endif

// --- Columns and predicates ------------------------------------------------------------------------------------------------------

constexpr int32_t GOLD = 3, VIP = 5;
constexpr int32_t CHOSEN_COUNTRIES[] = {1, 5, 7, 20, 33};

uint32_t cellHash(uint32_t row, uint32_t salt) {
  uint32_t h = row + salt * 0x9e3779b9u;
  h = (h ^ (h >> 16)) * 0x85ebca6bu;
  h = (h ^ (h >> 13)) * 0xc2b2ae35u;
  return h ^ (h >> 16);
}

template <typename Value>
struct Column {
  /** Whole blocks; in the last one, rows beyond the end are absent. */
  LargeArray<uint64_t> present;
  LargeArray<Value> values;

  explicit Column(std::size_t blocks) : present(blocks), values(blocks * BLOCK) {}
  uint64_t there(std::size_t block) const { return present[block]; }
  const Value* from(std::size_t block) const { return &values[block * BLOCK]; }
};

struct Table {
  std::size_t blocks;
  Column<double> score;
  Column<int32_t> tier, country, visits;
  LargeArray<uint64_t> memberPresent, member;

  explicit Table(uint32_t rows)
      : blocks((rows + BLOCK - 1) / BLOCK),
        score(blocks),
        tier(blocks),
        country(blocks),
        visits(blocks),
        memberPresent(blocks),
        member(blocks) {
    for (uint32_t row = 0; row < rows; row++) {
      const uint64_t bit = uint64_t{1} << (row % BLOCK);
      const auto present = [&](uint32_t salt) { return cellHash(row, salt + 1) % 16 != 0 ? bit : 0; };
      score.present[row / BLOCK] |= present(1);
      score.values[row] = cellHash(row, 1) / 4294967296.0;
      tier.present[row / BLOCK] |= present(3);
      tier.values[row] = int32_t(cellHash(row, 3) % 8);
      country.present[row / BLOCK] |= present(5);
      country.values[row] = int32_t(cellHash(row, 5) % 40);
      visits.present[row / BLOCK] |= present(7);
      visits.values[row] = int32_t(cellHash(row, 7) % 100);
      memberPresent[row / BLOCK] |= present(9);
      if (cellHash(row, 9) % 2 != 0) member[row / BLOCK] |= bit;
    }
  }
};

/** How many rows the words of bits say, one for each block. */
template <typename Test>
uint64_t countRows(std::size_t blocks, Test test) {
  uint64_t count = 0;
  for (std::size_t block = 0; block < blocks; block++) count += uint64_t(std::popcount(test(block)));
  return count;
}

uint64_t count(const Table& table, const std::string& predicate) {
  const auto& [blocks, score, tier, country, visits, memberPresent, member] = table;
  if (predicate == "all")
    return countRows(blocks, [&](std::size_t block) -> uint64_t {
      uint64_t bits = score.there(block) & tier.there(block) & country.there(block);
      bits &= above(score.from(block), 0.9);
      bits &= equals(tier.from(block), GOLD);
      return bits == 0 ? 0 : bits & oneOf(country.from(block), CHOSEN_COUNTRIES);
    });
  if (predicate == "double")
    return countRows(blocks, [&](std::size_t block) { return score.there(block) & above(score.from(block), 0.5); });
  if (predicate == "code")
    return countRows(blocks, [&](std::size_t block) { return tier.there(block) & equals(tier.from(block), GOLD); });
  if (predicate == "int")
    return countRows(blocks, [&](std::size_t block) {
      return visits.there(block) & memberPresent[block] & member[block] & atLeast(visits.from(block), 50);
    });
  if (predicate == "either")
    return countRows(blocks, [&](std::size_t block) {
      return (score.there(block) & above(score.from(block), 0.99)) | (tier.there(block) & equals(tier.from(block), VIP));
    });
  die("unknown predicate " + predicate);
}

}  // namespace

int main() {
  std::unique_ptr<Table> table;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream arguments(line);
    std::string command, predicate;
    arguments >> command;
    if (command == "fill") {
      uint32_t rows = 0;
      std::string pages;
      arguments >> rows >> pages;
      wantsLargePages = pages != "small";
      table = std::make_unique<Table>(rows);
      std::cout << "ok" << std::endl;
    } else if (command == "count" && table != nullptr) {
      arguments >> predicate;
      const long long wall = now(CLOCK_MONOTONIC), cpu = now(CLOCK_THREAD_CPUTIME_ID);
      const uint64_t found = count(*table, predicate);
      const long long cpuTaken = now(CLOCK_THREAD_CPUTIME_ID) - cpu, taken = now(CLOCK_MONOTONIC) - wall;
      std::cout << "ok " << found << ' ' << taken << ' ' << cpuTaken << std::endl;
    } else {
      die("unknown command " + line);
    }
  }
  return 0;
}
