/** The run-time library as generated code sees it. */
import { dispatch, overloadById } from './functions.ts';
import * as numbers from './runtime-numbers.ts';
import * as ranges from './runtime-ranges.ts';
import * as text from './runtime-text.ts';
import * as time from './runtime-time.ts';
import * as values from './runtime-values.ts';

export const RUNTIME = Object.freeze({
  ...numbers,
  ...ranges,
  ...text,
  ...time,
  ...values,
  dispatch,
  overloads: overloadById,
});
