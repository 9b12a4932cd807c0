// Waiting for what real processes do in their own time, and saying what did not happen in a minute.

import { setTimeout as sleep } from 'node:timers/promises';

const WAIT_MS_MAX = 60_000;
const EVERY_MS = 50;

/**
 * Asks again and again until there is an answer, and resolves to it. Rejects after a minute, and
 * says that `what` did not happen.
 */
export async function until<T>(
  what: string,
  ask: () => T | false | undefined | Promise<T | false | undefined>,
  everyMs = EVERY_MS,
): Promise<T> {
  const endMs = performance.now() + WAIT_MS_MAX;
  for (;;) {
    const answer = await ask();
    if (answer !== false && answer !== undefined) return answer;
    if (performance.now() >= endMs) throw new Error(`in ${WAIT_MS_MAX} ms not: ${what}`);
    await sleep(everyMs);
  }
}
