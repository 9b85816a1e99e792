import { describe, expect, it } from 'vitest';
import type { SeenDecision } from '../../../src/demo/decision-watch.ts';
import { narrate } from '../../../src/demo/narrate.ts';
import { Tail } from '../../../src/demo/tail.ts';
import { TextSink } from '../../support/fake-node.ts';

const decision: SeenDecision = {
  id: '7-1',
  ts: '2010-12-02T10:04:00.000Z',
  customer: '17850',
  campaign: 'hearts-need-candles',
  variant: 'cosy',
  offer: 'candles-10',
  channel: 'push',
  message: { title: 'It is getting dark early', body: 'Hearts look best by candlelight.' },
  event: { id: '536365', type: 'receipt' },
  slot: null,
  follows: null,
};

class Screen extends TextSink {
  readonly isTTY: boolean;
  readonly columns = 100;
  constructor(isTTY: boolean) {
    super();
    this.isTTY = isTTY;
  }
}

describe('narrate', () => {
  it('says when, who, how, what and why', () => {
    expect(narrate(decision, 200)).toBe(
      ' 2 Dec 10:04  customer 17850 gets a push: “It is getting dark early · Hearts look best by candlelight.”  (hearts-need-candles, variant cosy)',
    );
  });

  it('has words for those without a card, and for what has no message', () => {
    const anonymous = { ...decision, customer: null, channel: 'pos', variant: null, message: null };
    expect(narrate(anonymous, 200)).toBe(
      ' 2 Dec 10:04  someone without a card reads on the receipt: candles-10  (hearts-need-candles)',
    );
    expect(narrate({ ...anonymous, offer: null, channel: 'fax' }, 200)).toContain(
      'is reached by fax: hearts-need-candles',
    );
  });

  it('tells a follow-up from the first try', () => {
    expect(narrate({ ...decision, follows: '7-0', channel: 'sms' }, 200)).toContain(
      'customer 17850 then gets a text: ',
    );
  });

  it('fits the width', () => {
    expect(narrate(decision, 110)).toHaveLength(110);
    expect(narrate(decision, 110)).toMatch(/…” {2}\(hearts-need-candles\)$/);
    expect(narrate(decision, 60)).toBe(' 2 Dec 10:04  customer 17850 gets a push: “It is getting d…”');
  });
});

describe('tail', () => {
  it('shows every campaign rather than the loudest', () => {
    const pipe = new Screen(false);
    const tail = new Tail(pipe as unknown as NodeJS.WriteStream, 1_000);
    for (let i = 0; i < 151; i++) tail.decision({ ...decision, campaign: i % 40 === 39 ? `rare-${i}` : 'loud' });
    expect(pipe.text.match(/\(([a-z0-9-]+)/g)).toEqual(['(loud', '(rare-39', '(rare-79', '(rare-119']);
  });

  it('on a terminal shows what an eye can follow, keeps the progress line below, and clears it at the end', () => {
    const screen = new Screen(true);
    const tail = new Tail(screen as unknown as NodeJS.WriteStream, 1_000);
    tail.progress(10, decision.ts);
    for (let i = 0; i < 500; i++) tail.decision(decision);
    tail.progress(1_000, decision.ts);
    expect(screen.text.split('\n')).toHaveLength(2);
    expect(screen.text).toContain('█');
    expect(screen.text).toContain('1,000 events, 500 decisions');
    tail.finish();
    expect(screen.text.endsWith('\r\u001b[K')).toBe(true);
  });

  it('into a pipe writes plain lines only, some of them', () => {
    const pipe = new Screen(false);
    const tail = new Tail(pipe as unknown as NodeJS.WriteStream, 1_000);
    for (let i = 0; i < 101; i++) tail.decision(decision);
    tail.progress(5, decision.ts);
    tail.finish();
    for (const control of ['\r', '\u001b']) expect(pipe.text).not.toContain(control);
    expect(pipe.text.trimEnd().split('\n')).toHaveLength(3);
  });
});
