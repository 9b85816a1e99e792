/**
 * What one event adds to the aggregates of its type, in one function that is generated for them (captured.ts says why).
 * Windows of the same length and resolution find their buckets once. The usual case of a window, whose newest bucket
 * is the event's and nothing of which has expired, is written out; whatever else goes through the store's own methods.
 */
import type { AggregateStore, WindowStore } from './aggregate-store.ts';
import { FoldKind, WindowFold } from './aggregate-window.ts';
import type { BucketRing } from './bucket-ring.ts';
import { Captured } from './captured.ts';
import { inlineBlock, inlineDirectory } from './row-blocks-inline.ts';

export const OBSERVATION_TAKEN = 1;

export interface Observations {
  /**
   * Folds numbers[i], or texts[i] for strings, into aggregate i where outcomes[i] is OBSERVATION_TAKEN; as of the slots
   * given to `compileObservations`. eventTs must not be later than logTime, the partition's, this event included. false: for one of them at least there was no
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
  const captured = new Captured();
  const rings: BucketRing[] = [];
  const calls = stores.map((store, place) => {
    if (!isWindow(store)) return inlineCall(captured, store, place);
    let group = rings.findIndex((ring) => ring.sharesBuckets(store.ring));
    if (group < 0) group = rings.push(store.ring) - 1;
    return inlineWindow(captured, store, place, group);
  });
  const windows = stores.filter(isWindow);
  const lines = [
    `${captured.name(tick)}(logTime);`,
    'let stored = true;',
    ...rings.map((ring, group) => inlineBuckets(captured, ring, group)),
    windows.length === 0 ? '' : inlineDirectory(captured, (windows[0] as WindowStore).ring.blocks, 'let'),
    ...calls,
    'return stored;',
  ];
  const parameters = 'row, eventTs, logTime, outcomes, numbers, texts';
  const source = `return function store(${parameters}) {\n${lines.join('\n')}\n};`;
  return { store: captured.run(source) as Observations['store'] };
}

function isWindow(store: AggregateStore): store is WindowStore {
  return 'ring' in store;
}

function inlineBuckets(captured: Captured, ring: BucketRing, group: number): string {
  const name = captured.name(ring);
  return `const newest${group} = ${name}.bucketOf(logTime);
const oldest${group} = newest${group} - ${ring.buckets - 1};
const bucket${group} = eventTs === logTime ? newest${group} : ${name}.bucketOf(eventTs);`;
}

function inlineCall(captured: Captured, store: AggregateStore, place: number): string {
  const call = `${captured.name(store)}.observe(row, eventTs, logTime, numbers[${place}], texts[${place}])`;
  return `if (outcomes[${place}] === ${OBSERVATION_TAKEN} && !${call}) stored = false;`;
}

function inlineWindow(captured: Captured, store: WindowStore, place: number, group: number): string {
  const { ring } = store;
  const { blocks } = ring;
  // A store may have moved the directory.
  const slow = `if (!${captured.name(store)}.observeIn(row, bucket${group}, oldest${group}, eventTs, numbers[${place}], texts[${place}])) stored = false;
${inlineDirectory(captured, blocks, '')}`;
  const wanted = `outcomes[${place}] === ${OBSERVATION_TAKEN} && bucket${group} >= oldest${group}`;
  if (!(store instanceof WindowFold)) return `if (${wanted}) {\n${slow}\n}`;
  const { heap } = blocks;
  const [ints, doubles, capacities] = [heap.ints, heap.doubles, ring.capacities].map((array) => captured.name(array));
  return `if (${wanted}) {
${inlineBlock(captured, blocks, ring.ordinal)}
if (count > 0 && ${ints}[ref * 2 + count] === bucket${group} && ${ints}[ref * 2 + 1] >= oldest${group}) {
const at = ref + ((1 + ${capacities}[header & 255]) >>> 1) + count - 1;
${doubles}[at] = ${inlineFold(store.kind, `${doubles}[at]`, store.counts ? '1' : `numbers[${place}]`)} + 0;
} else {
${slow}
}
}`;
}

/** One step of a fold. */
export function inlineFold(kind: FoldKind, accumulated: string, value: string): string {
  if (kind === FoldKind.sum) return `${accumulated} + ${value}`;
  return `Math.${kind === FoldKind.min ? 'min' : 'max'}(${accumulated}, ${value})`;
}
