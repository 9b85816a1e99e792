// One partition on the event clock, as src/machine/machine.ts: recognise repeats, find the customer, count, match, decide. Events are taken a chunk
// at a time, one step for all of them before the next: decode and hash, look into the tables, then apply in order; each step brings in the memory
// of the next. The chunk is a message (a producer's batch) or CHUNK events of it.
//
// Decisions are counted and noted in a list (rule, customer, event id); Beckon writes them as JSON. Messages refused are counted, not kept.
#pragma once
#include <memory>
#include <unordered_map>

#include "customers.hpp"
#include "event-ids.hpp"
#include "events.hpp"
#include "rules.hpp"

constexpr uint32_t CHUNK = 64;
constexpr uint32_t PIECE = 4;
constexpr double CAP_MS = 86400000;
constexpr double LATENESS_MS = 3600000;
constexpr double FUTURE_MS = 3600000;
constexpr double RETENTION_MS = 90 * 86400000.0;
constexpr double MAGNITUDE_MAX = 1e290;

struct Totals {
  uint64_t accepted = 0, repeated = 0, rejected = 0, decisions = 0, observationErrors = 0;
};

struct Decision {
  uint32_t rule;
  Text customer;
  Text event;
};

/** How much of the work is done; what comes before a step is always done. */
enum class Until : int { decode, find, count, decide };

class Machine {
 public:
  Machine(uint32_t customersMax, uint32_t eventIdsMax) : customers(customersMax), ids_(eventIdsMax) {
    contacts_.resize(1);
  }

  Customers customers;
  Windows windows;
  Dictionary dictionary;
  Rules rules;
  Totals totals;
  double logTime = 0;
  /** Of the last round; points into its messages. */
  std::vector<Decision> decisions;
  /** Keeps the compiler from leaving out steps whose outcome nobody reads. */
  uint64_t seen = 0;
  /** 1 for the plain way, one event after the other. */
  uint32_t chunk = CHUNK;

  template <Until until>
  void apply(const uint8_t* bytes, std::size_t length, double recordTs) {
    Reader reader{bytes, bytes + length};
    int64_t left = reader.arrayHeader();
    if (left < 0) left = 1;
    while (left > 0) {
      const auto size = uint32_t(std::min<int64_t>(left, chunk));
      const uint32_t read = applyChunk<until>(reader, size, recordTs);
      if (read < size) {
        // What cannot be read hides where the next event begins.
        totals.rejected++;
        return;
      }
      left -= read;
    }
    if (reader.at != reader.end) totals.rejected++;
  }

 private:
  struct Contact {
    double ts;
    uint64_t decision;
    uint32_t rule;
    uint32_t older;
  };

  /** Reads, finds and applies `size` events in pieces, each step a piece behind the one before it; how many could be read. */
  template <Until until>
  uint32_t applyChunk(Reader& reader, uint32_t size, double recordTs) {
    uint32_t read = 0, found = 0, applied = 0;
    bool more = true;
    while (more || applied < read) {
      const uint32_t toApply = found, toFind = read;
      if (more) {
        const uint32_t end = std::min(read + PIECE, size);
        while (read < end && readEvent(reader, read, read - applied, size > 1)) read++;
        more = read == end && read < size;
      }
      if constexpr (until >= Until::find)
        if (size > 1)
          for (uint32_t i = found; i < toFind; i++) customers.prefetchRow(customerHashes_[i]);
      found = toFind;
      for (; applied < toApply; applied++) {
        if constexpr (until == Until::decode) seen += events_[applied].given + idHashes_[applied].a;
        else if constexpr (until == Until::find)
          seen += ids_.contains(idHashes_[applied]) +
                  customers.find(events_[applied].customer, customerHashes_[applied]);
        else applyEvent<until>(applied, recordTs);
      }
    }
    return read;
  }

  /** `ahead`: how many events are read and not applied yet. */
  bool readEvent(Reader& reader, uint32_t i, uint32_t ahead, bool prefetching) {
    Event& event = events_[i];
    if (!EventReader::read(reader, event)) return false;
    Hash128 hash;
    hash.add(event.customer);
    customerHashes_[i] = hash;
    hash.add(event.type);
    hash.add(event.id);
    idHashes_[i] = hash;
    if (prefetching) {
      customers.prefetchSlot(customerHashes_[i]);
      ids_.prefetch(hash, ahead);
    }
    return true;
  }

