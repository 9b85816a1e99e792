/** Runs one HTTP load (http-generator.ts) in a thread of its own. */
import type { HttpLoad, HttpLoadResult } from './http-generator.ts';
import { nowUs } from './open-loop.ts';
import { Task } from './task.ts';

/** Between the word and the first request. */
const LEAD_US = 50_000;

export async function generate(load: HttpLoad): Promise<HttpLoadResult> {
  const task = await Task.start<{ readonly startUs: number }, HttpLoadResult>('http-generator', load);
  try {
    return await task.go({ startUs: nowUs() + LEAD_US });
  } finally {
    await task.end();
  }
}
