import { equal, match } from 'node:assert/strict';
import { test } from 'node:test';
import { type Fate, Ledger } from './ledger.ts';

const LETTERS: Readonly<Record<string, Fate>> = {
  A: 'acknowledged',
  R: 'refused',
  '?': 'open',
};

/** What became of writes 1, 2 …; which of them is read (0: nothing); what is wrong with that. */
const READS: readonly (readonly [fates: string, read: number, wrong: RegExp | undefined])[] = [
  ['', 0, undefined],
  ['A', 1, undefined],
  ['A', 0, /k is gone, write 1 was acknowledged/],
  ['AA', 1, /holds write 1, write 2 was acknowledged/],
  ['A?', 1, undefined],
  ['A?', 2, undefined],
  ['A?A', 2, /holds write 2, write 3 was acknowledged/],
  ['AR', 1, undefined],
  ['AR', 2, /holds write 2, of which was said that it is nowhere/],
  ['A', 2, /only 1 were begun/],
  ['?', 0, undefined],
  ['AAAAAAAAAA', 0, undefined],
  ['AAAAAAAAAA', 9, /holds write 9, write 10 was acknowledged/],
  ['AAAAAAAAA?', 0, undefined],
  ['AAAAAAAAA?', 9, undefined],
  ['AAAAAAAAAR', 0, /k is gone/],
  ['AAAAAAAAAAA', 0, /k is gone, write 11 was acknowledged/],
];

for (const [fates, read, wrong] of READS) {
  test(`after ${fates || 'nothing'}, write ${read} is read`, () => {
    const ledger = new Ledger();
    for (const letter of fates) ledger.settle(ledger.begin('k'), LETTERS[letter] as Fate);
    const value = read === 0 ? null : writtenBy(read);
    const verdict = ledger.wrong('k', ledger.floor('k'), value);
    if (wrong === undefined) equal(verdict, undefined);
    else match(verdict ?? 'nothing', wrong);
  });
}

test('bytes of another write or key are noticed', () => {
  const ledger = new Ledger();
  ledger.settle(ledger.begin('k'), 'acknowledged');
  const value = writtenBy(1);
  value[value.length - 1] = 0;
  for (const bytes of [value, value.subarray(1), Buffer.from('j 1 '), Buffer.alloc(0)]) {
    equal(ledger.wrong('k', 1, bytes), 'k holds bytes that nobody wrote');
  }
});

function writtenBy(number: number): Buffer {
  const ledger = new Ledger({ hasDeletes: false });
  let words: readonly string[] = [];
  for (let i = 0; i < number; i++) ({ words } = ledger.begin('k'));
  return Buffer.from(words[2] ?? '');
}
