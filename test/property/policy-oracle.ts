/**
 * The machine's dumb twin for policy and time: waits, sequences, cascades, budgets, schedules and all that decides who is contacted, recomputed for each question from
 * arrays of everything that ever happened, with the platform's dates and zones. It shares no code with src and is meant to be read against the interface, sentence by
 * sentence.
 */
import { nextDue } from './policy-oracle-calendar.ts';
import { type Candidate, decide, dueOf, enter, expire, followUp, giveUp } from './policy-oracle-decide.ts';
import {
  DAY,
  type Fact,
  HOUR,
  type OracleCampaign,
  type OracleEvent,
  type OracleWorkspace,
  OUTCOMES,
  type Outcome,
} from './policy-oracle-model.ts';
import { type Contact, type Entry, World } from './policy-oracle-world.ts';

/** Remembered events are looked for no further back, and kept at least the shorter time. */
const SEQUENCE_REACH = 30 * DAY;
const SEQUENCE_KEPT = 7 * DAY;

export class Oracle {
  readonly world: World;
  readonly rejected: string[] = [];
  repeated = 0;
  unmatchedFeedback = 0;
  readonly #seen = new Set<string>();
  /** Campaign → the schedule that it is live with, and the due time that it last came to. */
  readonly #schedules = new Map<string, { source: string; after: number }>();

  constructor(clock: 'wall' | 'event') {
    this.world = new World(clock);
  }

  publish(workspace: OracleWorkspace): void {
    const { world } = this;
    world.workspace = workspace;
    world.version++;
    world.versions.push(workspace);
    for (const entry of world.entries) {
      // What was used for a campaign that is only paused still comes back.
      const stays = entry.kind === 'expiry' && workspace.campaigns.some(({ id }) => id === entry.campaign);
      if (!entry.isOver && !stays && world.ownerOf(entry) === null) this.#withdraw(entry);
    }
    const before = new Map(this.#schedules);
    this.#schedules.clear();
    for (const { id, on, status } of world.campaigns) {
      if (typeof on === 'string') continue;
      const source = JSON.stringify([on, workspace.policy.timezone, status]);
      const known = before.get(id);
      this.#schedules.set(id, known?.source === source ? known : { source, after: world.logTime });
    }
  }

  /** A record's own time: what is due by then happens first. */
  time(recordTs: number): void {
    const { world } = this;
    if (world.clock !== 'wall' || recordTs <= world.logTime) return;
    if (world.version > 0) this.#fire(recordTs);
    world.logTime = recordTs;
  }

  apply(event: OracleEvent, recordTs: number): void {
    const { world } = this;
    const key = JSON.stringify([event.customer, event.type, event.id]);
    if (event.id !== null && this.#seen.has(key)) {
      this.repeated++;
      return;
    }
    const reason = this.#reject(event, recordTs);
    if (reason !== null) {
      this.rejected.push(reason);
      return;
    }
    if (event.id !== null) this.#seen.add(key);
    if (world.clock === 'event') {
      const logTime = Math.max(world.logTime, event.ts ?? 0);
      this.#fire(logTime);
      world.logTime = logTime;
    }
    const { customer, data, type, id } = event;
    if (customer !== null && !world.customers.includes(customer)) world.customers.push(customer);
    const ts = Math.min(event.ts ?? world.logTime, world.logTime);
    if (type === '$profile') {
      for (const [name, value] of Object.entries(data))
        world.said.push({ customer: customer as string, kind: 'attribute', name, value });
    } else if (type === '$consent') {
      const { channel, state } = data as Record<string, string>;
      world.said.push({ customer: customer as string, kind: 'consent', name: channel as string, value: state });
    } else if (type === '$feedback') {
      const fields = this.#feedback(customer as string, data as { decision: string; outcome: Outcome });
      if (fields !== null) this.#happen({ id, type, ts, fields }, customer);
    } else this.#happen({ id, type, ts, fields: data }, customer);
  }

  #reject({ type, customer, ts, data }: OracleEvent, recordTs: number): string | null {
    const { clock, logTime } = this.world;
    if (type.startsWith('$') && customer === null) return 'missing_field';
    if (clock === 'event' && ts !== null && ts > logTime && ts > recordTs + HOUR) return 'future';
    if (type !== '$feedback') return null;
    const { decision, outcome } = data as { decision: string; outcome: string };
    const isGood = /^\d+-\d+$/.test(decision) && OUTCOMES.includes(outcome as Outcome);
    return isGood ? null : 'field_type';
  }

