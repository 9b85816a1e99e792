/** The events that the demo sends: what `POST /v1/events` takes, one per line of NDJSON. */

export interface ReceiptItem {
  readonly sku: string;
  readonly name: string;
  readonly qty: number;
  /** Pounds for one. */
  readonly price: number;
}

export interface DemoEvent {
  readonly id: string;
  readonly type: string;
  /** RFC 3339, UTC. */
  readonly ts: string;
  readonly customer?: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** `2010-12-01T08:26:00Z`: whole seconds are all that the receipts have. */
export function formatTime(epochMs: number): string {
  return new Date(epochMs).toISOString().replace('.000Z', 'Z');
}
