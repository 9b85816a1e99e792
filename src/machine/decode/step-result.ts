/** What the batch decoders' steps return instead of the position behind what they read. Both are negative. */

/** Nothing that the fast way reads: the event is left to the thorough decoder. */
export const BLOCKED = -1;
/** The event needs the first place of a batch: see BATCH_LIST_LENGTH_MAX. */
export const LATER = -2;
