/**
 * Audiences, on the main thread: which customers a predicate holds for.
 *
 *   each shard says where its columns lie, as of one moment between two batches
 *     → the task pool scans them in the shared memory, beside the shards       (who is surely in, who is surely out)
 *     → each shard looks at the customers that columns do not tell about       (windows, lists), between batches
 *     → a sample is drawn; members are read, a chunk at a time, as the client takes them
 *
 * What an answer means. Every event that was acknowledged before the request is counted in: the shards are asked behind it. From then on events go on being
 * applied, and each customer is seen as they are when the scan comes by: before or after an event, never in between. Windows are read at the
 * partition's log time, never at one before `asOf`, the least of all partitions' when the scan began. Who is in is settled once; the values of an
 * export are those of the time when they are read.
 *
 * A workspace that is activated meanwhile may move the columns. The shard counts that in shared memory before it does, the scan looks at the count after every
 * chunk and throws away what it has if it changed, and everything begins anew with the predicate checked against the new version.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { AUDIENCE_EXPORTS_MAX, AUDIENCE_RETRY_MS, AUDIENCE_SCANS_MAX, READ_WAIT_MS_MAX } from '../constants.ts';
import { formatRfc3339 } from '../machine/decode/rfc3339.ts';
import type { ScanProgram, ScanSource } from '../machine/scan-source.ts';
import type { Audience, AudienceCount, AudienceRequest, AudienceSample } from '../protocol/audience.ts';
import { checkExpression } from '../rules/check-expression.ts';
import type { Program } from '../rules/program.ts';
import type { Workspace, WorkspaceIssue } from '../workspace/workspace.ts';
import { resolveFields } from './audience-fields.ts';
import { headerOf } from './audience-rows.ts';
import type { AudienceField, OpenRows, PartitionRows, PartitionSource } from './messages.ts';
import type { Shards } from './shards.ts';

/** One partition's columns, scanned; the task pool's PartitionScan is assignable. */
export interface ScannedColumns {
  readonly matched: number;
  readonly matchedRows: SharedArrayBuffer | null;
  readonly undecidedRows: SharedArrayBuffer | null;
}

export interface AudienceParts {
  readonly shards: Shards;
  /** The active version. */
  readonly workspace: () => Workspace | null;
  /** In the task pool. null: the columns moved. */
  readonly scan: (task: {
    readonly program: ScanProgram;
    readonly sources: readonly ScanSource[];
    readonly keepRows: boolean;
  }) => Promise<readonly ScannedColumns[] | null>;
}

export interface AudienceRefusal {
  readonly issues: readonly WorkspaceIssue[];
}

interface Checked {
  readonly program: Program;
  readonly workspace: Workspace;
  readonly fields: readonly AudienceField[];
}

interface Scanned extends AudienceCount {
  readonly fields: readonly AudienceField[];
  /** In partition order; empty where only the number was wanted. */
  readonly rows: readonly PartitionRows[];
}

const PLACES = 2 ** 32;

export class Audiences {
  readonly #parts: AudienceParts;
  #scans = 0;
  #exports = 0;

  constructor(parts: AudienceParts) {
    this.#parts = parts;
  }

