/** What a partition waits for on behalf of a customer: the kinds of entries in state.pending. */
export const PendingKind = {
  /** A campaign's own wait: A, then not B within a time. */
  wait: 1,
  /** The end of quiet hours. */
  quietHours: 2,
  /** Units of budgets and limits; it has no due time. */
  units: 3,
  /** Feedback, before the next channel of a cascade is tried. */
  cascade: 4,
  /** A goal, of somebody contacted or held out. Counted nowhere as waiting. */
  goal: 5,
  /** The expiry of a decision whose unused units return. Counted nowhere as waiting. */
  expiry: 6,
} as const;
export type PendingKind = (typeof PendingKind)[keyof typeof PendingKind];
