/** Where decisions are read from: a node's own files, or streams. */
import type { EncodedDecision } from './decision.ts';

/**
 * The decision streams of all partitions. Order law: a decision is announced only after the record that made it is durable, and each
 * partition's decisions are announced in the order of their numbers, each once. A number is left out only if its decision was removed before it could
 * be announced (streams from a server that was away): `first` is beyond it by then.
 */
export interface DecisionSource {
  /** Identity of the streams; a cursor made for another identity is refused. */
  readonly identity: string;
  /** Per partition: number of the oldest decision still kept, and the number that the next one will have. */
  positions(): { readonly first: readonly number[]; readonly next: readonly number[] };
  /** Live tail. The listener runs on the gateway's thread. Returns the way to stop. */
  subscribe(listener: (partition: number, decisions: readonly EncodedDecision[]) => void): () => void;
  /** Stored decisions of one partition from number `from` on (empty at the end), at most about `bytesMax`. */
  read(partition: number, from: number, bytesMax: number): Promise<readonly EncodedDecision[]>;
  /**
   * Where streams are shared by several nodes, a cursor may be ahead of what this one has announced. Whether the streams themselves go up to `next`;
   * waits until that is known.
   */
  reaches?(next: readonly number[]): Promise<boolean>;
}
