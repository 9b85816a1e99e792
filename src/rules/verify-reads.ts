/**
 * What is asked of a compiled program that came in a record, once its nodes are known to be such as the compiler makes (verify-program.ts): that it reads only what the version's frames have, in the form that they
 * have it in. What lies beyond is undefined, or left over from another event, and then a machine that was restored would decide otherwise.
 */
import { EXPRESSION_STEPS_MAX } from '../constants.ts';
import type { EventSchema, Schema } from '../protocol/schema.ts';
import { evaluationCost } from './evaluation-cost.ts';
import { eventPair } from './event-pair.ts';
import { scalarRep, valueRep } from './frame-environment.ts';
import type { Ir, Rep } from './ir.ts';
import { childrenOf } from './ir-traits.ts';
import type { Program } from './program.ts';
import { verifyProgram } from './verify-program.ts';

interface Slot {
  readonly rep: Rep;
  /** It may be read without asking whether it is there. */
  readonly sure: boolean;
}

interface List {
  readonly ofObjects: boolean;
  readonly columns: readonly Rep[];
}

interface Around {
  readonly program: Program;
  /** By number of a loop's variable, the list whose element it is; -1: it is none, or nobody knows. */
  readonly elements: ReadonlyMap<number, number>;
  /** What was asked for and is there. */
  readonly present: readonly Extract<Ir, { op: 'has' }>[];
}

/** Everything that the programs of one place may read. */
export class ReadableFrames {
  readonly #profile: readonly Slot[];
  readonly #segments: number;
  readonly #hasEvent: boolean;
  readonly #event: readonly Slot[];
  readonly #lists: readonly List[];

  /** `event` null: the profile only. `trigger`: the second of a pair of events. */
  constructor({ profile, segments }: Schema, event: EventSchema | null, trigger: EventSchema | null = null) {
    this.#profile = profile.map(({ type, optional }) => ({ rep: valueRep(type), sure: !optional }));
    this.#segments = segments.length;
    this.#hasEvent = event !== null;
    const events = [event, trigger].filter((each) => each !== null);
    const slots: Slot[] = events.flatMap(({ fields }) =>
      fields.map(({ type }) => ({ rep: scalarRep(type), sure: false })),
    );
    if (event !== null && trigger !== null) {
      const { idSlot, typeSlot, tsSlot } = eventPair(event, trigger);
      slots[idSlot] = { rep: 'string', sure: false };
      slots[typeSlot] = { rep: 'string', sure: true };
      slots[tsSlot] = { rep: 'ms', sure: true };
    }
    this.#event = slots;
    this.#lists = events.flatMap(({ lists }) =>
      lists.map(({ ofObjects, columns }) => ({ ofObjects, columns: columns.map(({ type }) => scalarRep(type)) })),
    );
  }

  /** Throws an Error that says what is wrong. */
  verify(program: Program): void {
    verifyProgram(program, false);
    if (evaluationCost(program.ir) > EXPRESSION_STEPS_MAX) throw new Error('bad program: too expensive');
    const { profileSlots, segments } = program;
    const known =
      profileSlots.every((slot) => slot < this.#profile.length) && segments.every((index) => index < this.#segments);
    if (!known) throw new Error('bad program: it reads what the profile does not have');
    this.#walk(program.ir, { program, elements: new Map(), present: [] });
  }

  #walk(ir: Ir, around: Around): void {
    if (!this.#holds(ir, around)) throw new Error(`bad program: ${ir.op} of what is not there`);
    if (ir.op === 'if') {
      const { condition, whenTrue, whenFalse } = ir;
      const present = condition.op === 'has' ? [...around.present, condition] : around.present;
      this.#walk(condition, around);
      this.#walk(whenTrue, { ...around, present });
      this.#walk(whenFalse, around);
    } else if (ir.op === 'loop') {
      const { range, local, predicate, transform } = ir;
      if ('value' in range) this.#walk(range.value, around);
      const elements = new Map(around.elements).set(local, range.over === 'objects' ? range.list : -1);
      for (const part of [predicate, transform]) if (part !== null) this.#walk(part, { ...around, elements });
    } else for (const child of childrenOf(ir)) this.#walk(child, around);
  }

  #holds(ir: Ir, { program, elements, present }: Around): boolean {
    switch (ir.op) {
      case 'variable':
        return false;
      case 'hasId':
      case 'meta':
        return this.#hasEvent;
      case 'segment':
        return program.segments.includes(ir.index);
      case 'has':
      case 'slot': {
        const slot = (ir.from === 'event' ? this.#event : this.#profile)[ir.slot];
        if (slot === undefined || (ir.from === 'profile' && !program.profileSlots.includes(ir.slot))) return false;
        if (ir.op === 'has') return true;
        const isThere = slot.sure || present.some(({ from, slot: asked }) => from === ir.from && asked === ir.slot);
        return ir.rep === slot.rep && (isThere || !ir.sure);
      }
      case 'hasList':
        return ir.list < this.#lists.length;
      case 'listLength':
        return ir.list < this.#lists.length && ir.sure !== true;
      case 'eventList': {
        const list = this.#lists[ir.list];
        if (list === undefined || list.ofObjects !== (ir.column === null)) return false;
        return ir.rep === (list.ofObjects ? 'elements' : 'list') && (list.ofObjects || list.columns[0] === ir.column);
      }
      case 'column':
      case 'hasColumn': {
        const list = this.#lists[ir.list];
        const rep = list?.columns[ir.column];
        if (list === undefined || rep === undefined || !isElement(ir.element, ir.list, elements)) return false;
        return ir.op === 'hasColumn' || (ir.rep === rep && (!ir.sure || !list.ofObjects));
      }
      case 'loop': {
        const { range } = ir;
        if (range.over !== 'objects' && range.over !== 'scalars') return true;
        const list = this.#lists[range.list];
        if (list === undefined || range.sure === true || list.ofObjects !== (range.over === 'objects')) return false;
        return range.over === 'objects' || range.rep === list.columns[0];
      }
      default:
        return true;
    }
  }
}

/** It is an index that the list has: of a loop over it, or one that was looked up. Of lists that loops made nobody knows what they were made of. */
function isElement(ir: Ir, list: number, elements: ReadonlyMap<number, number>): boolean {
  if (ir.op === 'local') return [list, -1].includes(elements.get(ir.local) as number);
  return ir.op === 'call' && (ir.name === 'checkIndex' || ir.name === 'elementAt');
}
