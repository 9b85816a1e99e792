/** Members of an audience as text, some rows at a time: what `list` and exports are made of. */
import { AUDIENCE_CHUNK_BYTES, AUDIENCE_CHUNK_ROWS } from '../constants.ts';
import type { ActiveWorkspace } from '../machine/active-workspace.ts';
import { fieldValue, type ProfileValue } from '../machine/golden-record.ts';
import type { AudienceFormat } from '../protocol/audience.ts';
import { createProfileFrame } from '../protocol/frame.ts';
import type { HostedPartition } from './hosted-partition.ts';
import type { AudienceField, RowsChunk, ShardQuery } from './messages.ts';

/** Where a field's value is found now. */
type Column =
  | { readonly slot: number; readonly type: Exclude<AudienceField['type'], 'segment'> }
  | { readonly segment: number };

const encoder = new TextEncoder();

/** Rows from `from` on that are in the bitmap, as far as one chunk goes. null: a field is not in the active version, or not of that type. */
export function renderRows(
  { state, machine }: Pick<HostedPartition, 'state' | 'machine'>,
  { rows, from, limit, fields, format }: Extract<ShardQuery, { kind: 'audienceRows' }>,
): RowsChunk | null {
  const active = machine.activeWorkspace;
  const columns = active === null ? null : columnsOf(fields, active);
  if (active === null || columns === null) return null;
  const frame = createProfileFrame(active.workspace.schema);
  const slots = slotsOf(columns, active);
  const now = machine.logTime;
  const bitmap = new Uint8Array(rows);
  const most = Math.min(limit, AUDIENCE_CHUNK_ROWS);
  let [text, count, row] = ['', 0, nextRow(bitmap, from)];
  for (; row >= 0 && count < most && text.length < AUDIENCE_CHUNK_BYTES; row = nextRow(bitmap, row + 1)) {
    state.gather(row, slots, now, frame);
    active.segments.begin(frame, now);
    const values = columns.map((column) =>
      'segment' in column ? active.segments.evaluate(column.segment) === 1 : fieldValue(column, frame),
    );
    text += renderRow(state.customerOf(row), fields, values, format);
    count++;
  }
  return { bytes: encoder.encode(text), rows: count, next: row };
}

/** The line of names that begins a CSV file; '' for other formats. */
export function headerOf(fields: readonly AudienceField[], format: AudienceFormat): string {
  return format === 'ndjson' ? '' : csvLine(['id', ...fields.map((field) => field.name)], true);
}

function columnsOf(fields: readonly AudienceField[], { workspace }: ActiveWorkspace): Column[] | null {
  const { profile, segments } = workspace.schema;
  const columns: Column[] = [];
  for (const { name, type } of fields) {
    if (type === 'segment') {
      const segment = segments.indexOf(name.slice('segment.'.length));
      if (segment < 0) return null;
      columns.push({ segment });
    } else {
      const field = profile.find((candidate) => candidate.name === name && candidate.type === type);
      if (field === undefined) return null;
      columns.push({ slot: field.slot, type });
    }
  }
  return columns;
}

function slotsOf(columns: readonly Column[], { segments }: ActiveWorkspace): Int32Array {
  const slots = new Set<number>();
  for (const column of columns) {
    if ('slot' in column) slots.add(column.slot);
    else for (const slot of segments.profileSlots[column.segment] ?? []) slots.add(slot);
  }
  return Int32Array.from(slots);
}

/** The first row of the bitmap from `from` on, or -1. */
function nextRow(bitmap: Uint8Array, from: number): number {
  let byte = from >>> 3;
  let bits = ((bitmap[byte] ?? 0) >>> (from & 7)) << (from & 7);
  while (bits === 0) {
    byte++;
    if (byte >= bitmap.length) return -1;
    bits = bitmap[byte] as number;
  }
  return byte * 8 + 31 - Math.clz32(bits & -bits);
}

function renderRow(
  id: string,
  fields: readonly AudienceField[],
  values: readonly ProfileValue[],
  format: AudienceFormat,
): string {
  if (format !== 'ndjson') return csvLine([id, ...values], format === 'csv');
  const members = fields.map(({ name }, i) => `,${JSON.stringify(name)}:${JSON.stringify(values[i])}`);
  return `{"id":${JSON.stringify(id)}${members.join('')}}\n`;
}

/** RFC 4180. Nothing: an empty cell; an empty text: "". Lists as JSON. */
function csvLine(values: readonly ProfileValue[], disarm: boolean): string {
  return `${values.map((value) => csvCell(value, disarm)).join(',')}\r\n`;
}

function csvCell(value: ProfileValue, disarm: boolean): string {
  if (value === null) return '';
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : '';
  if (typeof value === 'boolean') return String(value);
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  // Spreadsheets take such a text for a formula, which whoever chose it could make read other cells or fetch something.
  const safe = disarm && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return safe === '' || /[",\r\n]|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
