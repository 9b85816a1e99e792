/**
 * The kernel workload in the form in which databases get it: events as MessagePack arrays (no names, no id, no fields that nothing asks for), rules with the
 * rank that arbitration gives them. What was decided is told as a count and a checksum, so that sides can be compared.
 */
import { pack } from 'msgpackr';
import type { KernelEvent, KernelRule } from './kernel.ts';

/** Rank 0 wins over all: by priority, then by id, as in arbitration. */
export interface RankedRule extends KernelRule {
  readonly rank: number;
}

export interface DecidedTotals {
  /** Since the beginning. */
  readonly decided: number;
  /** Over all decisions, in order: (rank + 1) × (number of the decision modulo 1009 + 1). */
  readonly checksum: number;
}

export function rankRules(rules: readonly KernelRule[]): RankedRule[] {
  return rules
    .toSorted((a, b) => b.priority - a.priority || (a.id < b.id ? -1 : 1))
    .map((rule, rank) => ({ ...rule, rank }));
}

/** The decision with this number, from 1, was for the rule with this rank. */
export function checksumOf(rank: number, number: number): number {
  return (rank + 1) * ((number % 1009) + 1);
}

/** [customer, ts, total, store, lines, discount, member] each. */
export function encodeEventArrays(events: readonly KernelEvent[]): Uint8Array {
  return pack(
    events.map(({ customer, ts, data }) => [
      customer,
      ts,
      data.total,
      data.store,
      data.lines,
      data.discount,
      data.member,
    ]),
  );
}
