/**
 * One YAML file: its plain data, and for every key and value of it the place in the text.
 *
 * Accepted is the part of YAML 1.2 that configuration needs: mappings with scalar keys, sequences, scalars. Anchors, aliases, tags and several documents are
 * refused by name: they make positions ambiguous, and an alias of aliases can blow a kilobyte up to gigabytes. Keys become strings as they are written.
 */
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  parseDocument,
  type Scalar,
} from 'yaml';
import { YAML_DEPTH_MAX } from '../constants.ts';
import { FILE_START, type IssueList, type Mark } from './issue-list.ts';
import { scalarOffset } from './scalar-offset.ts';

/** Keys and indices from the root of a file. */
export type YamlPath = readonly (string | number)[];

/** Where one value stands. Offsets are UTF-16 units into the text. */
interface Place {
  /** Of the key; for an entry of a sequence, of the entry. */
  readonly keyOffset: number;
  readonly valueOffset: number;
  readonly scalar: Scalar | null;
  readonly children: ReadonlyMap<string | number, Place>;
}

const TOO_DEEP = `nested too deeply: at most ${YAML_DEPTH_MAX} levels`;
const NO_CHILDREN: ReadonlyMap<string | number, Place> = new Map();

type Node = {
  readonly anchor?: string | undefined;
  readonly tag?: string | undefined;
  readonly range?: readonly [number, number, number] | null;
};

export class YamlFile {
  readonly name: string;
  /** Null-prototype objects, arrays, strings, numbers, booleans and null. An empty file is null. */
  readonly data: unknown;
  readonly #root: Place;
  readonly #text: string;
  readonly #lines: LineCounter;

  private constructor(name: string, text: string, lines: LineCounter, root: Place, data: unknown) {
    this.name = name;
    this.#text = text;
    this.#lines = lines;
    this.#root = root;
    this.data = data;
  }

  /** null where the text is not YAML as accepted here: then the reasons are in `issues`. */
  static parse(name: string, source: string, issues: IssueList): YamlFile | null {
    // A byte order mark is no column.
    const text = source.replace(/^\ufeff/, '');
    const lines = new LineCounter();
    const document = parseText(text, lines);
    if (document === null) {
      issues.report(name, FILE_START, TOO_DEEP);
      return null;
    }
    const [error] = document.errors.toSorted((a, b) => a.pos[0] - b.pos[0]);
    if (error !== undefined) {
      // One syntax error makes many: those after the first are mostly its consequences.
      const fault = syntaxMessage(error.code, error.message);
      issues.report(name, fault === TOO_DEEP ? FILE_START : markOf(text, lines, error.pos[0]), fault);
      return null;
    }
    const reader = new Reader(name, text, lines, issues);
    const offset = document.contents?.range?.[0] ?? 0;
    const read = reader.read(document.contents, offset, 0);
    return reader.faults === 0 ? new YamlFile(name, text, lines, read.place, read.data) : null;
  }

  /** The key at the end of the path, or the entry of a sequence; as far as the path exists. */
  keyMark(path: YamlPath): Mark {
    return this.#mark(this.#find(path).keyOffset);
  }

  /** The value at the end of the path; as far as the path exists. */
  valueMark(path: YamlPath): Mark {
    return this.#mark(this.#find(path).valueOffset);
  }

  has(path: YamlPath): boolean {
    let place: Place | undefined = this.#root;
    for (const step of path) place = place?.children.get(step);
    return place !== undefined;
  }

  /** Keys of a mapping in the file's order (an object of JavaScript would put `10` before `9` and both before `a`). */
  keys(path: YamlPath): string[] {
    return this.has(path) ? [...this.#find(path).children.keys()].map(String) : [];
  }

  /** A place within a text value: `offset` in UTF-16 units of the value, not of its source (which may be quoted, folded or indented). */
  textMark(path: YamlPath, offset: number): Mark {
    const place = this.#find(path);
    return this.#mark((place.scalar && scalarOffset(place.scalar, this.#text, offset)) ?? place.valueOffset);
  }

  /** The same for a 1-based line and column (in code points) of the value. */
  textLineMark(path: YamlPath, line: number, column: number): Mark {
    const value = this.#find(path).scalar?.value;
    if (typeof value !== 'string') return this.valueMark(path);
    let offset = 0;
    for (let i = 1; i < line; i++) offset = value.indexOf('\n', offset) + 1;
    for (let i = 1; i < column && offset < value.length; i++)
      offset += (value.codePointAt(offset) as number) > 0xffff ? 2 : 1;
    return this.textMark(path, offset);
  }

  /** A scalar as it is written (`5.0` keeps its point), for values that are expressions. */
  scalarText(path: YamlPath): string {
    const scalar = this.#find(path).scalar;
    return typeof scalar?.value === 'string' ? scalar.value : (scalar?.source ?? '');
  }

  #find(path: YamlPath): Place {
    let place = this.#root;
    for (const step of path) {
      const child = place.children.get(step);
      if (child === undefined) break;
      place = child;
    }
    return place;
  }

