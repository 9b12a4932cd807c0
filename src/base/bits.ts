// Sets of small numbers as the bits of an integer.
//
// Pure: no clock, no disk, no network; dice are an argument.

/** How many of the 32 bits of `bits` are set; Warren: "Hacker's Delight" (2nd ed., 2012), 5-1. */
export function bitCount(bits: number): number {
  let x = bits - ((bits >>> 1) & 0x5555_5555);
  x = (x & 0x3333_3333) + ((x >>> 2) & 0x3333_3333);
  return Math.imul((x + (x >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}
