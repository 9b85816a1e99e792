/** What goes out: the shape that channel gateways read. */
export interface Decision {
  /** `<partition>-<number>`: the number is the decision's place in its partition's decision stream, 1, 2, 3 … without gaps. */
  readonly id: string;
  /** Log time at which it was decided, RFC 3339 in UTC with milliseconds. */
  readonly ts: string;
  /** null for an anonymous event. */
  readonly customer: string | null;
  readonly campaign: string;
  readonly variant: string | null;
  readonly offer: string | null;
  readonly channel: string;
  /** The rendered template for the channel; null where the campaign has none: the gateway goes by offer and campaign. */
  readonly message: Readonly<Record<string, string>> | null;
  readonly value: number;
  readonly expires: string | null;
  /** The event that triggered it. Of a schedule: type `$schedule`, and as id the due time. */
  readonly event: { readonly id: string | null; readonly type: string };
  /** Its placement on the channel; null where the channel has none. */
  readonly slot: string | null;
  /** Of a cascade: the decision on the channel before it. */
  readonly follows: string | null;
  /** Version of the workspace that decided. */
  readonly workspace: number;
}

/** A decision on its way out: what subscribers filter on, and its bytes, made once. */
export interface EncodedDecision {
  readonly number: number;
  readonly channel: string;
  readonly campaign: string;
  /** The Decision as JSON, UTF-8. */
  readonly json: Uint8Array;
}
