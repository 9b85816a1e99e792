/**
 * The demo plays the channel gateways, too: what came of a message, as `$feedback` events. SYNTHETIC: drawn from a hash of the decision's id, so that it is the
 * same on every run. Receipts are paper and tell nothing; nor can those without a card be told apart.
 */
import type { SeenDecision } from './decision-watch.ts';
import { draw } from './synthetic.ts';

/** Without a time of its own: it happened when it is told. */
export interface FeedbackEvent {
  readonly id: string;
  readonly type: '$feedback';
  readonly customer: string;
  readonly data: { readonly decision: string; readonly outcome: string };
}

/** Shares: of all messages that fail, of those delivered that are opened, of those opened that are clicked. */
const CHANNELS: Readonly<Record<string, { readonly fails: number; readonly opens: number; readonly clicks: number }>> =
  {
    push: { fails: 0.06, opens: 0.45, clicks: 0.4 },
    sms: { fails: 0.03, opens: 0.7, clicks: 0.3 },
    email: { fails: 0.02, opens: 0.35, clicks: 0.35 },
    credit: { fails: 0, opens: 0, clicks: 0 },
  };
/** Of those clicked that are about an offer. */
const CONVERTS = 0.5;

/** In the order in which they happened. */
export function answersTo({ id, customer, channel, offer }: SeenDecision): FeedbackEvent[] {
  const shares = CHANNELS[channel];
  if (shares === undefined || customer === null) return [];
  const happens = (what: string, share: number): boolean => draw(what, id) < share;
  const outcomes: string[] = [];
  if (happens('fails', shares.fails)) outcomes.push('failed');
  else {
    outcomes.push('delivered');
    if (happens('opens', shares.opens)) {
      outcomes.push('opened');
      if (happens('clicks', shares.clicks)) {
        outcomes.push('clicked');
        if (offer !== null && happens('converts', CONVERTS)) outcomes.push('converted');
      }
    }
  }
  return outcomes.map((outcome) => ({
    id: `synthetic-${id}-${outcome}`,
    type: '$feedback',
    customer,
    data: { decision: id, outcome },
  }));
}
