/**
 * The kernel's events with every tenth a basket that somebody filled: what waits, budgets and the like are measured with. Beside the kernel's rules there is one
 * campaign about baskets, on a channel of its own without caps.
 */
import { EVENTS_PER_BATCH, encodeEvents, type KernelEvents, kernelRules, kernelWorkspace } from './kernel.ts';

const RULES = 100;
/** Of all events. */
export const BASKET_EVERY = 10;

/** `campaign`: what the file of campaign `basket`, which listens to `basket`, says besides. `offers`: the file offers.yaml. */
export function basketWorkspace(campaign: string, offers = ''): Record<string, string> {
  const files = kernelWorkspace(kernelRules(RULES));
  return {
    ...files,
    'workspace.yaml': 'name: baskets\ntimezone: UTC\nchannels: [push, mail]\n',
    'events.yaml': `${files['events.yaml']}basket: {total: double, store: string}\n`,
    'policy.yaml':
      'consent: {push: none-needed, mail: none-needed}\ncaps: [{name: any-day, max: 1, per: 1d, channels: [push]}]\n',
    'campaigns/basket.yaml': `id: basket\non: basket\nchannels: [mail]\n${campaign}`,
    ...(offers === '' ? {} : { 'offers.yaml': offers }),
  };
}

/** So many events in messages. */
export function basketMessages(source: KernelEvents, count: number): Uint8Array[] {
  return Array.from({ length: count / EVENTS_PER_BATCH }, () =>
    encodeEvents(
      Array.from({ length: EVENTS_PER_BATCH }, (_, place) => {
        const event = source.next();
        if (place % BASKET_EVERY !== 0) return event;
        const { total, store } = event.data;
        return { ...event, type: 'basket', data: { total, store } };
      }),
      'messagepack',
    ),
  );
}