  /** What rules see of it; null: nothing new. */
  #feedback(customer: string, { decision, outcome }: { decision: string; outcome: Outcome }): Fact['fields'] | null {
    const { world } = this;
    const contact = world.contacts.find((each) => each.customer === customer && decision === `0-${each.number}`);
    if (contact === undefined) {
      this.unmatchedFeedback++;
      return null;
    }
    if (contact.outcomes.includes(outcome)) return null;
    contact.outcomes.push(outcome);
    const { campaign, channel, variant, offer } = contact;
    world.count(campaign, `feedback ${channel} ${variant ?? ''} ${outcome}`);
    const open = world.entriesOf(customer);
    const cascade = open.find(({ kind, contacts }) => kind === 'cascade' && contacts.includes(contact));
    if (outcome === 'converted') {
      for (const entry of open) if (entry.kind === 'expiry' && entry.contacts.includes(contact)) entry.isOver = true;
    }
    if (outcome === 'failed') {
      if (cascade?.contacts[0] !== contact) giveUp(world, contact);
      else followUp(world, cascade);
    } else if (cascade !== undefined && isAnswered(contact, world.live(campaign))) cascade.isOver = true;
    return {
      ...{ decision, outcome, campaign, channel },
      ...(variant === null ? {} : { variant }),
      ...(offer === null ? {} : { offer }),
    };
  }

  /** An event of a type that rules read. */
  #happen(event: Fact, customer: string | null): void {
    const { world } = this;
    world.facts.push({ customer, fact: event });
    if (customer !== null) this.#meet(event, customer);
    const candidates: Candidate[] = [];
    for (const campaign of world.campaigns) {
      const { id, wait } = campaign;
      if (campaign.on !== event.type || !this.#matches(campaign, event, customer)) continue;
      world.count(id, 'matched');
      if (world.logTime - event.ts > world.workspace.policy.latenessMs)
        world.suppress(id, { customer, trigger: event }, 'late');
      else if (wait === null) candidates.push({ campaign, trigger: event });
      else this.#wait(campaign, event, customer as string);
    }
    decide(world, candidates, customer);
    if (customer !== null) this.#remember(event, customer);
  }

  #meet(event: Fact, customer: string): void {
    const { world } = this;
    for (const entry of world.entriesOf(customer)) {
      const campaign = world.ownerOf(entry);
      if (campaign === null) continue;
      const meets = (rule: OracleCampaign['when'] | null): boolean =>
        isComparable(campaign, rule, entry.trigger) &&
        world.holds(campaign, rule, world.scope(customer, event, entry.trigger));
      if (entry.kind === 'goal') {
        const { goal } = campaign;
        if (goal === null || goal.event !== event.type || event.ts < entry.since || !meets(goal.when)) continue;
        entry.isOver = true;
        world.count(campaign.id, `${entry.arm} converted`);
      }
      if (!isWaiting(entry) || event.ts < entry.trigger.ts) continue;
      const unless = campaign.wait?.unless ?? [];
      if (!unless.some((each) => each.event === event.type && meets(each.when))) continue;
      entry.isOver = true;
      world.suppress(campaign.id, entry, 'cancelled');
    }
  }

  #matches(campaign: OracleCampaign, event: Fact, customer: string | null): boolean {
    const { world } = this;
    if (!world.holds(campaign, campaign.when, world.scope(customer, event))) return false;
    const { after, wait } = campaign;
    if (customer === null) return wait === null && after === null;
    if (after === null) return true;
    const came: number[] = [];
    const isShadow = campaign.status === 'shadow';
    for (const { customer: whose, fact, isForgotten, isShadow: kept } of world.remembered) {
      if (kept !== isShadow) continue;
      const meeting = after.events[came.length];
      if (meeting === undefined) break;
      if (whose !== customer || isForgotten || world.logTime - fact.ts > SEQUENCE_REACH) continue;
      if (fact.type !== meeting.event || event.ts - fact.ts >= after.withinMs) continue;
      if (world.holds(campaign, meeting.when, world.scope(customer, fact, event))) came.push(fact.ts);
    }
    world.sequences.push({ customer, campaign: campaign.id, trigger: event, at: world.logTime, came });
    return came.length === after.events.length;
  }

  #wait(campaign: OracleCampaign, trigger: Fact, customer: string): void {
    const { world } = this;
    const wait = campaign.wait as NonNullable<OracleCampaign['wait']>;
    const { restart } = wait;
    for (const entry of world.entriesOf(customer)) {
      if (restart === false || !isWaiting(entry) || entry.campaign !== campaign.id) continue;
      const scope = world.scope(customer, trigger, entry.trigger);
      if (restart !== true && !isComparable(campaign, restart, entry.trigger)) continue;
      if (restart !== true && !world.holds(campaign, restart, scope)) continue;
      entry.isOver = true;
      world.suppress(campaign.id, entry, 'superseded');
    }
    const dueMs = dueOf(world, wait.until);
    const isShadow = campaign.status === 'shadow';
    if (enter(world, { kind: 'wait', customer, campaign: campaign.id, dueMs, trigger, isShadow }))
      world.judge(campaign.id, { customer, trigger }, 'waiting');
    else world.suppress(campaign.id, { customer, trigger }, 'full');
  }

  #remember(event: Fact, customer: string): void {
    for (const isShadow of [false, true]) this.#rememberFor(isShadow, event, customer);
  }

  #rememberFor(isShadow: boolean, event: Fact, customer: string): void {
    const { world } = this;
    const campaigns = world.campaigns.filter(({ status }) => (status === 'shadow') === isShadow);
    const named = campaigns.flatMap(({ after }) => after?.events ?? []).filter((each) => each.event === event.type);
    if (named.length === 0) return;
    // With what conditions may look at now: a later version that asks for more finds it absent.
    const read = named.map(({ when }) => when?.cel ?? '').join(' ');
    const fields = Object.fromEntries(Object.entries(event.fields).filter(([name]) => read.includes(`event.${name}`)));
    const reach = Math.max(SEQUENCE_KEPT, ...campaigns.map(({ after }) => after?.withinMs ?? 0));
    for (const each of world.remembered)
      if (each.isShadow === isShadow && each.customer === customer && world.logTime - each.fact.ts >= reach)
        each.isForgotten = true;
    world.remembered.push({ customer, fact: { ...event, fields }, isShadow, isForgotten: false });
  }

  /** Everything that is due until then, each at its own time. */
  #fire(until: number): void {
    const { world } = this;
    // Before there is any log time no schedule can be due.
    for (const schedule of this.#schedules.values()) if (schedule.after === 0) schedule.after = until;
    if (world.clock === 'wall') this.#skipRuns(until);
    for (;;) {
      const waiting = world.entries.filter((entry) => !entry.isOver && entry.dueMs <= until);
      const runs = this.#runs().filter(({ due }) => due <= until);
      const at = Math.min(...waiting.map(({ dueMs }) => dueMs), ...runs.map(({ due }) => due));
      if (at === Number.POSITIVE_INFINITY) return;
      world.logTime = at;
      // What is in shadow comes last, unless it goes along with what is live.
      const first = (isShadow: boolean): Entry | undefined =>
        waiting.find((entry) => entry.dueMs === at && entry.isShadow === isShadow);
      const isRun = runs.some(({ due, campaign }) => due === at && campaign.status === 'live');
      const next = first(false) ?? (isRun ? undefined : first(true));
      if (next !== undefined) this.#fireEntries(next.customer, at);
      else this.#run(at);
    }
  }

  #runs(): { campaign: OracleCampaign; due: number }[] {
    const { world } = this;
    return world.campaigns.flatMap((campaign) => {
      const schedule = this.#schedules.get(campaign.id);
      if (typeof campaign.on === 'string' || schedule === undefined) return [];
      return { campaign, due: nextDue(campaign.on, schedule.after, world.workspace.policy.timezone) };
    });
  }

  /** Of several due times that passed at once, the last counts. */
  #skipRuns(until: number): void {
    const { world } = this;
    for (;;) {
      const early = this.#runs().find(
        ({ campaign, due }) => nextDue(campaign.on as never, due, world.workspace.policy.timezone) <= until,
      );
      if (early === undefined) return;
      world.count(early.campaign.id, 'skippedRuns');
      (this.#schedules.get(early.campaign.id) as { after: number }).after = early.due;
    }
  }

  #run(at: number): void {
    const { world } = this;
    const campaigns = this.#runs().filter(({ due }) => due === at);
    for (const { campaign } of campaigns) (this.#schedules.get(campaign.id) as { after: number }).after = at;
    const trigger: Fact = { id: new Date(at).toISOString(), type: '$schedule', ts: at, fields: {} };
    for (const customer of [...world.customers]) {
      const candidates: Candidate[] = [];
      for (const { campaign } of campaigns) {
        if (!world.holds(campaign, campaign.when, world.scope(customer, trigger))) continue;
        world.count(campaign.id, 'matched');
        candidates.push({ campaign, trigger });
      }
      decide(world, candidates, customer);
    }
  }

  /** One customer's due moment. */
  #fireEntries(customer: string | null, at: number): void {
    const { world } = this;
    const due = world.entriesOf(customer).filter(({ dueMs }) => dueMs === at);
    for (const entry of due) if (entry.kind === 'cascade' && !entry.isOver) followUp(world, entry);
    for (const entry of due) if (entry.kind === 'expiry' && !entry.isOver) expire(world, entry);
    const candidates: Candidate[] = [];
    for (const entry of due) {
      if (entry.kind !== 'cascade') entry.isOver = true;
      if (!isWaiting(entry)) continue;
      const campaign = world.ownerOf(entry) as OracleCampaign;
      const scope = world.scope(customer, entry.trigger);
      if (entry.trigger.type !== (typeof campaign.on === 'string' ? campaign.on : '$schedule')) this.#withdraw(entry);
      else if (world.holds(campaign, campaign.wait?.when ?? campaign.when, scope))
        candidates.push({ campaign, trigger: entry.trigger });
      else world.suppress(campaign.id, entry, 'lapsed');
    }
    candidates.sort((a, b) => (a.campaign.id < b.campaign.id ? -1 : a.campaign.id > b.campaign.id ? 1 : 0));
    decide(world, candidates, customer);
  }

  #withdraw(entry: Entry): void {
    entry.isOver = true;
    if (isWaiting(entry)) this.world.suppress(entry.campaign, entry, 'withdrawn');
  }
}

/** For its time, or for quiet hours to end: what ends the one ends the other. */
function isWaiting({ kind }: Entry): boolean {
  return kind === 'wait' || kind === 'quiet_hours';
}

/** A version published meanwhile may have another trigger: then nothing can be said of the one that waits. */
function isComparable({ on }: OracleCampaign, rule: unknown, trigger: Fact): boolean {
  return rule === null || typeof on !== 'string' || trigger.type === on;
}

/** There was feedback that ends the campaign's cascade. */
function isAnswered({ outcomes }: Contact, campaign: OracleCampaign | null): boolean {
  const unless = campaign?.cascade?.unless;
  if (unless === undefined) return false;
  return outcomes.some((outcome) => outcome !== 'failed' && OUTCOMES.indexOf(outcome) >= OUTCOMES.indexOf(unless));
}