  #mark(offset: number): Mark {
    return markOf(this.#text, this.#lines, offset);
  }
}

/** null where the library's recursion runs out of stack. */
function parseText(text: string, lines: LineCounter): Document.Parsed | null {
  try {
    return parseDocument(text, { lineCounter: lines, uniqueKeys: false, prettyErrors: false, logLevel: 'error' });
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function markOf(text: string, lines: LineCounter, offset: number): Mark {
  const { line, col } = lines.linePos(Math.min(offset, text.length));
  if (line === 0) return FILE_START;
  const start = lines.lineStarts[line - 1] ?? 0;
  return {
    line,
    column: line === 1 && col === 0 ? 1 : [...text.slice(start, Math.min(offset, text.length))].length + 1,
  };
}

/** Turns the library's tree into plain data and places. */
class Reader {
  readonly #name: string;
  readonly #text: string;
  readonly #lines: LineCounter;
  readonly #issues: IssueList;
  faults = 0;

  constructor(name: string, text: string, lines: LineCounter, issues: IssueList) {
    this.#name = name;
    this.#text = text;
    this.#lines = lines;
    this.#issues = issues;
  }

  read(node: unknown, keyOffset: number, depth: number): { data: unknown; place: Place } {
    const { anchor, tag, range } = (node ?? {}) as Node;
    const valueOffset = range?.[0] ?? keyOffset;
    if (isScalar(node) && anchor === undefined && tag === undefined)
      return { data: node.value, place: { keyOffset, valueOffset, scalar: node, children: NO_CHILDREN } };
    const children = new Map<string | number, Place>();
    const place: Place = { keyOffset, valueOffset, scalar: null, children };
    if (isAlias(node))
      this.#report(valueOffset, `aliases (\`*${(node as Alias).source}\`) are not supported: write the value out`);
    else if (anchor !== undefined)
      this.#report(valueOffset, `anchors (\`&${anchor}\`) are not supported: write the value out where it is needed`);
    else if (tag !== undefined)
      this.#report(valueOffset, `tags (\`${tag.replace('tag:yaml.org,2002:', '!!')}\`) are not supported`);
    else if (depth > YAML_DEPTH_MAX) this.#report(valueOffset, TOO_DEEP);
    else if (isSeq(node)) {
      const data = node.items.map((item, i) => {
        const child = this.read(item, (item as Node).range?.[0] ?? valueOffset, depth + 1);
        children.set(i, child.place);
        return child.data;
      });
      return { data, place };
    } else if (isMap(node)) {
      const data: Record<string, unknown> = Object.create(null);
      for (const pair of node.items) this.#readPair(pair as Pair<unknown, unknown>, data, valueOffset, children, depth);
      return { data, place };
    }
    return { data: null, place };
  }

  #readPair(
    pair: Pair<unknown, unknown>,
    data: Record<string, unknown>,
    offset: number,
    children: Map<string | number, Place>,
    depth: number,
  ): void {
    const keyOffset = (pair.key as Node | null)?.range?.[0] ?? offset;
    const key = this.#keyText(pair.key, keyOffset);
    if (key === null) return;
    const before = children.get(key);
    if (before !== undefined) {
      this.#report(
        keyOffset,
        `\`${key}\` is given twice; first on line ${markOf(this.#text, this.#lines, before.keyOffset).line}`,
      );
      return;
    }
    const child = this.read(pair.value, keyOffset, depth + 1);
    children.set(key, child.place);
    data[key] = child.data;
  }

  #keyText(key: unknown, offset: number): string | null {
    const { anchor, tag } = (key ?? {}) as Node;
    if (!isScalar(key) || anchor !== undefined || tag !== undefined) {
      this.#report(offset, 'a key must be a plain name');
      return null;
    }
    const text = typeof key.value === 'string' ? key.value : (key.source ?? String(key.value));
    if (text !== '__proto__') return text;
    this.#report(offset, '`__proto__` cannot be a name');
    return null;
  }

  #report(offset: number, message: string): void {
    this.faults++;
    this.#issues.report(this.#name, markOf(this.#text, this.#lines, offset), message);
  }
}

/** The errors that people make, in words that name the remedy; the rest as the library says it. */
const SYNTAX_MESSAGES: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'a tab cannot indent in YAML: use spaces',
  BLOCK_AS_IMPLICIT_KEY: 'a second `: ` on the line: put a text that contains `: ` into quotes',
  MULTILINE_IMPLICIT_KEY: 'a key must be on one line, followed by `:`',
  MULTIPLE_DOCS: 'several documents (`---`) in one file are not supported',
  BAD_SCALAR_START: 'a text that starts with this character must be in quotes',
};

function syntaxMessage(code: string, message: string): string {
  if (/call stack/i.test(message)) return TOO_DEEP;
  if (/^missing closing ["']quote$/i.test(message)) return 'a quote is opened and never closed';
  return SYNTAX_MESSAGES[code] ?? `not valid YAML: ${message.charAt(0).toLowerCase()}${message.slice(1)}`;
}
