import { doesNotThrow, throws } from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '../base/errors.ts';
import { DEFAULT_KEYSPACE } from './keyspace.ts';
import { type ObjectSize, refuseGrowth } from './object-limits.ts';

const limits = { siblingsWarned: 2, siblingsMax: 3, objectBytesMax: 100 };
const keyspace = { ...DEFAULT_KEYSPACE, limits };

const CASES: readonly (readonly [
  what: string,
  before: ObjectSize,
  after: ObjectSize,
  code?: 'TOO_MANY_SIBLINGS' | 'VALUE_TOO_LARGE',
])[] = [
  ['up to the limit', { siblings: 2, bytes: 90 }, { siblings: 3, bytes: 100 }],
  ['one more', { siblings: 3, bytes: 9 }, { siblings: 4, bytes: 12 }, 'TOO_MANY_SIBLINGS'],
  ['a byte more', { siblings: 1, bytes: 100 }, { siblings: 1, bytes: 101 }, 'VALUE_TOO_LARGE'],
  [
    'far beyond by merges: not more yet',
    { siblings: 9, bytes: 900 },
    { siblings: 10, bytes: 990 },
    'TOO_MANY_SIBLINGS',
  ],
  ['far beyond by merges: one for one', { siblings: 9, bytes: 900 }, { siblings: 9, bytes: 900 }],
  [
    'far beyond by merges: resolved in part',
    { siblings: 9, bytes: 900 },
    { siblings: 5, bytes: 500 },
  ],
];

for (const [what, before, after, code] of CASES) {
  test(`${what}: ${code ?? 'taken'}`, () => {
    const attempt = () => refuseGrowth(keyspace, before, after);
    if (code === undefined) doesNotThrow(attempt);
    else throws(attempt, (error) => hasCode(error, code));
  });
}
