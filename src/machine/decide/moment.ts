import type { MomentExplainer } from '../trace/moment-explainer.ts';
import type { Tracer } from '../trace/tracer.ts';

/** For whom and when something is decided: what all steps of one round of decisions ask about. One object, reused. */
export class Moment {
  readonly #tracer: Tracer | null;
  /** The customer's row; the anonymous one. */
  row = 0;
  /** '' where an anonymous event is decided on. */
  customer = '';
  /** Log time. */
  now = 0;

  constructor(tracer: Tracer | null) {
    this.#tracer = tracer;
  }

  /** Who tells what is asked; null: nobody wants to know. */
  get explainer(): MomentExplainer | null {
    return this.#tracer === null ? null : this.#tracer.moment;
  }

  get known(): boolean {
    return this.customer !== '';
  }
}
