// Which keys of a slot two sides have differently: one tells 24 bits of the digest of each, its
// print; the other answers with the places of the prints that it has no key for, and with the keys
// and versions that none of the prints stands for.
//
// A key may have another's print by chance: with 64 keys one in 2^18 that differ. Prints are mixed
// with a salt, so that it is another chance each time; and the sum of the other side's digests
// comes with the answer, 64 bits, so that whoever asked knows that he was told everything.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { EMPTY_OBJECT, isBehind, type ObjectVersion } from '../../causality/siblings.ts';
import type { Digest } from '../../storage/engine.ts';
import type { AnsweredPart, KeyVersion } from '../messages.ts';
import { mixed } from './key-digest.ts';

export const PRINT_BYTES = 3;

/** A key as one side has it. */
export interface DigestedKey extends KeyVersion {
  readonly hash: number;
  readonly digest: Digest;
}

/** A key that one side knows more of than the other, or each of them. */
export interface KeyDifference {
  readonly key: Buffer;
  readonly weLack: boolean;
  readonly theyLack: boolean;
}

/** In the order of the keys, three bytes each. */
export function printsOf(keys: readonly DigestedKey[], salt: number): Buffer {
  const prints = Buffer.allocUnsafe(keys.length * PRINT_BYTES);
  for (const [i, { digest }] of keys.entries()) {
    prints.writeUIntBE(printOf(digest, salt), i * PRINT_BYTES, PRINT_BYTES);
  }
  return prints;
}

/** What the other side is told about its prints. */
export function answerToPrints(
  prints: Buffer,
  salt: number,
  ours: readonly DigestedKey[],
): Omit<AnsweredPart, 'toHash'> {
  const theirs = new Set<number>();
  for (let at = 0; at < prints.length; at += PRINT_BYTES) {
    theirs.add(prints.readUIntBE(at, PRINT_BYTES));
  }
  const matched = new Set<number>();
  const keys: KeyVersion[] = [];
  for (const each of ours) {
    const print = printOf(each.digest, salt);
    if (theirs.has(print)) matched.add(print);
    else keys.push(each);
  }
  const places: number[] = [];
  for (let at = 0; at < prints.length; at += PRINT_BYTES) {
    if (!matched.has(prints.readUIntBE(at, PRINT_BYTES))) places.push(at / PRINT_BYTES);
  }
  return { places, keys, digest: sumOf(ours) };
}

export interface Answered {
  /** All that we have of the part that the answer is about, as it was told. */
  readonly ours: readonly DigestedKey[];
  readonly answer: Omit<AnsweredPart, 'toHash'>;
  readonly digestOf: (key: KeyVersion) => Digest;
  /** What a key is to us that we do not have. What it is to them, they know. */
  readonly absent: ObjectVersion;
}

export interface Differences {
  readonly found: readonly KeyDifference[];
  /** No: two keys have one print. Those that are missing are found with another salt. */
  readonly areAll: boolean;
}

export function differencesIn({ ours, answer, digestOf, absent }: Answered): Differences {
  const pairs = new Map<string, { mine?: DigestedKey | undefined; theirs?: KeyVersion }>();
  for (const place of answer.places) {
    const mine = ours[place];
    if (mine !== undefined) pairs.set(nameOf(mine), { mine });
  }
  const own = new Map(answer.keys.length === 0 ? [] : ours.map((each) => [nameOf(each), each]));
  for (const theirs of answer.keys) {
    pairs.set(nameOf(theirs), { mine: own.get(nameOf(theirs)), theirs });
  }
  let left = xor(sumOf(ours), answer.digest);
  const found: KeyDifference[] = [];
  for (const { mine, theirs } of pairs.values()) {
    if (mine !== undefined) left = xor(left, mine.digest);
    if (theirs !== undefined) left = xor(left, digestOf(theirs));
    const known = mine?.version ?? absent;
    const other = theirs?.version ?? EMPTY_OBJECT;
    const [weLack, theyLack] = [isBehind(known, other), isBehind(other, known)];
    const { key } = (mine ?? theirs) as KeyVersion;
    if (weLack || theyLack) found.push({ key, weLack, theyLack });
  }
  return { found, areAll: left.high === 0 && left.low === 0 };
}

function printOf({ high, low }: Digest, salt: number): number {
  return mixed(salt, high, low) >>> 8;
}

function sumOf(keys: readonly DigestedKey[]): Digest {
  return keys.reduce((sum, { digest }) => xor(sum, digest), { high: 0, low: 0 });
}

function xor(a: Digest, b: Digest): Digest {
  return { high: a.high ^ b.high, low: a.low ^ b.low };
}

function nameOf({ key }: KeyVersion): string {
  return key.toString('latin1');
}
