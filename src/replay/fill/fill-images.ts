/**
 * What new aggregates of one partition would hold had they been there all along: its history replayed, with each version that was recorded extended by them, up to where their filling
 * began (machine/fill/filling.ts). The result is the records of images, ready to be appended, and how far back each aggregate reaches.
 */
import { FILL_IMAGES_BYTES_MAX, FILL_RECORD_BYTES_MAX, RECORD_BYTES_MAX } from '../../constants.ts';
import { ImageRecords } from '../../machine/fill/fill-record.ts';
import { type LogRecord, RecordKind } from '../../protocol/record.ts';
import type { FileSystem } from '../../storage/file-system.ts';
import { nodeFileSystem } from '../../storage/node-file-system.ts';
import { History } from '../history.ts';
import { PartitionReplay } from '../partition-replay.ts';
import { type AggregateDefinition, extendWorkspace, type MissingAggregate } from './extended-workspace.ts';

export interface FillRequest {
  readonly dataDirectory: string;
  readonly partition: number;
  /** Of the filling. */
  readonly id: string;
  /** The record before the filling's begin record. */
  readonly untilSeq: number;
  readonly aggregates: readonly AggregateDefinition[];
}

/** Why an aggregate does not go back to the log's beginning, mostly. */
export const HISTORY_PRUNED = 'older history is no longer kept';

/** How far back what an aggregate holds goes. */
export interface AggregateReach {
  /** Log time, epoch ms; null: nothing happened yet. */
  readonly sinceMs: number | null;
  /** Nothing of what it should hold lies before that. */
  readonly complete: boolean;
  /** Why it does not go back further; null where it is complete. */
  readonly why: string | null;
}

export interface FillImages {
  readonly records: readonly Uint8Array[];
  /** In the order of FillRequest.aggregates. */
  readonly reach: readonly AggregateReach[];
  /** Records of the log that were replayed. */
  readonly replayed: number;
}

/** Where an aggregate begins, as far as versions tell. */
interface Beginning {
  /** 0: with the first thing that happens. */
  sinceMs: number;
  why: string | null;
  /** Some version had it. */
  existed: boolean;
  /** The present version cannot have it. */
  absent: MissingAggregate | null;
}

/** Throws HistoryForgottenError, or what storage refuses. */
export function fillImages(request: FillRequest, fs: FileSystem = nodeFileSystem): FillImages {
  const { dataDirectory, partition, id, untilSeq, aggregates } = request;
  const history = History.open(fs, dataDirectory, new Map([[partition, untilSeq]]));
  try {
    let missing: readonly MissingAggregate[] = [];
    const replay = PartitionReplay.open(history, partition, null, {
      onWorkspace: (recorded) => {
        const extended = extendWorkspace(recorded, aggregates);
        missing = extended.missing;
        return extended.workspace;
      },
    });
    const { machine, state } = replay;
    const isPruned = replay.seq > 0;
    const why = isPruned ? HISTORY_PRUNED : null;
    const beginnings = aggregates.map(
      (): Beginning => ({ sinceMs: machine.logTime, why, existed: false, absent: null }),
    );
    const startMs = history.reach(partition)?.logTime ?? machine.logTime;
    const look = (): void => noteMissing(aggregates, missing, beginnings, machine.logTime);
    if (isPruned) look();
    let replayed = 0;
    replay.run(untilSeq, ({ kind }: LogRecord) => {
      replayed++;
      if (kind !== RecordKind.workspace) return;
      const { workspaceError } = replay.effects;
      if (workspaceError === null) look();
      // What crossed with a newer one changed nothing then, either.
      else if (!workspaceError.includes('is older than'))
        throw new Error(`history cannot be replayed: ${workspaceError}`);
    });
    const active = machine.activeWorkspace?.workspace.aggregates ?? [];
    const slots = aggregates.flatMap(({ name, signature }) =>
      active.filter((held) => held.name === name && held.signature === signature).map(({ slot }) => slot),
    );
    const records = new ImageRecords(id, FILL_RECORD_BYTES_MAX);
    if (slots.length === aggregates.length) {
      const images = state.aggregateImages(slots);
      for (let row = 1; row <= state.customers && records.bytes <= FILL_IMAGES_BYTES_MAX; row++)
        records.add(state.customerOf(row), (writer) => images.write(row, machine.logTime, writer));
      records.finish();
      if (records.bytes > FILL_IMAGES_BYTES_MAX)
        throw new Error(
          `what they hold in one partition is more than ${FILL_IMAGES_BYTES_MAX} bytes: publish fewer at a time`,
        );
      if (records.longest > RECORD_BYTES_MAX)
        throw new Error(
          `what they hold of one customer is more than ${RECORD_BYTES_MAX} bytes: publish fewer at a time`,
        );
    }
    const reach = aggregates.map(({ windowMs }, i) => {
      const { sinceMs, why: gap } = beginnings[i] as Beginning;
      const complete = gap === null || (windowMs !== null && sinceMs <= machine.logTime - windowMs);
      const since = sinceMs === 0 ? startMs : sinceMs;
      return { sinceMs: since === 0 ? null : since, complete, why: complete ? null : gap };
    });
    replay.close();
    return { records: records.records, reach, replayed };
  } finally {
    history.close();
  }
}

/** A version was activated: what it cannot have begins anew with the next one that can. */
function noteMissing(
  aggregates: readonly AggregateDefinition[],
  missing: readonly MissingAggregate[],
  beginnings: readonly Beginning[],
  logTime: number,
): void {
  for (const [i, { name, signature }] of aggregates.entries()) {
    const beginning = beginnings[i] as Beginning;
    const absent = missing.find((each) => each.name === name && each.signature === signature) ?? null;
    // While its type was not there for the first time, nothing was missed.
    if (absent === null && beginning.absent !== null && (beginning.absent.typeKnown || beginning.existed)) {
      beginning.sinceMs = logTime;
      beginning.why = beginning.absent.why;
    }
    beginning.absent = absent;
    beginning.existed ||= absent === null;
  }
}
