/** Which moment a question asks for, and what is said where there is none. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Explanation } from '../../../src/protocol/explanation.ts';
import type { WhyQuestion } from '../../../src/protocol/why.ts';
import { History } from '../../../src/replay/history.ts';
import { WhyError } from '../../../src/replay/why/question.ts';
import { explainWhy } from '../../../src/replay/why/why.ts';
import { KEPT_ROOT, KeptHistory } from '../../support/kept-history.ts';
import { FAR_FUTURE, workspaceOf } from '../../support/machine-fixture.ts';

const FILES = {
  'workspace.yaml': 'name: test\ntimezone: Europe/Berlin\nchannels: [push]\n',
  'events.yaml': 'receipt: {total: double}\nview: {page: string}\n',
  'policy.yaml': 'consent: {push: none-needed}\n',
  'campaigns/thanks.yaml': 'id: thanks\non: receipt\nwhen: event.total > 10.0\nchannels: [push]\n',
  'campaigns/basket.yaml': 'id: basket\non: view\nwait: {for: 1h, unless: [receipt]}\nchannels: [push]\n',
  'campaigns/letter.yaml': 'id: letter\non: {schedule: "0 10 * * *"}\nchannels: [push]\n',
};
/** A Wednesday, 08:00 in Berlin. */
const START = Date.UTC(2010, 11, 1, 7);
const MINUTE = 60_000;

let kept: KeptHistory;
afterEach(() => kept.close());

function begin(): void {
  kept = new KeptHistory({ clock: 'event' });
  kept.live.publish(workspaceOf(FILES));
}

/** Sends one event; returns the sequence of its record. */
function send(customer: string, type: string, minutes: number, its: { id?: string; data?: object } = {}): number {
  kept.live.send({ customer, type, ts: START + minutes * MINUTE, data: { total: 20 }, ...its });
  return kept.live.machine.position;
}

function ask(question: Partial<WhyQuestion>, isLate: () => boolean = () => false): Explanation {
  const history = History.open(kept.fs, KEPT_ROOT);
  try {
    const whole = { customer: 'ann', campaign: null, event: null, at: null, ...question };
    return explainWhy(history, 0, whole, { standing: null, isLate });
  } finally {
    history.close();
  }
}

/** `cause campaign:result …` of each moment. */
function story({ moments }: Explanation): string[] {
  return moments.map(({ cause, campaigns }) => {
    const name = cause.kind === 'event' ? `${cause.type} ${cause.id}` : cause.kind;
    return [name, ...campaigns.map(({ campaign, result, reason }) => `${campaign}:${reason ?? result}`)].join(' ');
  });
}

function refusal(question: Partial<WhyQuestion>): string {
  try {
    return `told: ${story(ask(question)).join('; ')}`;
  } catch (error) {
    if (!(error instanceof WhyError)) throw error;
    return `${error.refusal}: ${error.message}`;
  }
}

