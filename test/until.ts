// Waiting for what real processes do in their own time, and saying what did not happen.

import { setTimeout as sleep } from 'node:timers/promises';

export interface Patience {
  /** Milliseconds between two questions; 50. */
  readonly everyMs?: number;
  /** Milliseconds until it gives up; a minute. */
  readonly msMax?: number;
}

/**
 * Asks again and again until there is an answer, and resolves to it. Rejects when patience ends,
 * and says that `what` did not happen.
 */
export async function until<T>(
  what: string,
  ask: () => T | false | undefined | Promise<T | false | undefined>,
  { everyMs = 50, msMax = 60_000 }: Patience = {},
): Promise<T> {
  const endMs = performance.now() + msMax;
  for (;;) {
    const answer = await ask();
    if (answer !== false && answer !== undefined) return answer;
    if (performance.now() >= endMs) throw new Error(`in ${msMax} ms not: ${what}`);
    await sleep(everyMs);
  }
}
