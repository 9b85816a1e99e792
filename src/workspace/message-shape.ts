/** What the variables of a template can be: the same names that message-templates.ts gives them, with their types, for checking before anything is rendered. */
import type { EventSchema, ScalarType, Schema } from '../protocol/schema.ts';

/** What reading a variable needs at run time. */
export type Need = { readonly slot: number } | { readonly segment: number } | 'event' | 'offer';

export interface Shape {
  /** any: not known before rendering. */
  readonly kind: 'any' | 'scalar' | 'list' | 'object';
  readonly need?: Need;
  /** Of a scalar. */
  readonly type?: ScalarType;
  /** Of a list. */
  readonly element?: Shape;
  /** Of an object. */
  readonly fields?: ReadonlyMap<string, Shape>;
  /** Of an object: what to say of a field that it does not have. */
  readonly missing?: (field: string) => string;
}

export const ANY: Shape = { kind: 'any' };
export const TEXT: Shape = { kind: 'scalar', type: 'string' };
const NUMBER: Shape = { kind: 'scalar', type: 'int' };
const BOOL: Shape = { kind: 'scalar', type: 'bool' };
export const NUMBERS: Shape = { kind: 'list', element: NUMBER };

function object(fields: Iterable<readonly [string, Shape]>, missing: (field: string) => string): Shape {
  return { kind: 'object', fields: new Map(fields), missing };
}

export const FORLOOP: Shape = object(
  [
    ['index', NUMBER],
    ['index0', NUMBER],
    ['rindex', NUMBER],
    ['rindex0', NUMBER],
    ['length', NUMBER],
    ['first', BOOL],
    ['last', BOOL],
  ],
  (field) => `\`forloop\` has no \`${field}\``,
);

/** schema null: it is faulty, and nothing can be called unknown. event null: any type of event. */
export function messageVariables(schema: Schema | null, event: EventSchema | null): ReadonlyMap<string, Shape> {
  const shape: Shape = schema === null || event === null ? { kind: 'any', need: 'event' } : eventShape(event);
  return new Map<string, Shape>([
    ['event', shape],
    ['trigger', shape],
    ['profile', schema === null ? ANY : profileShape(schema)],
    ['segment', schema === null ? ANY : segmentShape(schema)],
    [
      'offer',
      {
        ...object(Object.entries({ id: TEXT, title: TEXT }), (field) => `an offer has no \`${field}\``),
        need: 'offer',
      },
    ],
    ['campaign', object([['id', TEXT]], (field) => `a campaign has no \`${field}\``)],
  ]);
}

function profileShape(schema: Schema): Shape {
  const fields = schema.profile.map(({ name, type, slot }): [string, Shape] => [
    name,
    type === 'list<string>'
      ? { kind: 'list', element: TEXT, need: { slot } }
      : { kind: 'scalar', type, need: { slot } },
  ]);
  return object(fields, (field) => `unknown attribute or aggregate \`${field}\``);
}

function segmentShape(schema: Schema): Shape {
  return object(
    schema.segments.map((name, segment) => [name, { ...BOOL, need: { segment } }]),
    (field) => `unknown segment \`${field}\``,
  );
}

/** Dotted paths become nested objects again. */
interface Tree {
  readonly children: Map<string, Tree>;
  shape: Shape | null;
}

function eventShape(event: EventSchema): Shape {
  const root: Tree = { children: new Map(), shape: null };
  const missing = (field: string): string => `event \`${event.type}\` has no field \`${field}\``;
  for (const { path, type } of event.fields) place(root, path).shape = { kind: 'scalar', type };
  for (const { path, ofObjects, columns } of event.lists) {
    const fields = columns.map(({ name, type }): [string, Shape] => [name, { kind: 'scalar', type }]);
    const element = ofObjects
      ? object(fields, (field) => `an element of \`event.${path}\` has no field \`${field}\``)
      : (fields[0]?.[1] ?? ANY);
    place(root, path).shape = { kind: 'list', element };
  }
  for (const [name, shape] of Object.entries({
    id: TEXT,
    type: TEXT,
    ts: { kind: 'scalar', type: 'timestamp' } as const,
  }))
    place(root, name).shape = shape;
  return { ...shapeOf(root, missing), need: 'event' };
}

function place(root: Tree, path: string): Tree {
  let tree = root;
  for (const step of path.split('.')) {
    let child = tree.children.get(step);
    if (child === undefined) {
      child = { children: new Map(), shape: null };
      tree.children.set(step, child);
    }
    tree = child;
  }
  return tree;
}

function shapeOf(tree: Tree, missing: (field: string) => string): Shape {
  if (tree.shape !== null) return tree.shape;
  return object(
    Array.from(tree.children, ([name, child]) => [name, shapeOf(child, missing)] as const),
    missing,
  );
}
