/** For whom and when something is decided: what all steps of one round of decisions ask about. One object, reused. */
export class Moment {
  /** The customer's row; the anonymous one. */
  row = 0;
  /** '' where an anonymous event is decided on. */
  customer = '';
  /** Log time. */
  now = 0;

  get known(): boolean {
    return this.customer !== '';
  }
}
