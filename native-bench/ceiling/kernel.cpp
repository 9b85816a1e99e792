// The machine's kernel in C++, as a ceiling for Beckon's: the same messages, customers, windows, rules and decisions; see kernel/*.hpp and ceiling.ts.
// Driven over stdin and stdout, a line for a line, so that its rounds alternate with those of whom it is measured against:
//
//   open CUSTOMERS IDS RECORD_TS  a fresh machine                                          → ok
//   rules FILE                    replaces the rules; lines: id shape limit priority other → ok RULES
//   load FILE                     reads messages: u32 little-endian length, bytes, …       → ok MESSAGES
//   apply                         applies them                                             → ok NS CPU_NS
//   plain                         the same, one event after the other without prefetching  → ok NS CPU_NS
//   decode | find | count         the same up to a step; `count` changes the state         → ok NS CPU_NS
//   totals                        → ok ACCEPTED REPEATED REJECTED DECISIONS LOG_TIME
//   decided                       checksum over the last round's decisions, in order       → ok DECISIONS HASH
//   books                         checksum over every rule's counts, by id                 → ok MATCHED HASH
//   windows COUNT STEP            checksum over the aggregates of customers 0, STEP, …     → ok HASH
//
// `other` of a rule: its tier, its store, what was spent, or -. Checksums are FNV-1a 32 over lines of text:
//   decided: rule|customer|event id; books: id|matched|decided|cap|outranked|late; windows: customer|receipts|low word|high word of the sum's bits.
// Anything wrong ends the program with a message on stderr.
#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

#include <time.h>

#include "kernel/machine.hpp"

namespace {

[[noreturn]] void die(const std::string& why) {
  std::cerr << "kernel: " << why << std::endl;
  std::exit(1);
}

long long now(clockid_t clock) {
  timespec time;
  clock_gettime(clock, &time);
  return time.tv_sec * 1000000000ll + time.tv_nsec;
}

struct Message {
  std::size_t start;
  std::size_t length;
};

struct Program {
  std::unique_ptr<Machine> machine;
  double recordTs = 0;
  std::vector<uint8_t> bytes;
  std::vector<Message> messages;

  void load(const std::string& path) {
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    if (!file) die("cannot read " + path);
    const auto size = std::size_t(file.tellg());
    bytes.resize(size + READ_AHEAD);
    file.seekg(0);
    file.read(reinterpret_cast<char*>(bytes.data()), std::streamsize(size));
    messages.clear();
    for (std::size_t at = 0; at + 4 <= size;) {
      uint32_t length;
      std::memcpy(&length, &bytes[at], 4);
      at += 4;
      if (at + length > size) die("a message is cut off in " + path);
      messages.push_back({at, length});
      at += length;
    }
  }

