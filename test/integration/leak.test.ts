/**
 * Nothing leaks: thousands of triggers at once for the same customers, over HTTP and NATS, sixteen partitions, a node that is killed in the middle of it. Afterwards an
 * auditor (support/leak-checker.ts) goes through everything that was decided, and finds no cap, gap, cooldown, exclusion, offer, budget or limit exceeded, no consent, quiet
 * hour or holdout violated; and every one of them was reached, or the test would say nothing.
 *
 * `npm test` sends 100,000 triggers; BECKON_SOAK=1 a million.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'nats';
import { afterEach, describe, expect, it } from 'vitest';
import { BeckonProducer } from '../../src/client/producer.ts';
import { Prng } from '../../src/stdx/prng.ts';
import { type BeckonProcess, startBeckon, temporaryFolder } from '../support/beckon-process.ts';
import { type AuditedDecision, type AuditedHistory, audit, consentKey, type Said } from '../support/leak-checker.ts';
import { LEAK_FILES, LEAK_RULES, REASONS_MET, UNITS, ZONES } from '../support/leak-workspace.ts';
import { natsOutcome } from '../support/nats-outcome.ts';
import { type NatsServer, startNatsServer } from '../support/nats-server.ts';

const SOAK = process.env['BECKON_SOAK'] === '1';
const TRIGGERS = SOAK ? 1_000_000 : 100_000;
const KILLS = SOAK ? 12 : 3;
const CUSTOMERS = 500;
const PARTITIONS = 16;
/** Windows take seconds: everything at once would fill each of them once. */
const SECONDS_MIN = SOAK ? 120 : 18;
const SENDERS = 4;
const BATCH = 100;
const ANSWERS_IN_FLIGHT = 16;
/** Waits and cascades take a second; where more is under way, it is waited for. */
const SETTLED_AFTER_MS = 2500;

interface Event {
  readonly id: string;
  readonly type: string;
  readonly customer?: string;
  readonly data: object;
}

interface Books {
  readonly id: string;
  readonly matched: number;
  readonly decided: Readonly<Record<string, number>>;
  readonly suppressed: Readonly<Record<string, number>>;
  readonly waiting: number;
}

let server: NatsServer | null = null;
let running: BeckonProcess | null = null;
const folder = { current: null as { readonly path: string; remove(): void } | null };
afterEach(async () => {
  await running?.kill();
  await server?.stop();
  folder.current?.remove();
  running = null;
  server = null;
});

/** A node that can be killed while others speak to it: they ask for its address each time. */
class Victim {
  readonly #flags: readonly string[];
  kills = 0;

  constructor(flags: readonly string[]) {
    this.#flags = flags;
  }

  get url(): string {
    return (running as BeckonProcess).url;
  }

