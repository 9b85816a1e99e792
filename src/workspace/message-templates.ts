/**
 * The messages of a workspace version, compiled and rendered inside the machine: a rendered message follows from the template and the scope alone, and rendering never
 * throws. Sources were checked when the version was published (message-check.ts); here they are compiled when first used.
 */
import type { Liquid, Template as LiquidNode } from 'liquidjs';
import { MESSAGE_LENGTH_MAX } from '../constants.ts';
import { createLiquid, renderLiquid } from './liquid.ts';
import { RenderFault } from './liquid-values.ts';
import type { Template } from './workspace.ts';

/**
 * What templates read. Absent values are absent keys. Timestamps are RFC 3339 text, lists are arrays (of scalars, or of objects). Objects may have any prototype: only
 * own properties are read. Only `event` fields, `profile` slots and `segments` that the template names (Template.profileSlots, Template.segments) are ever looked at.
 */
export interface MessageScope {
  /** Declared fields, nested as declared, and id, type, ts. */
  readonly event: Readonly<Record<string, unknown>>;
  /** Another name for the same. */
  readonly trigger?: Readonly<Record<string, unknown>>;
  readonly profile: Readonly<Record<string, unknown>>;
  readonly segment?: Readonly<Record<string, boolean>>;
  readonly offer: { readonly id: string; readonly title: string } | null;
  readonly campaign: { readonly id: string };
}

interface Field {
  readonly name: string;
  readonly source: string;
  /** null: not compiled yet. A field without Liquid is never compiled. */
  nodes: LiquidNode[] | null;
}

export class MessageTemplates {
  /** By template, by channel. */
  readonly #fields: readonly (readonly (readonly Field[] | null)[])[];
  readonly #liquid: Liquid = createLiquid(true);

  constructor(workspace: { readonly templates: readonly Template[] }) {
    this.#fields = workspace.templates.map(({ channels }) => channels.map((message) => message && fieldsOf(message)));
  }

  /** null: the template has no message for the channel, or rendering failed (a division by zero, a text beyond MESSAGE_LENGTH_MAX): count it. */
  render(template: number, channel: number, scope: MessageScope): Record<string, string> | null {
    const fields = this.#fields[template]?.[channel];
    if (!fields) return null;
    const message: Record<string, string> = {};
    let left = MESSAGE_LENGTH_MAX;
    try {
      for (const field of fields) {
        const text = this.#renderField(field, scope, left);
        left -= text.length;
        message[field.name] = text;
      }
    } catch {
      // Whatever a template does with whatever data is a data error, and no reason to stop the partition.
      return null;
    }
    return message;
  }

  #renderField(field: Field, scope: MessageScope, lengthMax: number): string {
    if (!hasLiquid(field.source)) {
      if (field.source.length > lengthMax) throw new RenderFault('the message is too long');
      return field.source;
    }
    field.nodes ??= this.#liquid.parse(field.source);
    return renderLiquid(this.#liquid, field.nodes, scope, lengthMax);
  }
}

function fieldsOf(message: Readonly<Record<string, string>>): Field[] {
  return Object.keys(message).map((name) => ({ name, source: message[name] as string, nodes: null }));
}

function hasLiquid(source: string): boolean {
  return source.includes('{{') || source.includes('{%');
}