  void loadRules(const std::string& path) {
    std::ifstream file(path);
    if (!file) die("cannot read " + path);
    std::unordered_map<std::string, RuleBooks> books;
    for (const Rule& rule : machine->rules.rules) books[rule.id] = rule.books;
    machine->rules = Rules();
    std::vector<int> priorities;
    std::string id, limit, other;
    int shape, priority;
    while (file >> id >> shape >> limit >> priority >> other) {
      machine->rules.add(id, shape, std::stod(limit), other, machine->dictionary);
      machine->rules.rules.back().books = books[id];
      priorities.push_back(priority);
    }
    std::vector<Rule>& rules = machine->rules.rules;
    std::vector<uint32_t> order(rules.size());
    for (uint32_t i = 0; i < order.size(); i++) order[i] = i;
    std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
      return priorities[a] != priorities[b] ? priorities[a] > priorities[b] : rules[a].id < rules[b].id;
    });
    for (uint32_t rank = 0; rank < order.size(); rank++) rules[order[rank]].rank = rank;
    machine->rules.index();
  }

  template <Until until>
  std::string time() {
    machine->decisions.clear();
    const long long start = now(CLOCK_MONOTONIC), cpuStart = now(CLOCK_THREAD_CPUTIME_ID);
    for (const Message& message : messages) machine->apply<until>(&bytes[message.start], message.length, recordTs);
    const long long cpu = now(CLOCK_THREAD_CPUTIME_ID) - cpuStart, wall = now(CLOCK_MONOTONIC) - start;
    return std::to_string(wall) + " " + std::to_string(cpu);
  }

  std::string decided() const {
    uint32_t hash = FNV_OFFSET;
    for (const Decision& decision : machine->decisions) {
      const std::string& rule = machine->rules.rules[decision.rule].id;
      hash = fnv1a(hash, rule.data(), rule.size());
      hash = fnv1a(hash, "|", 1);
      hash = fnv1a(hash, decision.customer.bytes, decision.customer.length);
      hash = fnv1a(hash, "|", 1);
      hash = fnv1a(hash, decision.event.bytes, decision.event.length);
      hash = fnv1a(hash, "\n", 1);
    }
    return std::to_string(machine->decisions.size()) + " " + std::to_string(hash);
  }

  std::string books() const {
    std::vector<const Rule*> byId;
    for (const Rule& rule : machine->rules.rules) byId.push_back(&rule);
    std::sort(byId.begin(), byId.end(), [](const Rule* a, const Rule* b) { return a->id < b->id; });
    uint32_t hash = FNV_OFFSET;
    uint64_t matched = 0;
    for (const Rule* rule : byId) {
      const RuleBooks& of = rule->books;
      std::ostringstream line;
      line << rule->id << '|' << of.matched << '|' << of.decided << '|' << of.capped << '|' << of.outranked << '|'
           << of.late << '\n';
      hash = fnv1a(hash, line.str().data(), line.str().size());
      matched += of.matched;
    }
    return std::to_string(matched) + " " + std::to_string(hash);
  }

  std::string windows(uint32_t count, uint32_t step) {
    uint32_t checksum = FNV_OFFSET;
    const int32_t oldest = bucketOf(machine->logTime) - WINDOW_BUCKETS + 1;
    for (uint32_t i = 0; i < count; i++) {
      uint8_t id[16 + READ_AHEAD] = {};
      std::snprintf(reinterpret_cast<char*>(id), 16, "c%011u", i * step);
      Hash128 hash;
      hash.add({id, 12});
      const uint32_t row = machine->customers.find({id, 12}, hash);
      if (row == 0) die("no such customer");
      const WindowValues values = machine->windows.read(machine->customers.row(row).window, oldest);
      const auto bits = std::bit_cast<uint64_t>(values.spend);
      std::ostringstream line;
      line << reinterpret_cast<char*>(id) << '|' << uint64_t(values.receipts) << '|' << uint32_t(bits) << '|'
           << uint32_t(bits >> 32) << '\n';
      checksum = fnv1a(checksum, line.str().data(), line.str().size());
    }
    return std::to_string(checksum);
  }

  std::string run(const std::string& command, std::istringstream& arguments) {
    if (command == "open") {
      uint32_t customers, ids;
      arguments >> customers >> ids >> recordTs;
      machine = std::make_unique<Machine>(customers, ids);
      return "";
    }
    if (machine == nullptr) die("open comes first");
    std::string path;
    if (command == "rules") {
      arguments >> path;
      loadRules(path);
      return std::to_string(machine->rules.rules.size());
    }
    if (command == "load") {
      arguments >> path;
      load(path);
      return std::to_string(messages.size());
    }
    machine->chunk = command == "plain" ? 1 : CHUNK;
    if (command == "apply" || command == "plain") return time<Until::decide>();
    if (command == "decode") return time<Until::decode>();
    if (command == "find") return time<Until::find>();
    if (command == "count") return time<Until::count>();
    if (command == "totals") {
      const Totals& totals = machine->totals;
      std::ostringstream line;
      line << totals.accepted << ' ' << totals.repeated << ' ' << totals.rejected << ' ' << totals.decisions << ' '
           << uint64_t(machine->logTime);
      return line.str();
    }
    if (command == "decided") return decided();
    if (command == "books") return books();
    if (command == "windows") {
      uint32_t count, step;
      arguments >> count >> step;
      return windows(count, step);
    }
    die("unknown command " + command);
  }
};

}  // namespace

int main() {
  Program program;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream arguments(line);
    std::string command;
    arguments >> command;
    const std::string answer = program.run(command, arguments);
    std::cout << "ok" << (answer.empty() ? "" : " ") << answer << std::endl;
  }
  return 0;
}
