/** What is asked of an audience, and what is told about it. */

/**
 * ndjson: one object per line, values as they are. csv: RFC 4180; texts that a spreadsheet would take for a formula get an apostrophe in front. csv-raw: without that.
 */
export const AUDIENCE_FORMATS = ['ndjson', 'csv', 'csv-raw'] as const;
export type AudienceFormat = (typeof AUDIENCE_FORMATS)[number];

export interface AudienceRequest {
  /** CEL over the profile. */
  readonly where: string;
  /** Names of attributes and aggregates, and of segments as `segment.vip`: what is told of a member beside the id. */
  readonly fields: readonly string[];
  readonly sample: AudienceSample | null;
  readonly format: AudienceFormat;
}

/**
 * Who is in a sample does not depend on when or where it is drawn: a customer's place is fmix32(fnv1a32(utf8(salt + ":" + customer))), as for holdouts.
 * share: customers whose place / 2^32 is below it. count: the customers with the lowest places.
 */
export interface AudienceSample {
  readonly salt: string;
  readonly share: number | null;
  readonly count: number | null;
}

export interface AudienceCount {
  readonly count: number;
  /** Customers that were looked at. */
  readonly customers: number;
  readonly ms: number;
  /**
   * Every event that was acknowledged before the request is counted in, and no window was read at a log time before this one: the least of the partitions'
   * when the scan began. A customer who changes meanwhile is seen before or after a change. null: there is no customer.
   */
  readonly asOf: string | null;
}

/** The members of an audience, to be read once. */
export interface Audience extends AudienceCount {
  /** How many `rows` will give: `count`, or what the sample left of it. */
  readonly members: number;
  /** The members in the request's format, whole rows; at most `limit` of them. Throws where a field goes away meanwhile. Values are those of the time of reading. */
  read(limit: number): AsyncGenerator<Uint8Array, void, undefined>;
  /** Must be called once nothing more is read. */
  close(): void;
}
