/**
 * An event that could not be taken, or not answered, though nothing is wrong with it: unlike a Rejection it is not to be mended but to be sent again. With the same
 * id that is always safe: a remembered one is counted once, and answered with its original decisions.
 */

const FAULTS = ['full', 'too_large', 'refused', 'timeout', 'closed', 'unavailable'] as const;

/**
 * full: too much is waiting; it was not stored. too_large: the servers let no message of that size through, neither the event nor the answer to it, until max_payload
 * is raised. refused: the log said no. timeout, closed: no answer, or no connection any more; it may be stored. unavailable: nobody can answer at the moment; it may
 * be stored.
 */
export type IngestFault = (typeof FAULTS)[number];

export class IngestError extends Error {
  override readonly name: string = 'IngestError';
  readonly fault: IngestFault;

  constructor(fault: IngestFault, message: string) {
    super(message);
    this.fault = fault;
  }
}

/** As it comes over a wire; what this version does not know is `unavailable`. */
export function ingestFaultOf(text: unknown): IngestFault {
  return FAULTS.find((fault) => fault === text) ?? 'unavailable';
}
