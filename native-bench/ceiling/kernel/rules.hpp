// The five shapes of native-bench/workload/kernel.ts, each a group of rules in the order of their limits: they are tried until the value does not exceed
// one. A rule that asks for a store is reached through an index of the stores. Beckon does both. Nothing is left off at the best match: every match counts.
//
// An absent field makes a comparison an error in CEL and the rule false; here it becomes minus infinity, which is above no limit.
#pragma once
#include <algorithm>
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
    const auto code = [&](const std::string& tier) {
      return dictionary.intern({reinterpret_cast<const uint8_t*>(tier.data()), uint32_t(tier.size())});
    };
    switch (shape) {
      case 0: counted_.push_back({limit, rule}); break;
      case 1: tiered_.push_back({limit, rule, code(other), code("vip")}); break;
      case 2: ofStore(other).push_back({limit, rule}); break;
      case 3: discounted_.push_back({limit, rule}); break;
      default: spending_.push_back({limit, rule, std::stod(other)});
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
      sortByLimit(stores_[i].rules);
    }
    sortByLimit(counted_);
    sortByLimit(discounted_);
    sortByLimit(tiered_);
    sortByLimit(spending_);
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
    std::size_t count = 0;
    const auto take = [&](const auto& group, double value, auto holds) {
      for (const auto& rule : group) {
        if (!(value > rule.limit)) return;
        if (holds(rule)) hits[count++] = rule.rule;
      }
    };
    const auto always = [](const Limit&) { return true; };
    take(counted_, counted, always);
    take(discounted_, discount, always);
    if (store != nullptr) take(*store, total, always);
    take(tiered_, total, [tier](const Tiered& rule) { return tier == rule.tier || tier == rule.orTier; });
    take(spending_, ofMember, [&window](const Spending& rule) { return window.spend > rule.spend; });
    return count;
  }

 private:
  struct Limit {
    double limit;
    uint32_t rule;
  };
  struct Tiered : Limit {
    int32_t tier, orTier;
  };
  struct Spending : Limit {
    double spend;
  };
  using Group = std::vector<Limit>;
  struct Store {
    std::vector<uint8_t> name;
    Group rules;
  };

  template <typename Of>
  static void sortByLimit(std::vector<Of>& group) {
    std::sort(group.begin(), group.end(), [](const Of& a, const Of& b) { return a.limit < b.limit; });
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
        return store.rules;
    Store& made = stores_.emplace_back();
    made.name.assign(name.begin(), name.end());
    made.name.resize(name.size() + READ_AHEAD);
    return made.rules;
  }
  const Group* findStore(Text name) const {
    const std::size_t mask = storeTable_.size() - 1;
    for (std::size_t slot = storeHash(name) & mask; storeTable_[slot] != 0; slot = (slot + 1) & mask) {
      const Store& store = stores_[storeTable_[slot] - 1];
      if (store.name.size() == name.length + READ_AHEAD && sameText(store.name.data(), name.bytes, name.length))
        return &store.rules;
    }
    return nullptr;
  }

  Group counted_, discounted_;
  std::vector<Tiered> tiered_;
  std::vector<Spending> spending_;
  std::vector<Store> stores_;
  std::vector<uint32_t> storeTable_;
};