describe('why', () => {
  it('tells of the last event, and what became of it', () => {
    begin();
    send('ann', 'receipt', 0, { id: 'r1' });
    send('ann', 'view', 5, { id: 'v1', data: {} });
    send('bob', 'receipt', 6, { id: 'r2' });
    const told = ask({});
    expect(story(told)).toEqual(['view v1 basket:waiting']);
    expect(told).toMatchObject({
      customer: 'ann',
      partition: 0,
      historyFrom: '2010-12-01T07:00:00.000Z',
      historyIsWhole: true,
      until: '2010-12-01T07:06:00.000Z',
      timezone: 'Europe/Berlin',
    });
    send('ann', 'receipt', 30, { id: 'r3', data: { total: 5 } });
    expect(story(ask({}))).toEqual(['receipt r3 basket:cancelled thanks:unmatched']);
    const settled = ask({ event: 'v1' });
    expect(story(settled)).toEqual(['view v1 basket:waiting', 'receipt r3 basket:cancelled']);
    expect(settled.until).toBe(null);
  });

  it('follows the next channel of a cascade until it has had its turn, or is taken away', () => {
    begin();
    const cascade = 'id: thanks\non: receipt\nchannels: [push, sms]\ncascade: {after: 1d}\n';
    const files = {
      ...FILES,
      'workspace.yaml': 'name: test\ntimezone: Europe/Berlin\nchannels: [push, sms]\n',
      'policy.yaml': 'consent: {push: none-needed, sms: none-needed}\n',
    };
    kept.live.publish(workspaceOf({ ...files, 'campaigns/thanks.yaml': cascade }, 2));
    send('ann', 'receipt', 0, { id: 'r1' });
    send('bob', 'receipt', 60, { id: 'r2' });
    const question = { event: 'r1', campaign: 'thanks' };
    const waiting = ask(question);
    expect(story(waiting)).toEqual(['receipt r1 thanks:decided']);
    expect(waiting.moments[0]?.campaigns[0]?.steps.at(-1)).toMatchObject({
      ...{ step: 'wait', for: 'cascade', passed: false, until: '2010-12-02T07:00:00.000Z' },
    });
    expect(waiting.until).toBe('2010-12-01T08:00:00.000Z');
    kept.live.publish(workspaceOf({ ...files, 'campaigns/thanks.yaml': `${cascade}status: paused\n` }, 3), FAR_FUTURE);
    const withdrawn = ask(question);
    expect(story(withdrawn)).toEqual(['receipt r1 thanks:decided', 'published thanks:withdrawn']);
    expect(withdrawn.until).toBe(null);
  });

  it('tells of one campaign alone: of the last event that it listens for', () => {
    begin();
    send('ann', 'view', 0, { id: 'v1', data: {} });
    send('ann', 'receipt', 70, { id: 'r1' });
    kept.snapshot();
    send('ann', 'receipt', 80, { id: 'r2', data: { total: 1 } });
    expect(story(ask({ campaign: 'basket' }))).toEqual(['view v1 basket:waiting', 'due basket:decided']);
    expect(story(ask({ campaign: 'thanks' }))).toEqual(['receipt r2 thanks:unmatched']);
    expect(story(ask({ campaign: 'thanks', event: 'r1' }))).toEqual(['receipt r1 thanks:decided']);
    // It listens for something else: nothing is told of it.
    expect(story(ask({ campaign: 'basket', event: 'r2' }))).toEqual(['receipt r2']);
  });

  it('tells of the last run of a schedule', () => {
    begin();
    send('ann', 'view', 0, { id: 'v1', data: {} });
    send('bob', 'view', 2 * 60 + 1, { id: 'v2', data: {} });
    kept.snapshot();
    expect(refusal({ campaign: 'letter', customer: 'cat' })).toBe(
      'customer: there is no customer "cat": no accepted event has named it',
    );
    expect(story(ask({ campaign: 'letter' }))).toEqual(['schedule letter:decided']);
    send('bob', 'view', 26 * 60 + 1, { id: 'v3', data: {} });
    const { moments } = ask({ campaign: 'letter' });
    expect(moments.map(({ at }) => at)).toEqual(['2010-12-02T09:00:00.000Z']);
    // Its decisions name the due time in the place of an event.
    for (const campaign of [null, 'letter']) {
      const first = ask({ campaign, event: '2010-12-01T09:00:00.000Z' });
      expect(story(first)).toEqual(['schedule letter:decided']);
      expect(first.moments[0]?.at).toBe('2010-12-01T09:00:00.000Z');
    }
    expect(ask({ event: '2010-12-01T10:00+01:00' }).moments[0]?.at).toBe('2010-12-01T09:00:00.000Z');
    const named = "a schedule's run is named by its due time, such as 2010-12-01T08:26:00Z";
    for (const event of ['2010-12-01 10:00', '2010-12-01', '2010-12-01T10:00:00'])
      expect(refusal({ event })).toContain(`no accepted event "${event}" (${named}): history`);
    expect(refusal({ campaign: 'letter', event: 'monday' })).toContain(`"monday" (${named})`);
    for (const event of ['monday', '20101201', '2010-12-01T08:00:00Z'])
      expect(refusal({ event })).toContain(`no accepted event "${event}": history`);
    expect(refusal({ event: '2010-12-01T08:00:00.000Z' })).toContain('no accepted event "2010-12-01T08:00:00.000Z"');
    expect(refusal({ campaign: 'thanks', event: '2010-12-01T09:00:00.000Z' })).toContain('no accepted event');
    expect(refusal({ campaign: 'letter', customer: 'bob', at: '2010-12-01T08:30:00Z' })).toBe(
      'moment: nothing happened to customer "bob" until 2010-12-01T08:30:00.000Z: history is kept from its beginning, 2010-12-01T07:00:00.000Z',
    );
  });

  it('passes over what was refused, repeated, or no event for campaigns', () => {
    begin();
    send('ann', 'receipt', 0, { id: 'r1', data: { total: 'much' } });
    const seq = send('ann', 'receipt', 1, { id: 'r1' });
    kept.snapshot();
    send('ann', 'receipt', 2, { id: 'r1' });
    send('ann', '$profile', 3, { id: 'p1', data: {} });
    send('ann', 'nothing', 4, { id: 'n1' });
    for (const question of [{}, { event: 'r1' }, { campaign: 'thanks' }]) {
      const { moments } = ask(question);
      expect(moments).toMatchObject([{ record: seq, at: '2010-12-01T07:01:00.000Z', cause: { id: 'r1' } }]);
    }
    expect(refusal({ event: 'n1' })).toBe(
      'moment: customer "ann" has no accepted event "n1": history is kept from its beginning, 2010-12-01T07:00:00.000Z',
    );
  });

  it('finds an event that was refused a hundred times in one pass more', () => {
    begin();
    for (let i = 0; i < 100; i++) send('ann', 'receipt', i, { id: 'r1', data: { total: 'much' } });
    const seq = send('ann', 'receipt', 100, { id: 'r1' });
    for (let i = 101; i < 200; i++) send('ann', 'receipt', i, { id: 'r1' });
    let looks = 0;
    const told = ask({ event: 'r1' }, () => ++looks < 0);
    expect(told.moments).toMatchObject([{ record: seq, cause: { id: 'r1' } }]);
    // Each record is looked at, or replayed, a few times.
    expect(looks).toBeLessThan(5 * 200);
  });

  it('tells of a record, or of the last moment until a time', () => {
    begin();
    const first = send('ann', 'view', 0, { id: 'v1', data: {} });
    const second = send('bob', 'view', 90, { id: 'v2', data: {} });
    kept.snapshot();
    const third = send('ann', 'receipt', 95, { id: 'r1' });
    expect(story(ask({ at: String(first) }))).toEqual(['view v1 basket:waiting', 'due basket:decided']);
    // What falls due happens with the record that lets time pass.
    expect(story(ask({ at: String(second) }))).toEqual(['due basket:decided']);
    expect(story(ask({ at: String(third) }))).toEqual(['receipt r1 thanks:decided']);
    expect(story(ask({ at: '2010-12-01T07:59:59.999Z' }))).toEqual(['view v1 basket:waiting', 'due basket:decided']);
    expect(story(ask({ at: '2010-12-01T09:00:00+01:00' }))).toEqual(['due basket:decided']);
    expect(story(ask({ at: '2011-01-01T00:00:00Z' }))).toEqual(['receipt r1 thanks:decided']);
    // Seconds may be left out.
    for (const at of ['2010-12-01T08:00Z', '2010-12-01t09:00+01:00'])
      expect(story(ask({ at }))).toEqual(['due basket:decided']);
    expect(refusal({ at: String(third + 1) })).toBe(
      `moment: partition 0, where customer "ann" is, has no record ${third + 1}: the last one is ${third}`,
    );
    expect(refusal({ at: '1' })).toBe(
      'moment: nothing happened to customer "ann" in record 1 of partition 0: a time, such as 2010-12-01T08:26:00Z, asks for the last moment until then',
    );
    expect(refusal({ at: '0' })).toBe('at: at: records are numbered from 1, "0" is no such number');
    expect(refusal({ at: 'noon' })).toBe(
      'at: at: expected a time with its zone such as 2010-12-01T08:26:00Z, a day such as 2010-12-01, or the number of a record such as 1234, got "noon"',
    );
    for (const at of ['2010-12-01T08:00:00', '2010-12-01T08:00', '2010-12-01T08Z', '2010-02-30', '2010-12-1'])
      expect(refusal({ at })).toContain(`got "${at}"`);
  });

  it('says what an event is that no campaign listens for, and which events there would have to be', () => {
    begin();
    send('ann', '$profile', 0, { id: 'p1', data: {} });
    const since = 'history is kept from its beginning, 2010-12-01T07:00:00.000Z';
    expect(refusal({ event: 'p1' })).toBe(
      'moment: event "p1" of customer "ann" is a $profile: no campaign listens for those',
    );
    expect(refusal({})).toBe(`moment: customer "ann" has no accepted event: ${since}`);
    expect(refusal({ campaign: 'thanks' })).toBe(
      `moment: customer "ann" has no accepted event of type receipt, which campaign thanks listens for: ${since}`,
    );
    expect(refusal({ campaign: 'letter' })).toBe(
      `moment: customer "ann" had no turn in a recent run of campaign letter: ${since}`,
    );
    for (const at of ['1', '99', '2010-12-01'])
      expect(refusal({ customer: 'nan', at })).toBe(
        'customer: there is no customer "nan": no accepted event has named it',
      );
  });

  it("tells of the last moment of a day by the workspace's clock, or before it", () => {
    begin();
    const HOUR = 60;
    send('ann', 'receipt', 0, { id: 'morning' });
    kept.snapshot();
    send('ann', 'receipt', 16 * HOUR - 1, { id: 'before midnight' });
    send('bob', 'receipt', 16 * HOUR - 1, { id: 'b1' });
    kept.snapshot();
    // 23:00 in UTC, midnight in Berlin.
    send('ann', 'receipt', 16 * HOUR, { id: 'midnight' });
    send('ann', 'receipt', 38 * HOUR, { id: 'evening' });
    kept.snapshot();
    send('ann', 'receipt', 100 * HOUR, { id: 'later' });
    const told = (at: string): string[] => story(ask({ at, campaign: 'thanks' }));
    expect(told('2010-12-01')).toEqual(['receipt before midnight thanks:decided']);
    expect(told('2010-12-02')).toEqual(['receipt evening thanks:decided']);
    // On that day it was asked before something else happened.
    expect(story(ask({ at: '2010-12-02', campaign: 'letter' }))).toEqual(['schedule letter:decided']);
    // Nothing happened on the day itself.
    expect(story(ask({ at: '2010-12-03', customer: 'bob' }))).toEqual(['schedule letter:decided']);
    expect(told('2010-12-31')).toEqual(['receipt later thanks:decided']);
    expect(refusal({ at: '2010-11-30' })).toContain(
      'moment: nothing happened to customer "ann" until the end of 2010-11-30: ',
    );
  });

  it('tells of a campaign at a time at which the customer had several moments', () => {
    begin();
    send('ann', 'view', 60, { id: 'v1', data: {} });
    // The wait is over, and the schedule runs.
    send('bob', 'view', 120, { id: 'v2', data: {} });
    kept.snapshot();
    const at = '2010-12-01T09:00:00Z';
    expect(story(ask({ at }))).toEqual(['schedule letter:decided']);
    expect(story(ask({ campaign: 'basket', at }))).toEqual(['due basket:decided']);
    expect(story(ask({ campaign: 'thanks', at }))).toEqual(['schedule']);
    send('ann', 'receipt', 120, { id: 'r1' });
    expect(story(ask({ at }))).toEqual(['receipt r1 thanks:decided']);
    expect(story(ask({ campaign: 'letter', at }))).toEqual(['schedule letter:decided']);
    expect(story(ask({ campaign: 'basket', at }))).toEqual(['due basket:decided']);
  });

  it('tells of a campaign at the last moment until a time at which it was asked, whatever came since', () => {
    begin();
    send('ann', 'receipt', 0, { id: 'r1', data: { total: 5 } });
    kept.snapshot();
    send('ann', 'receipt', 10, { id: 'r2' });
    send('ann', 'view', 20, { id: 'v1', data: {} });
    kept.snapshot();
    send('ann', 'view', 30, { id: 'v2', data: {} });
    send('ann', 'receipt', 40, { id: 'r3' });
    const told = (at: string): string[] => story(ask({ campaign: 'thanks', at }));
    expect(told('2010-12-01T07:35:00Z')).toEqual(['receipt r2 thanks:decided']);
    expect(told('2010-12-01T07:09:00Z')).toEqual(['receipt r1 thanks:unmatched']);
    expect(told('2010-12-01')).toEqual(['receipt r3 thanks:decided']);
    // It never was: the last moment of all.
    expect(story(ask({ campaign: 'letter', at: '2010-12-01T07:35:00Z' }))).toEqual(['view v2']);
  });

  it('says why a campaign was not asked, by the version of that moment', () => {
    begin();
    const more = (id: string, status: string): object => ({
      [`campaigns/${id}.yaml`]: `id: ${id}\non: receipt\nchannels: [push]\nstatus: ${status}\n`,
    });
    send('ann', 'receipt', 0, { id: 'r0' });
    kept.live.publish(workspaceOf({ ...FILES, ...more('sketch', 'draft'), ...more('rest', 'paused') }, 2), FAR_FUTURE);
    send('ann', 'receipt', 0, { id: 'r1' });
    const notAsked = (event: string, campaign: string): unknown =>
      ask({ event, campaign }).moments.map((moment) => [moment.workspace, moment.campaigns.length, moment.notAsked]);
    expect(notAsked('r0', 'sketch')).toEqual([[1, 0, { status: 'absent', on: null }]]);
    expect(notAsked('r1', 'sketch')).toEqual([[2, 0, { status: 'draft', on: 'receipt' }]]);
    expect(notAsked('r1', 'rest')).toEqual([[2, 0, { status: 'paused', on: 'receipt' }]]);
    expect(notAsked('r1', 'basket')).toEqual([[2, 0, { status: 'live', on: 'view' }]]);
    expect(notAsked('r1', 'letter')).toEqual([[2, 0, { status: 'live', on: '$schedule' }]]);
    expect(notAsked('r1', 'thanks')).toEqual([[2, 1, undefined]]);
    expect(ask({ event: 'r1' }).moments[0]).not.toHaveProperty('notAsked');
  });

  it('knows campaigns that are gone, and refuses those that never were', () => {
    begin();
    send('ann', 'receipt', 0, { id: 'r1' });
    const { 'campaigns/thanks.yaml': _, ...rest } = FILES;
    kept.live.publish(workspaceOf(rest, 2), FAR_FUTURE);
    expect(story(ask({ campaign: 'thanks' }))).toEqual(['receipt r1 thanks:decided']);
    expect(refusal({ campaign: 'lettre' })).toBe('campaign: there is no campaign "lettre": did you mean "letter"?');
    // One of a former version may be meant.
    expect(refusal({ campaign: 'Thank' })).toBe('campaign: there is no campaign "Thank": did you mean "thanks"?');
    expect(refusal({ campaign: 'nothing' })).toBe(
      'campaign: there is no campaign "nothing": there are basket, letter, thanks',
    );
  });

  it('says how far history reaches where it does not', () => {
    begin();
    const first = send('ann', 'receipt', 0, { id: 'r1' });
    send('ann', 'view', 10, { id: 'v1', data: {} });
    kept.forget();
    send('bob', 'view', 90, { id: 'v2', data: {} });
    const reach = 'history is kept from 2010-12-01T07:10:00.000Z on (--history of the node)';
    expect(refusal({ event: 'r1' })).toBe(`moment: customer "ann" has no accepted event "r1": ${reach}`);
    expect(refusal({})).toBe(`moment: customer "ann" has no accepted event: ${reach}`);
    expect(refusal({ at: '2010-12-01T07:05:00Z' })).toBe(
      `moment: nothing happened to customer "ann" until 2010-12-01T07:05:00.000Z: ${reach}`,
    );
    expect(refusal({ at: String(first) })).toBe(
      'moment: record 2 of partition 0 is no longer kept: history is kept from record 4, 2010-12-01T07:10:00.000Z, on (--history of the node). Ask for something later.',
    );
    // What fell due since then is told.
    expect(story(ask({ at: '2010-12-01T09:00:00Z' }))).toEqual(['due basket:decided']);
  });

  it('is no longer than one may be, of a record that holds thousands of events of one customer', () => {
    begin();
    const more = ['a', 'b', 'c'].map((id) => [`campaigns/${id}.yaml`, `id: ${id}\non: receipt\nchannels: [push]\n`]);
    kept.live.publish(workspaceOf({ ...FILES, ...Object.fromEntries(more) }, 2));
    const sendMany = (count: number): string => {
      const name = count.toString(36);
      const one = { customer: 'ann', type: 'receipt', ts: START, data: { total: 20 } };
      kept.live.send(Array.from({ length: count }, (_, i) => ({ ...one, id: `${name}-${i}` })));
      return String(kept.live.machine.position);
    };
    expect(ask({ at: sendMany(2500) }).moments).toHaveLength(2500);
    const seq = sendMany(2501);
    expect(refusal({ at: seq })).toBe(
      `length: record ${seq} tells more than 10000 times what became of a campaign for customer "ann": ask for one of its events by id, or for one campaign`,
    );
    expect(ask({ at: seq, campaign: 'thanks' }).moments).toHaveLength(2501);
    expect(ask({ event: `${(2501).toString(36)}-2500` }).moments).toHaveLength(1);
  });

  it('is given up when it takes too long', () => {
    begin();
    send('ann', 'receipt', 0, { id: 'r1' });
    expect(() => ask({}, () => true)).toThrow(/took too long: ask with --data/);
  });
});
