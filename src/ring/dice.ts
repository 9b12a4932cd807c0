// Dice for the planner: the same seed throws the same numbers on every machine, so that a plan
// can be checked by whoever receives it. (Steele and Vigna's mixing as in mulberry32.)
//
// Pure: no clock, no disk, no network; dice are an argument.

/** Whole numbers from 0 up to, but not including, `below`. */
export type Dice = (below: number) => number;

export function diceOf(seed: number): Dice {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}
