/** Which strings of events anybody reads: the others are checked, but never made. Asked when a workspace is activated. */
export interface WantedText {
  /** By index of the event type and slot of the field. */
  field(event: number, slot: number): boolean;
  /** By index of the event type, list and column. */
  column(event: number, list: number, column: number): boolean;
}
