// The five shapes of native-bench/workload/kernel.ts, each a group of parallel arrays that the compiler turns into vector code. A rule that asks for
// a store is reached through an index of the stores, as in Beckon; no index of thresholds, and no leaving off at the best match: every match counts.
//
// An absent field makes a comparison an error in CEL and the rule false; here it becomes minus infinity, which is above no limit.
#pragma once
#include <limits>
#include <string>
#include <unordered_map>
#include <vector>

#include "customers.hpp"
#include "events.hpp"

struct RuleBooks {
  uint64_t matched = 0, decided = 0, capped = 0, outranked = 0, late = 0;
};

struct Rule {
  std::string id = {};
  /** By priority, then id: the least wins. */
  uint32_t rank = 0;
  RuleBooks books = {};
};

class Rules {
 public:
  std::vector<Rule> rules;

  void add(const std::string& id, int shape, double limit, const std::string& other, Dictionary& dictionary) {
    const auto rule = uint32_t(rules.size());
    rules.emplace_back().id = id;
    const auto text = [](const std::string& from) {
      return Text{reinterpret_cast<const uint8_t*>(from.data()), uint32_t(from.size())};
    };
    switch (shape) {
      case 0:
        counted_.limit.push_back(limit);
        counted_.rule.push_back(rule);
        break;
      case 1: {
        tiered_.limit.push_back(limit);
        tiered_.rule.push_back(rule);
        tiered_.tier.push_back(dictionary.intern(text(other)));
        tiered_.orTier.push_back(dictionary.intern(text("vip")));
        break;
      }
      case 2: {
        Group& group = ofStore(other);
        group.limit.push_back(limit);
        group.rule.push_back(rule);
        break;
      }
      case 3:
        discounted_.limit.push_back(limit);
        discounted_.rule.push_back(rule);
        break;
      default:
        spending_.limit.push_back(limit);
        spending_.rule.push_back(rule);
        spending_.spend.push_back(std::stod(other));
    }
  }

  /** Once all rules are there. */
  void index() {
    std::size_t slots = 16;
    while (slots < stores_.size() * 2) slots *= 2;
    storeTable_.assign(slots, 0);
    for (std::size_t i = 0; i < stores_.size(); i++) {
      std::size_t slot = storeHash(text(stores_[i].name)) & (slots - 1);
      while (storeTable_[slot] != 0) slot = (slot + 1) & (slots - 1);
      storeTable_[slot] = uint32_t(i) + 1;
    }
    hits.resize(rules.size());
  }

  /** The rules that the last `match` found. */
  std::vector<uint32_t> hits;

  /** Fills `hits`; how many. `tier` is -1 for none. */
  std::size_t match(const Event& event, const WindowValues& window, int32_t tier) {
    constexpr double NONE = -std::numeric_limits<double>::infinity();
    const double total = event.given & field::total ? event.total : NONE;
    const double counted = window.receipts >= 1 ? total : NONE;
    const double discount =
        (event.given & field::discount) && (event.given & field::lines) && event.lines >= 11 ? event.discount : NONE;
    const double ofMember = (event.given & field::member) && event.member ? total : NONE;
    const Group* store = event.given & field::store ? findStore(event.store) : nullptr;
    uint64_t any = anyAbove(counted_, counted) | anyAbove(discounted_, discount) | anyTier(tier, total) |
                   anySpending(window.spend, ofMember);
    if (store != nullptr) any |= anyAbove(*store, total);
    if (any == 0) [[likely]] return 0;
    std::size_t count = 0;
    takeAbove(counted_, counted, count);
    takeAbove(discounted_, discount, count);
    if (store != nullptr) takeAbove(*store, total, count);
    for (std::size_t i = 0; i < tiered_.limit.size(); i++)
      if (total > tiered_.limit[i] && (tier == tiered_.tier[i] || tier == tiered_.orTier[i])) hits[count++] = tiered_.rule[i];
    for (std::size_t i = 0; i < spending_.limit.size(); i++)
      if (ofMember > spending_.limit[i] && window.spend > spending_.spend[i]) hits[count++] = spending_.rule[i];
    return count;
  }

 private:
  struct Group {
    std::vector<double> limit;
    std::vector<uint32_t> rule;
  };
  struct Tiered : Group {
    // As wide as the limits, so that both are compared in the same lanes.
    std::vector<int64_t> tier, orTier;
  };
  struct Spending : Group {
    std::vector<double> spend;
  };
  struct Store : Group {
    std::vector<uint8_t> name;
  };

  static uint64_t anyAbove(const Group& group, double value) {
    const double* limit = group.limit.data();
    uint64_t any = 0;
    for (std::size_t i = 0, n = group.limit.size(); i < n; i++) any |= value > limit[i];
    return any;
  }
  uint64_t anyTier(int64_t tier, double total) const {
    const double* limit = tiered_.limit.data();
    const int64_t* first = tiered_.tier.data();
    const int64_t* second = tiered_.orTier.data();
    uint64_t any = 0;
    for (std::size_t i = 0, n = tiered_.limit.size(); i < n; i++)
      any |= (total > limit[i]) & ((tier == first[i]) | (tier == second[i]));
    return any;
  }
  uint64_t anySpending(double spend, double total) const {
    const double* limit = spending_.limit.data();
    const double* least = spending_.spend.data();
    uint64_t any = 0;
    for (std::size_t i = 0, n = spending_.limit.size(); i < n; i++) any |= (total > limit[i]) & (spend > least[i]);
    return any;
  }
  void takeAbove(const Group& group, double value, std::size_t& count) {
    for (std::size_t i = 0; i < group.limit.size(); i++)
      if (value > group.limit[i]) hits[count++] = group.rule[i];
  }

  static Text text(const std::vector<uint8_t>& padded) { return {padded.data(), uint32_t(padded.size() - READ_AHEAD)}; }
  static uint64_t storeHash(Text name) {
    Hash128 hash;
    hash.add(name);
    return hash.a;
  }
  Group& ofStore(const std::string& name) {
    for (Store& store : stores_)
      if (store.name.size() == name.size() + READ_AHEAD && std::memcmp(store.name.data(), name.data(), name.size()) == 0)
        return store;
    Store& made = stores_.emplace_back();
    made.name.assign(name.begin(), name.end());
    made.name.resize(name.size() + READ_AHEAD);
    return made;
  }
  const Group* findStore(Text name) const {
    const std::size_t mask = storeTable_.size() - 1;
    for (std::size_t slot = storeHash(name) & mask; storeTable_[slot] != 0; slot = (slot + 1) & mask) {
      const Store& store = stores_[storeTable_[slot] - 1];
      if (store.name.size() == name.length + READ_AHEAD && sameText(store.name.data(), name.bytes, name.length))
        return &store;
    }
    return nullptr;
  }

  Group counted_, discounted_;
  Tiered tiered_;
  Spending spending_;
  std::vector<Store> stores_;
  std::vector<uint32_t> storeTable_;
};
