/** Macros as loops. `all` and `exists` absorb the errors of elements after which the answer is certain; `held` absorbs them all; the others fail with the first. */
import type { Emitter } from './emitter.ts';
import { boxed, checked, columnItem, condition, list, requireList, unboxed, value } from './generate.ts';
import type { IrLoop } from './ir.ts';

/** Emits the loop and returns its result. */
export function generateLoop(emitter: Emitter, loop: IrLoop, fail: string): string {
  const label = emitter.name('L');
  const result = emitter.name('t');
  const flag = emitter.name('e');
  const absorbs = loop.kind === 'all' || loop.kind === 'exists';
  emitter.emit(START[loop.kind](result));
  if (absorbs) emitter.emit(`let ${flag} = false;`);
  const passes = loop.kind === 'held' ? `continue ${label};` : fail;
  const failItem = absorbs ? `{ ${flag} = true; continue ${label}; }` : passes;
  // Constants of the loop are loaded in a block of their own.
  emitter.emit('{');
  const range = rangeValue(emitter, loop, fail);
  emitter.loop(() => {
    const item = openLoop(emitter, loop, label, range, failItem);
    body(emitter, loop, label, result, item, failItem);
    emitter.emit('}');
  });
  emitter.emit('}');
  if (loop.kind === 'all') emitter.emit(`if (${result} && ${flag}) ${fail}`);
  if (loop.kind === 'exists') emitter.emit(`if (!${result} && ${flag}) ${fail}`);
  return loop.kind === 'existsOne' ? `(${result} === 1)` : result;
}

const START: Readonly<Record<IrLoop['kind'], (result: string) => string>> = {
  all: (result) => `let ${result} = true;`,
  exists: (result) => `let ${result} = false;`,
  existsOne: (result) => `let ${result} = 0;`,
  count: (result) => `let ${result} = 0;`,
  held: (result) => `let ${result} = 0;`,
  collect: (result) => `const ${result} = [];`,
};

/** What is walked over, as an expression: a length for an event's list, an array for the rest. */
function rangeValue(emitter: Emitter, loop: IrLoop, fail: string): string {
  const { range } = loop;
  if (range.over === 'objects' || range.over === 'scalars') {
    if (range.sure !== true) requireList(emitter, range.list, fail);
    return `${list(emitter, range.list)}.length`;
  }
  const items = value(emitter, range.value, fail);
  if (range.over === 'dyn') return checked(emitter, `R.iterate(${items})`, fail);
  const name = emitter.name('t');
  emitter.emit(`const ${name} = ${items};`);
  return name;
}

/** Emits the loop's head and its variable; returns the item as it goes into a collected list. */
function openLoop(emitter: Emitter, loop: IrLoop, label: string, range: string, failItem: string): string {
  const variable = `v${loop.local}`;
  const over = loop.range;
  if (over.over === 'objects') {
    const length = emitter.name('n');
    emitter.emit(`${label}: for (let ${variable} = 0, ${length} = ${range}; ${variable} < ${length}; ${variable}++) {`);
    return variable;
  }
  const index = emitter.name('i');
  const length = emitter.name('n');
  const count = over.over === 'scalars' ? range : `${range}.length`;
  emitter.emit(`${label}: for (let ${index} = 0, ${length} = ${count}; ${index} < ${length}; ${index}++) {`);
  if (over.over === 'scalars') {
    emitter.emit(`const ${variable} = ${columnItem(emitter, over.list, 0, index, over.rep)};`);
    return boxed(variable, over.rep);
  }
  if (over.over === 'elements') {
    emitter.emit(`const ${variable} = ${range}[${index}];`);
    return variable;
  }
  emitter.emit(`const ${variable} = ${unboxed(emitter, `${range}[${index}]`, over.rep, failItem)};`);
  return `${range}[${index}]`;
}

function body(emitter: Emitter, loop: IrLoop, label: string, result: string, item: string, failItem: string): void {
  const onFalse = loop.kind === 'all' ? `{ ${result} = false; break ${label}; }` : `continue ${label};`;
  if (loop.predicate !== null) condition(emitter, loop.predicate, onFalse, failItem);
  switch (loop.kind) {
    case 'all':
      return;
    case 'exists':
      emitter.emit(`${result} = true; break ${label};`);
      return;
    case 'collect':
      emitter.emit(`${result}.push(${loop.transform === null ? item : value(emitter, loop.transform, failItem)});`);
      return;
    default:
      emitter.emit(`${result}++;`);
  }
}
