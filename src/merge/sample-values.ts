// Values on which the laws of a merge function are tried. Recorded ones are best, for nobody else
// knows what an application stores: they and small variations of them are then all there is.
// Without any, some of each of the shapes that people store, each shape by itself, because a
// function is not asked to merge a number with a list.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { canonicalJson, isRecord, parseJson } from './canonical-json.ts';
import type { MergeInput } from './merge-function.ts';

/** A whole number from 0 to 2^32 - 1. */
export type Dice = () => number;

/** Values that may meet. `varied`: recorded ones among others that are like them. */
export interface Family {
  readonly kind: 'recorded' | 'varied' | 'generated';
  readonly values: readonly MergeInput[];
}

const PER_FAMILY = 12;
/** All pairs of them are tried. */
const RECORDED_MAX = 60;
const VARIED_MAX = 30;
const WORDS = ['milk', 'eggs', 'bread', 'tea', 'salt', 'Öl', ''];
const FIELDS = ['a', 'b', 'name', 'count'];

/** Linear congruential: Press et al.: "Numerical Recipes" (3rd ed., 2007), section 7.1. */
export function diceFrom(seed: number): Dice {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    // The low bits of such a sequence hardly vary.
    return ((state >>> 16) | (state << 16)) >>> 0;
  };
}

/** `recorded`: values as they were stored. */
export function sampleFamilies(recorded: readonly Uint8Array[], dice: Dice): Family[] {
  if (recorded.length > 0) {
    return [
      { kind: 'recorded', values: timed(recorded.slice(0, RECORDED_MAX)) },
      { kind: 'varied', values: timed(withVariations(recorded, dice)) },
    ];
  }
  return SHAPES.map((shape) => {
    const values = timed(Array.from({ length: PER_FAMILY }, () => shape(dice)));
    return { kind: 'generated', values };
  });
}

/** Each written at another time, in no order that a function could rely on. */
function timed(values: readonly Uint8Array[]): MergeInput[] {
  return values.map((value, index) => ({ value, time: 1 + ((index * 7) % values.length) }));
}

const SHAPES: readonly ((dice: Dice) => Buffer)[] = [
  (dice) => json(recordOf(dice, scalar)),
  (dice) => json(recordOf(dice, count)),
  (dice) => json(recordOf(dice, () => listOf(dice, word))),
  (dice) => json({ items: listOf(dice, word), at: count(dice) }),
  (dice) => json(listOf(dice, word)),
  (dice) => json(listOf(dice, count)),
  (dice) => json(number(dice)),
  (dice) => json(word(dice)),
  (dice) => Buffer.from(listOf(dice, word).join(',')),
  (dice) => Buffer.from(listOf(dice, (each) => each() % 256)),
];

function json(value: unknown): Buffer {
  return Buffer.from(canonicalJson(value));
}

function word(dice: Dice): string {
  return WORDS[dice() % WORDS.length] as string;
}

/** Most numbers in objects and lists are prices, amounts or times: none is negative. */
function count(dice: Dice): number {
  return dice() % 3 === 0 ? (dice() % 2000) / 8 : dice() % 10;
}

function number(dice: Dice): number {
  return count(dice) - 100 * (dice() % 2);
}

function scalar(dice: Dice): unknown {
  return [word, count, () => dice() % 2 === 0][dice() % 3]?.(dice);
}

/** Up to four, none twice. */
function listOf<T>(dice: Dice, one: (dice: Dice) => T): T[] {
  return [...new Set(Array.from({ length: dice() % 5 }, () => one(dice)))];
}

function recordOf(dice: Dice, one: (dice: Dice) => unknown): Record<string, unknown> {
  const names = FIELDS.filter(() => dice() % 2 === 0);
  return Object.fromEntries(names.map((name) => [name, one(dice)]));
}

function withVariations(recorded: readonly Uint8Array[], dice: Dice): Uint8Array[] {
  const values = recorded.slice(0, VARIED_MAX / 2);
  for (let n = 0; values.length < VARIED_MAX && n < VARIED_MAX; n++) {
    const varied = variationOf(recorded[n % recorded.length] as Uint8Array, dice);
    if (varied !== undefined) values.push(varied);
  }
  return values;
}

/** The same shape with other content; undefined of what is no JSON. */
function variationOf(value: Uint8Array, dice: Dice): Uint8Array | undefined {
  try {
    return json(varied(parseJson(value), dice));
  } catch {
    return undefined;
  }
}

function varied(value: unknown, dice: Dice): unknown {
  if (typeof value === 'number') return value + (dice() % 3);
  if (typeof value === 'boolean') return dice() % 2 === 0;
  if (Array.isArray(value)) {
    const left = dice() % (value.length + 1);
    return value.filter((_, index) => index !== left).map((each) => varied(each, dice));
  }
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [name, varied(each, dice)]),
  );
}