  async start(workers: number): Promise<void> {
    running = await startBeckon(...this.#flags, '--workers', String(workers));
  }

  async kill(workers: number): Promise<void> {
    await running?.kill();
    this.kills++;
    await this.start(workers);
  }

  /** As often as it takes: the node may be away. What was sent before is known by its ids. */
  async post(path: string, events: readonly Event[]): Promise<unknown> {
    const ndjson = path === '/v1/events';
    for (;;) {
      try {
        const response = await fetch(`${this.url}${path}`, {
          method: 'POST',
          headers: { 'content-type': ndjson ? 'application/x-ndjson' : 'application/json' },
          body: ndjson ? events.map((event) => JSON.stringify(event)).join('\n') : JSON.stringify(events[0]),
        });
        if (response.ok) return await response.json();
        if (response.status < 429) throw new Error(`${path}: ${response.status} ${await response.text()}`);
      } catch (error) {
        if (error instanceof Error && error.message.startsWith('/v1')) throw error;
      }
      await sleep(20);
    }
  }
}

const customerOf = (random: Prng): string => `c${random.below(CUSTOMERS)}`;

/** One sender's events: mostly of known customers, a few of nobody. */
function triggerOf(id: string, random: Prng): Event {
  const kind = random.pick(['a', 'a', 'b', 'c', 'd', 'd', 'e', 'f', 't'] as const);
  const data = { n: random.below(8), kind };
  if (kind === 't' && random.below(3) === 0) return { id, type: 'touch', data };
  return { id, type: 'touch', customer: customerOf(random), data };
}

/** Sends its share, batch by batch, at a pace that lets windows pass; every tenth batch ends some waits. */
async function send(
  sender: number,
  seed: number,
  deliver: (events: readonly Event[]) => Promise<unknown>,
  sent: { count: number },
): Promise<void> {
  const random = new Prng(seed + sender);
  const share = TRIGGERS / SENDERS;
  const startMs = performance.now();
  for (let from = 0; from < share; from += BATCH) {
    const events = Array.from({ length: Math.min(BATCH, share - from) }, (_, i) =>
      triggerOf(`s${sender}-${from + i}`, random),
    );
    const stops = Array.from({ length: 4 }, (_, i) => ({
      id: `x${sender}-${from + i}`,
      type: 'stop',
      customer: customerOf(random),
      data: { n: random.below(8) },
    }));
    await deliver([...events, ...stops]);
    sent.count += events.length;
    const dueMs = startMs + ((from + BATCH) / share) * SECONDS_MIN * 1000;
    if (performance.now() < dueMs) await sleep(dueMs - performance.now());
  }
}

describe('nothing leaks', () => {
  it(
    `in ${TRIGGERS.toLocaleString('en')} triggers for ${CUSTOMERS} customers, over HTTP and NATS, with ${KILLS} kills`,
    async () => {
      const seed = Number(process.env['BECKON_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
      process.stderr.write(`leak test: seed ${seed}\n`);
      const random = new Prng(seed);
      server = await startNatsServer();
      const { url } = server;
      folder.current = temporaryFolder();
      const workspace = join(folder.current.path, 'workspace');
      for (const [name, text] of Object.entries(LEAK_FILES)) {
        mkdirSync(dirname(join(workspace, name)), { recursive: true });
        writeFileSync(join(workspace, name), text);
      }
      const node = new Victim([
        ...['--nats', url, '--data', join(folder.current.path, 'data'), '--workspace', workspace],
        ...['--partitions', String(PARTITIONS), '--clock', 'wall', '--snapshot-every', '3000000'],
      ]);
      await node.start(2);

      const timezones = new Map<string, string>();
      const consents = new Map<string, Said<'granted' | 'denied'>[]>();
      const failed = new Map<string, Said<true>>();
      const profiles = Array.from({ length: CUSTOMERS }, (_, i): Event => {
        const timezone = random.pick(ZONES);
        timezones.set(`c${i}`, timezone);
        return { id: `p${i}`, type: '$profile', customer: `c${i}`, data: { timezone } };
      });
      await node.post('/v1/events', profiles);

      const sent = { count: 0 };
      let sending = true;
      /** Somebody's word, and when it began to hold: between sending it and being told that it is in. */
      const say = async <Value>(event: Event, value: Value): Promise<Said<Value>> => {
        const fromMs = Date.now() - 2;
        await node.post('/v1/events', [event]);
        return { value, fromMs, byMs: Date.now() + 2 };
      };
      const consenting = async (): Promise<void> => {
        const words = new Prng(seed + 100);
        for (let i = 0; sending; i++) {
          const customer = customerOf(words);
          const channel = words.pick(['sms', 'sms', 'push', 'email'] as const);
          const state = words.below(4) === 0 ? 'denied' : 'granted';
          const said = await say({ id: `w${i}`, type: '$consent', customer, data: { channel, state } }, state);
          const key = consentKey(customer, channel);
          consents.set(key, [...(consents.get(key) ?? []), said] as Said<'granted' | 'denied'>[]);
        }
      };
      const tills = async (): Promise<void> => {
        const baskets = new Prng(seed + 200);
        for (let i = 0; sending; i++) {
          const event = triggerOf(`till-${i}`, baskets);
          await node.post('/v1/decide', [{ ...event, data: { ...event.data, kind: 't' } }]);
        }
      };
      const listener = await connect({ servers: url, maxReconnectAttempts: -1 });
      const feedback = async (): Promise<void> => {
        const answering = new Set<Promise<void>>();
        for await (const message of listener.subscribe('beckon.decisions.>')) {
          // Towards the end nothing comes back any more, so that all units have takers.
          if (sent.count > TRIGGERS * 0.6) continue;
          const decision = message.json<AuditedDecision>();
          const number = Number(decision.id.split('-')[1]);
          if (decision.customer === null || number % 9 !== 0) continue;
          const outcome = number % 2 === 0 ? 'failed' : 'opened';
          const data = { decision: decision.id, outcome };
          const event = { id: `f${decision.id}`, type: '$feedback', customer: decision.customer, data };
          while (answering.size >= ANSWERS_IN_FLIGHT) await Promise.race(answering);
          const answer = say(event, true as const).then((said) => {
            if (outcome === 'failed') failed.set(decision.id, said);
            answering.delete(answer);
          });
          answering.add(answer);
        }
        await Promise.all(answering);
      };
      const killing = async (): Promise<void> => {
        for (let i = 1; i <= KILLS; i++) {
          while (sent.count < (i * TRIGGERS) / (KILLS + 1)) await sleep(10);
          await node.kill(1 + random.below(2));
        }
      };

      const producers = await Promise.all([0, 1].map(() => BeckonProducer.connect({ servers: url })));
      const overNats = (producer: BeckonProducer) => (events: readonly Event[]) =>
        Promise.all(events.map((event) => producer.send({ ...event, ts: Date.now() })));
      const overHttp = (events: readonly Event[]): Promise<unknown> => node.post('/v1/events', events);
      const beside = [consenting(), tills(), feedback()];
      await Promise.all([
        killing(),
        send(0, seed, overHttp, sent),
        send(1, seed, overHttp, sent),
        ...producers.map((producer, i) => send(2 + i, seed, overNats(producer), sent)),
      ]);
      sending = false;
      await listener.drain();
      await Promise.all(beside);
      for (const producer of producers) await producer.close();
      expect(node.kills).toBe(KILLS);
      expect(failed.size).toBeGreaterThan(0);

      await sleep(SETTLED_AFTER_MS);
      const books = async (): Promise<Books[]> => (await (await fetch(`${node.url}/v1/campaigns`)).json()) as Books[];
      const sum = (counts: Readonly<Record<string, number>>): number =>
        Object.values(counts).reduce((a, b) => a + b, 0);
      const isSettled = ({ matched, decided, suppressed, waiting }: Books): boolean =>
        waiting === 0 && sum(decided) + sum(suppressed) === matched;
      await expect
        .poll(async () => (await books()).filter((row) => !isSettled(row)), {
          message: `seed ${seed}: all are balanced, and nothing waits`,
        })
        .toEqual([]);
      const campaigns = await books();
      expect(await running?.stop()).toBe(0);
      const outcome = await natsOutcome(url, join(folder.current.path, 'data'), PARTITIONS);
      const decisions = outcome.decisions.flat().map((json) => JSON.parse(json) as AuditedDecision);
      const history: AuditedHistory = { decisions, consents, failed, timezones };
      const { leaks, binding } = audit(LEAK_RULES, history);
      expect(leaks.slice(0, 20), `seed ${seed}: ${leaks.length} leaks in ${decisions.length} decisions`).toEqual([]);

      // It means something: every rule was reached, every reason met, and what demand exceeded was given out to the last.
      const reasons = new Set(campaigns.flatMap(({ suppressed }) => Object.keys(suppressed)));
      expect([...REASONS_MET].filter((reason) => !reasons.has(reason))).toEqual([]);
      const rules = [
        ...LEAK_RULES.caps.map(({ name }) => `cap ${name}`),
        ...['budget of coupon', 'budget of till-coupon', 'total of limited', 'perDay of daily'],
        'offer coupon per customer',
      ];
      expect(rules.filter((rule) => !binding.has(rule))).toEqual([]);
      const used = (of: (decision: AuditedDecision) => boolean): number =>
        decisions.filter((decision) => decision.follows === null && !failed.has(decision.id) && of(decision)).length;
      expect(used(({ offer }) => offer === 'coupon')).toBe(UNITS.coupon);
      expect(used(({ offer }) => offer === 'till-coupon')).toBe(UNITS.till);
      expect(used(({ campaign }) => campaign === 'limited')).toBe(UNITS.total);
      // The auditor would have seen it: each decision once more, a moment later, is a leak.
      const again = decisions
        .slice(0, 200)
        .map((decision) => ({ ...decision, id: `${decision.id}0`, ts: decision.ts }));
      expect(audit(LEAK_RULES, { ...history, decisions: [...decisions, ...again] }).leaks.length).toBeGreaterThan(200);
      process.stderr.write(`${decisions.length} decisions, ${failed.size} failed, ${node.kills} kills, no leak\n`);
    },
    SOAK ? 1_800_000 : 300_000,
  );
});