  template <Until until>
  void applyEvent(uint32_t i, double recordTs) {
    const Event& event = events_[i];
    if (event.refused) return reject();
    const bool hasId = event.id.length > 0;
    if (hasId && ids_.contains(idHashes_[i])) {
      totals.repeated++;
      return;
    }
    if (event.kind == Kind::unknown || event.time == Told::wrong) return reject();
    double now = logTime;
    if (event.time == Told::given && event.ts > now) {
      if (event.ts > recordTs + FUTURE_MS) return reject();
      now = event.ts;
    }
    if (event.wrong != 0) return reject();
    const bool known = event.customer.length > 0;
    if (!known && event.kind == Kind::profile) return reject();
    uint32_t row = 0;
    if (known) {
      row = customers.ensure(event.customer, customerHashes_[i]);
      if (row == 0) return reject();
    } else {
      windows.clear(customers.row(0).window);
    }
    const uint64_t before = totals.decisions;
    if (event.kind == Kind::profile) storeProfile(event, row);
    else applyReceipt<until>(event, row, known, now);
    logTime = now;
    if (hasId) ids_.add(idHashes_[i], before + 1, uint32_t(totals.decisions - before));
    totals.accepted++;
  }

  void reject() { totals.rejected++; }

  void storeProfile(const Event& event, uint32_t row) {
    const auto touched = [&](uint16_t bit) { return (event.given & bit) != 0; };
    if (touched(field::tier)) customers.tier[row] = dictionary.intern(event.tier);
    if (touched(field::country)) customers.country[row] = dictionary.intern(event.country);
    if (touched(field::score)) customers.score[row] = event.score;
    if (touched(field::tier)) Customers::setBit(customers.tierPresent, row, true);
    if (touched(field::country)) Customers::setBit(customers.countryPresent, row, true);
    if (touched(field::score)) Customers::setBit(customers.scorePresent, row, true);
  }

  template <Until until>
  void applyReceipt(const Event& event, uint32_t row, bool known, double now) {
    const double ts = event.time == Told::given ? event.ts : now;
    Row& customer = customers.row(row);
    const bool summed = (event.given & field::total) && std::fabs(event.total) <= MAGNITUDE_MAX;
    totals.observationErrors += !summed;
    const WindowValues window = windows.observe(customer.window, ts, now, event.total, summed);
    if constexpr (until == Until::count) {
      seen += window.receipts > 1;
      return;
    }
    const int32_t tier = Customers::bit(customers.tierPresent, row) ? customers.tier[row] : -1;
    const std::size_t count = rules.match(event, window, tier);
    if (count > 0) decide(event, customer, known, now, ts, count);
  }

  void decide(const Event& event, Row& customer, bool known, double now, double ts, std::size_t count) {
    const bool late = now - ts > LATENESS_MS;
    const bool capped = !late && known && isCapped(customer, now);
    uint32_t best = rules.hits[0];
    for (std::size_t i = 0; i < count; i++) {
      Rule& rule = rules.rules[rules.hits[i]];
      rule.books.matched++;
      rule.books.late += late;
      rule.books.capped += capped;
      if (rule.rank < rules.rules[best].rank) best = rules.hits[i];
    }
    if (late || capped) return;
    for (std::size_t i = 0; i < count; i++) rules.rules[rules.hits[i]].books.outranked += rules.hits[i] != best;
    rules.rules[best].books.decided++;
    totals.decisions++;
    decisions.push_back({best, event.customer, event.id});
    if (known) remember(customer, now, best);
  }

  bool isCapped(const Row& customer, double now) const {
    return customer.contact != 0 && now - contacts_[customer.contact].ts < CAP_MS;
  }

  /** Adds a contact, and forgets those beyond retention. */
  void remember(Row& customer, double now, uint32_t rule) {
    uint32_t* link = &customer.contact;
    while (*link != 0 && now - contacts_[*link].ts < RETENTION_MS) link = &contacts_[*link].older;
    for (uint32_t old = *link; old != 0;) {
      const uint32_t next = contacts_[old].older;
      freeContacts_.push_back(old);
      old = next;
    }
    *link = 0;
    const Contact made{now, totals.decisions, rule, customer.contact};
    if (freeContacts_.empty()) {
      customer.contact = uint32_t(contacts_.size());
      contacts_.push_back(made);
    } else {
      customer.contact = freeContacts_.back();
      freeContacts_.pop_back();
      contacts_[customer.contact] = made;
    }
  }

  EventIds ids_;
  std::vector<Contact> contacts_;
  std::vector<uint32_t> freeContacts_;
  Event events_[CHUNK];
  Hash128 customerHashes_[CHUNK];
  Hash128 idHashes_[CHUNK];
};
