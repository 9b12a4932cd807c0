// Many operations one after the other, as a busy program makes them: some promises under way at a
// time, and a turn of the event loop now and then, so that stalls can be seen.

const TURN_EVERY = 256;

export interface Flight {
  readonly count: number;
  /** Promises under way at most. */
  readonly most: number;
  /** It ends early at this time of performance.now(). */
  readonly untilMs?: number;
  /** Told now and then how many were begun. */
  readonly onTurn?: (done: number) => void;
}

/** Calls `act` for 0, 1, 2 … and resolves with how often, when all of it is done. */
export async function inFlight(
  { count, most, untilMs = Number.POSITIVE_INFINITY, onTurn }: Flight,
  act: (n: number) => Promise<unknown> | undefined,
): Promise<number> {
  let underWay: Promise<unknown>[] = [];
  let n = 0;
  for (; n < count; n++) {
    if (n % TURN_EVERY === 0) {
      onTurn?.(n);
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (performance.now() > untilMs) break;
    }
    const promise = act(n);
    if (promise !== undefined) underWay.push(promise);
    if (underWay.length < most) continue;
    await Promise.all(underWay);
    underWay = [];
  }
  await Promise.all(underWay);
  return n;
}
