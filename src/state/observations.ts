/**
 * What one event adds to the aggregates of its type, in one call that is made for them: every aggregate has a call of
 * its own in it, which therefore knows its one implementation, and windows of the same length and resolution find their
 * buckets once.
 *
 * The function's source names parameters and numbers only: nothing that a person wrote is part of it.
 */
import type { AggregateStore, WindowStore } from './aggregate-store.ts';

export const OBSERVATION_TAKEN = 1;

export interface Observations {
  /**
   * Folds numbers[i], or texts[i] for strings, into aggregate i where outcomes[i] is OBSERVATION_TAKEN; as of the slots
   * given to `compileObservations`. Times as for PartitionState.observe. false: for one of them at least there was no
   * room (PartitionState.hasRoom and intern promise it beforehand); the others are stored.
   */
  store(
    row: number,
    eventTs: number,
    logTime: number,
    outcomes: Uint8Array,
    numbers: Float64Array,
    texts: readonly string[],
  ): boolean;
}

/** `tick` is called once for each `store`, before anything else. */
export function compileObservations(stores: readonly AggregateStore[], tick: (logTime: number) => void): Observations {
  const rings: WindowStore['ring'][] = [];
  const lines = ['tick(logTime);', 'const time = Math.min(eventTs, logTime);', 'let stored = true;'];
  const calls = stores.map((store, i) => {
    if (!isWindow(store)) {
      return `if (outcomes[${i}] === ${OBSERVATION_TAKEN} && !stores[${i}].observe(row, time, logTime, numbers[${i}], texts[${i}])) stored = false;`;
    }
    let group = rings.findIndex((ring) => ring.sharesBuckets(store.ring));
    if (group < 0) group = rings.push(store.ring) - 1;
    return (
      `if (outcomes[${i}] === ${OBSERVATION_TAKEN} && bucket${group} >= oldest${group}` +
      ` && !stores[${i}].observeIn(row, bucket${group}, oldest${group}, time, numbers[${i}], texts[${i}])) stored = false;`
    );
  });
  for (let group = 0; group < rings.length; group++) {
    lines.push(`const bucket${group} = rings[${group}].bucketOf(time);`);
    lines.push(`const oldest${group} = rings[${group}].oldestLive(logTime);`);
  }
  lines.push(...calls, 'return stored;');
  // Each store and ring under a name of its own: an element of an array would have to be looked up at every call.
  const named = lines.map((line) => line.replace(/\b(stores|rings)\[(\d+)\]/g, '$1$2'));
  const parameters = ['tick', ...stores.map((_, i) => `stores${i}`), ...rings.map((_, i) => `rings${i}`)];
  const source = `return function store(row, eventTs, logTime, outcomes, numbers, texts) {\n${named.join('\n')}\n};`;
  const make = new Function(...parameters, source);
  return { store: make(tick, ...stores, ...rings) as Observations['store'] };
}

function isWindow(store: AggregateStore): store is WindowStore {
  return 'ring' in store;
}
