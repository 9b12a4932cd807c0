import { deepEqual, equal } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { crc32 } from '../../base/checksum.ts';
import type { KeyspaceNumber, Slot } from '../../base/ids.ts';
import { actorOf } from '../../causality/dot.ts';
import { EMPTY_OBJECT } from '../../causality/siblings.ts';
import type { KeyVersion } from '../messages.ts';
import { digestOf } from './key-digest.ts';
import { answerToPrints, type DigestedKey, differencesIn, printsOf } from './key-prints.ts';

const AT = { keyspace: 0 as KeyspaceNumber, slot: 0 as Slot };

function digest({ key, version }: KeyVersion) {
  return digestOf(7, { ...AT, key }, version.context);
}

/** A key of which a copy knows `counter` writes; none of it stands where that is 0. */
function known(n: number, counter: number): DigestedKey[] {
  if (counter === 0) return [];
  const key = Buffer.from(`key-${n}`);
  const dot = { actor: actorOf(1, 1), counter };
  const facts = { dot, time: 0 as never, expiresAt: 0, isTombstone: false };
  const version = { context: [dot], siblings: [facts] };
  return [{ key, version, hash: crc32(key), digest: digest({ key, version }) }];
}

function compared(ours: readonly DigestedKey[], theirs: readonly DigestedKey[], salt: number) {
  const answer = answerToPrints(printsOf(ours, salt), salt, theirs);
  return differencesIn({ ours, answer, digestOf: digest, absent: EMPTY_OBJECT });
}

test('what differs is found, and who lacks it', () => {
  const copies = fc.array(fc.tuple(fc.nat(2), fc.nat(2)), { maxLength: 80 });
  const check = fc.property(copies, fc.nat(2 ** 32 - 1), (copies, salt) => {
    const ours = copies.flatMap(([one], n) => known(n, one));
    const theirs = copies.flatMap(([, two], n) => known(n, two));
    const expected = copies.flatMap(([one, two], n) => {
      return one === two ? [] : [`key-${n} ${one < two} ${two < one}`];
    });
    const { found, areAll } = compared(ours, theirs, salt);
    const texts = found.map(({ key, weLack, theyLack }) => `${key} ${weLack} ${theyLack}`);
    deepEqual(texts.sort(), expected.sort());
    equal(areAll, true);
  });
  fc.assert(check);
});

test('two keys with one print are noticed, and told apart with another salt', () => {
  const byPrint = new Map<string, DigestedKey>();
  let pair: [DigestedKey, DigestedKey] | undefined;
  for (let n = 0; pair === undefined; n++) {
    const [key] = known(n, 1) as [DigestedKey];
    const print = printsOf([key], 1).toString('hex');
    const twin = byPrint.get(print);
    if (twin !== undefined) pair = [twin, key];
    byPrint.set(print, key);
  }
  const [mine, theirs] = pair;
  const counts = (...scene: Parameters<typeof compared>) => {
    const { found, areAll } = compared(...scene);
    return [found.length, areAll];
  };
  deepEqual(counts([mine], [theirs], 1), [0, false]);
  deepEqual(counts([mine], [theirs], 2), [2, true]);
  // What else differs is found all the same.
  deepEqual(counts([mine, ...known(-1, 1)], [theirs], 1), [1, false]);
  // Where one of them has changed, the print of the other stands for what it was.
  const [later] = known(Number(mine.key.toString().slice(4)), 2) as [DigestedKey];
  deepEqual(counts([mine, theirs], [later, theirs], 1), [1, true]);
});
