// Hybrid time: close to the wall clock, yet greater than every time that its maker had seen. It
// orders writes that do not know of each other (conflict rule `latest`); it never overrules
// causality, which the dots alone decide.
//
// One safe integer: milliseconds since 1970 · 2048 + a count within the millisecond. 2^53 / 2048
// = 2^42 ms lasts until May 2109. More than 2048 events in one millisecond carry into the
// milliseconds: the clock then runs ahead of the wall by a fraction of a millisecond and waits.
//
// Two rules of the paper: `tick` for a write of our own, `observe` for a time that a peer sent.
// One rule of ours: a peer whose clock is broken cannot pull us further than MAX_AHEAD_MS from
// our own wall clock. A wall clock that was set back only stops the milliseconds.
//
// Source: Kulkarni, Demirbas, Madappa, Avva, Leone: "Logical Physical Clocks" (OPODIS 2014).
// Pure: no clock, no disk, no network; dice are an argument.

import { assert } from '../base/assert.ts';

export type HybridTime = number;

/**
 * A clock kept by NTP is off by milliseconds, a resumed virtual machine by seconds until it is
 * set right; a minute is neither, it is a fault. Following it further would stamp our own writes
 * with the fault, and each of them would then beat the writes of sane nodes for that long.
 */
export const MAX_AHEAD_MS = 60_000;

const EVENTS_PER_MS = 2048;
const MILLIS_MAX = 2 ** 42 - 1;

/** The time of a new event: greater than `previous`, and not before the wall clock. */
export function tick(previous: HybridTime, wallMs: number): HybridTime {
  return Math.max(previous + 1, fromMillis(wallMs));
}

/** Our clock after a message of time `remote` arrived: moved up to it, never back. */
export function observe(previous: HybridTime, remote: HybridTime, wallMs: number): HybridTime {
  return Math.max(previous, Math.min(remote, fromMillis(wallMs + MAX_AHEAD_MS)));
}

/** Milliseconds since 1970. */
export function millisOf(time: HybridTime): number {
  return Math.floor(time / EVENTS_PER_MS);
}

function fromMillis(wallMs: number): HybridTime {
  const millis = Math.floor(wallMs);
  assert(millis >= 0 && millis <= MILLIS_MAX, 'the wall clock is between 1970 and 2109');
  return millis * EVENTS_PER_MS;
}
