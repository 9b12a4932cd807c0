import { deepEqual, equal, rejects } from 'node:assert/strict';
import { test } from 'node:test';
import { SimRandom } from '../../../sim/sim-random.ts';
import { type TableEntry, VALUE } from '../table-entry.ts';
import { type EntryBlocks, MergeCursor } from './merge-cursor.ts';

/** `a3 b4`: entries by key and sequence; `|` ends a block, `~` one that comes as a promise. */
function source(drawing: string): EntryBlocks {
  const blocks = drawing.split(/(?<=[|~])/).filter((block) => block.trim() !== '');
  let next = 0;
  return {
    nextBlock() {
      const block = blocks[next++];
      if (block === undefined) return undefined;
      const entries = (block.match(/[a-z]+\d+/g) ?? []).map(entry);
      return block.endsWith('~') ? Promise.resolve(entries) : entries;
    },
  };
}

function entry(text: string): TableEntry {
  const [, key = '', sequence = ''] = /([a-z]+)(\d+)/.exec(text) ?? [];
  const value = Buffer.from(text);
  return { key: Buffer.from(`\0\0\0${key}`), kind: VALUE, sequence: Number(sequence), value };
}

async function all(cursor: EntryBlocks): Promise<TableEntry[]> {
  const entries: TableEntry[] = [];
  for (;;) {
    const block = await cursor.nextBlock();
    if (block === undefined) return entries;
    entries.push(...block);
  }
}

const CASES: readonly (readonly [readonly string[], string])[] = [
  [[], ''],
  [[''], ''],
  [['a1 b1 c1'], 'a1 b1 c1'],
  [['a1 c1', 'b1 d1'], 'a1 b1 c1 d1'],
  [['a1 b1', 'a2 b0'], 'a2 b1'],
  [['a1| b1| c1|', 'b2~ c0| d1~', ''], 'a1 b2 c1 d1'],
  [['a1|', 'a3|', 'a2|'], 'a3'],
  [['aaaaaaaaa1 aaaaaaaab1', 'aaaaaaaa1 aaaaaaaab2'], 'aaaaaaaa1 aaaaaaaaa1 aaaaaaaab2'],
  [['a9~', 'a1~ b1~', 'a5~ c1~'], 'a9 b1 c1'],
];

for (const [sources, merged] of CASES) {
  test(`[${sources.join('], [')}] gives [${merged}]`, async () => {
    const entries = await all(new MergeCursor(sources.map(source)));
    equal(entries.map(({ value }) => value.toString()).join(' '), merged);
  });
}

test('what is in memory comes at once', () => {
  const cursor = new MergeCursor([source('a1 b1|'), source('a2|')]);
  let count = 0;
  for (let block = cursor.nextBlock(); block !== undefined; block = cursor.nextBlock()) {
    count += (block as TableEntry[]).length;
  }
  equal(count, 2);
  equal(cursor.dropped, 1);
});

test('a source that fails fails the merge', async () => {
  const failing = { nextBlock: () => Promise.reject(new Error('unreadable')) };
  await rejects(all(new MergeCursor([source('a1'), failing])), /unreadable/);
});

test('random sources, against a map', async () => {
  for (let seed = 0; seed < 30; seed++) {
    const random = new SimRandom(seed);
    const newest = new Map<string, number>();
    const sources = Array.from({ length: random.between(1, 9) }, (_, n) => {
      const keys = new Set(Array.from({ length: 300 }, () => keyOf(random.between(0, 500))));
      const marks = [...keys].sort().map((key) => {
        const sequence = n + 10 * random.between(0, 1000);
        newest.set(key, Math.max(sequence, newest.get(key) ?? 0));
        return `${key}${sequence}${random.pick(['', '', '', '|', '~'])} `;
      });
      return source(marks.join(''));
    });
    const entries = await all(new MergeCursor(sources));
    const got = entries.map(({ key, sequence }) => [key.toString().slice(3), sequence]);
    deepEqual(
      got,
      [...newest].sort(([a], [b]) => (a < b ? -1 : 1)),
      `seed ${seed}`,
    );
  }
});

function keyOf(number: number): string {
  return [...String(number)].map((digit) => 'abcdefghij'[Number(digit)]).join('');
}