  /** null: as many scans as there may be are under way. */
  count(where: string): Promise<AudienceCount | AudienceRefusal> | null {
    if (this.#scans >= AUDIENCE_SCANS_MAX) return null;
    return this.#counted(async () => {
      const scanned = await this.#scan(where, [], false);
      if ('issues' in scanned) return scanned;
      const { count, customers, ms, asOf } = scanned;
      return { count, customers, ms, asOf };
    });
  }

  /** null: as many scans or exports as there may be are under way. */
  open(request: AudienceRequest): Promise<Audience | AudienceRefusal> | null {
    if (this.#scans >= AUDIENCE_SCANS_MAX || this.#exports >= AUDIENCE_EXPORTS_MAX) return null;
    this.#exports++;
    let isOpen = true;
    const close = (): void => {
      if (isOpen) this.#exports--;
      isOpen = false;
    };
    return this.#counted(async () => {
      try {
        const scanned = await this.#scan(request.where, request.fields, true);
        if ('issues' in scanned) {
          close();
          return scanned;
        }
        const { count, customers, ms, asOf, fields } = scanned;
        const members = request.sample === null ? count : await this.#draw(scanned, request.sample);
        const read = (limit: number) => this.#read(scanned.rows, fields, request.format, Math.min(limit, members));
        return { count, customers, ms, asOf, members, read, close };
      } catch (error) {
        close();
        throw error;
      }
    });
  }

  async #counted<Result>(scan: () => Promise<Result>): Promise<Result> {
    this.#scans++;
    try {
      return await scan();
    } finally {
      this.#scans--;
    }
  }

  /** Begins anew where a version is published meanwhile. */
  async #scan(where: string, names: readonly string[], keepRows: boolean): Promise<Scanned | AudienceRefusal> {
    const start = performance.now();
    while (performance.now() - start < READ_WAIT_MS_MAX) {
      const checked = this.#check(where, names);
      if ('issues' in checked) return checked;
      const scanned = await this.#scanOnce(checked, keepRows);
      if (scanned !== null) return { ...scanned, ms: Math.round((performance.now() - start) * 10) / 10 };
      await sleep(AUDIENCE_RETRY_MS);
    }
    throw new Error(
      'the workspace was published again and again, or is not active everywhere yet: the audience was given up',
    );
  }

  #check(where: string, names: readonly string[]): Checked | AudienceRefusal {
    const workspace = this.#parts.workspace();
    if (workspace === null)
      return { issues: [{ file: 'where', line: 1, column: 1, message: 'no workspace is active: publish one first' }] };
    const { schema } = workspace;
    const checked = checkExpression(where, { schema, event: null }, ['bool']);
    const { fields, issues } = resolveFields(names, schema);
    const all = [
      ...('issues' in checked ? checked.issues : []).map((issue) => ({ file: 'where', ...issue })),
      ...issues,
    ];
    return 'issues' in checked || all.length > 0 ? { issues: all } : { program: checked.program, workspace, fields };
  }

  /** null: not by this version. */
  async #scanOnce({ program, workspace, fields }: Checked, keepRows: boolean): Promise<Omit<Scanned, 'ms'> | null> {
    const { shards, scan } = this.#parts;
    const sources = await shards.audienceSources(program, workspace.version);
    if (sources === null) return null;
    const segments = workspace.segments.map((segment) => segment.when.ir);
    const scans = await scan({
      program: { predicate: program.ir, segments },
      sources: sources.map(({ source }) => source),
      keepRows,
    });
    if (scans === null) return null;
    const rest = await shards.audienceRest(program, workspace.version, openRows(sources, scans));
    if (rest === null) return null;
    return {
      count: scans.reduce((sum, { matched }) => sum + matched, rest),
      customers: sources.reduce((sum, { source }) => sum + source.customers, 0),
      asOf: asOf(sources),
      fields,
      rows: scans.flatMap(({ matchedRows: rows }, i) =>
        rows === null ? [] : [{ partition: (sources[i] as PartitionSource).partition, rows }],
      ),
    };
  }

  /** Leaves the members of the sample in the rows. Returns how many. */
  async #draw({ count, rows }: Scanned, { salt, share, count: wanted }: AudienceSample): Promise<number> {
    const { shards } = this.#parts;
    const draw = async (from: readonly PartitionRows[], atMost: number): Promise<Uint32Array> =>
      joined(await shards.audienceSample(from, salt, atMost));
    if (share !== null) return share <= 0 ? 0 : (await draw(rows, Math.ceil(share * PLACES) - 1)).length;
    const size = Math.min(wanted ?? count, count);
    if (size === count) return count;
    // Places are spread evenly: somewhat more than the share that is wanted holds enough of them, but for ids that were made up to be unevenly spread.
    const likely = (size + 6 * Math.sqrt(size) + 64) / count;
    const some = likely < 1 ? await draw(copied(rows), Math.floor(likely * PLACES)) : null;
    const places = some !== null && some.length >= size ? some : await draw(rows, PLACES - 1);
    await draw(rows, places.sort()[size - 1] as number);
    return size;
  }

  async *#read(
    parts: readonly PartitionRows[],
    fields: readonly AudienceField[],
    format: AudienceRequest['format'],
    limit: number,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const header = headerOf(fields, format);
    if (header !== '') yield new TextEncoder().encode(header);
    let left = limit;
    for (const { partition, rows } of parts) {
      for (let from = 0; from >= 0 && left > 0; ) {
        const query = { kind: 'audienceRows', partition, rows, from, limit: left, fields, format } as const;
        const chunk = await this.#parts.shards.audienceRows(query);
        if (chunk === null) throw new Error('a workspace was published that lacks a field of the export');
        left -= chunk.rows;
        from = chunk.next;
        if (chunk.rows > 0) yield chunk.bytes;
      }
    }
  }
}

function openRows(sources: readonly PartitionSource[], scans: readonly ScannedColumns[]): OpenRows[] {
  return scans.flatMap(({ undecidedRows: undecided, matchedRows: matched }, i) =>
    undecided === null ? [] : [{ partition: (sources[i] as PartitionSource).partition, undecided, matched }],
  );
}

/** Partitions without customers have no say: their log may not have begun. */
function asOf(sources: readonly PartitionSource[]): string | null {
  const times = sources.filter(({ source }) => source.customers > 0).map(({ source }) => source.now);
  return times.length === 0 ? null : formatRfc3339(Math.min(...times));
}

function copied(parts: readonly PartitionRows[]): PartitionRows[] {
  return parts.map(({ partition, rows }) => ({ partition, rows: rows.slice(0) }));
}

function joined(parts: readonly Uint32Array[]): Uint32Array {
  const all = new Uint32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
