import { deepEqual, equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import { SimRandom } from '../../../sim/sim-random.ts';
import type { TableInfo } from '../table-info.ts';
import { keyAt } from './key-region.ts';
import { movesOf, planRelocation, type ValueFileInfo } from './relocation.ts';

/** `7: 30 8: 5` are uses of files 7 and 8. */
function table(number: number, uses: string, about: Partial<TableInfo> = {}): TableInfo {
  const values = [...uses.matchAll(/(\d+): (\d+)/g)].map(([, file, bytes]) => {
    return { file: Number(file), values: 1, bytes: Number(bytes) };
  });
  return {
    ...{ number, level: 5, bytes: 1, entries: 1, removals: 0, values },
    ...{ firstKey: keyAt(number), lastKey: keyAt(number), sequenceMin: 0, sequenceMax: 0 },
    droppedUpTo: 0,
    ...about,
  };
}

/** `7: 100` is file 7 of 100 bytes. */
function files(drawing: string): ValueFileInfo[] {
  return table(0, drawing).values.map(({ file, bytes }) => ({ number: file, bytes }));
}

interface Case {
  readonly name: string;
  readonly sound: readonly TableInfo[];
  readonly suspects?: readonly TableInfo[];
  readonly files: string;
  /** Files that are given up, and the table that is rewritten for it. */
  readonly expected: readonly [givenUp: string, rewritten: string] | undefined;
}

const CASES: readonly Case[] = [
  { name: 'no large values', sound: [table(1, '')], files: '', expected: undefined },
  {
    name: 'a little garbage may stay',
    sound: [table(1, '7: 60')],
    files: '7: 100',
    expected: undefined,
  },
  {
    name: 'a file of which less lives is given up',
    sound: [table(1, '7: 40')],
    files: '7: 100',
    expected: ['7', '1'],
  },
  {
    name: 'garbage is measured over all files',
    sound: [table(1, '7: 40 8: 100')],
    files: '7: 100 8: 100',
    expected: undefined,
  },
  {
    name: 'of many files, those of which the least lives, as far as there is room',
    sound: [table(1, '6: 10 7: 9 8: 30 9: 90')],
    files: '6: 100 7: 100 8: 100 9: 100',
    expected: ['7', '1'],
  },
  {
    name: 'the table that moves most for its size comes first',
    sound: [table(1, '7: 10', { bytes: 2 }), table(2, '7: 20', { bytes: 1 }), table(3, '')],
    files: '7: 100',
    expected: ['7', '2'],
  },
  {
    name: 'what costs more than it frees is left to compactions that pass by',
    sound: [table(1, '7: 10', { bytes: 81 })],
    files: '7: 100',
    expected: ['7', ''],
  },
  {
    name: 'what a suspect refers to stays',
    sound: [table(1, '7: 10')],
    suspects: [table(2, '7: 5')],
    files: '7: 100',
    expected: undefined,
  },
  {
    name: 'a file that cannot be read stays, whatever the others do',
    sound: [table(1, '7: 10 8: 10')],
    files: '8: 100',
    expected: ['8', '1'],
  },
  {
    name: 'a file that no table refers to any more is gone already',
    sound: [table(1, '8: 90')],
    files: '7: 100 8: 100',
    expected: undefined,
  },
];

for (const { name, sound, suspects = [], files: drawing, expected } of CASES) {
  test(`relocation: ${name}`, () => {
    const relocation = planRelocation(sound, suspects, files(drawing));
    const rewritten = relocation?.plan?.inputs.map(({ number }) => number).join(' ') ?? '';
    deepEqual(relocation && [[...relocation.files].join(' '), rewritten], expected);
  });
}

test('a table is rewritten where it stands', () => {
  const one = table(1, '7: 10', { level: 3 });
  const relocation = planRelocation([one], [], files('7: 100'));
  const { plan } = relocation ?? {};
  deepEqual(plan?.outputs, [{ from: one.firstKey, level: 3, isBottom: false }]);
  equal(plan?.numbersCount, 1);
});

test('the more garbage, the more urgent', () => {
  const urgencies = [40, 20, 5].map((live) => {
    return planRelocation([table(1, `7: ${live}`)], [], files('7: 100'))?.plan?.urgency ?? 0;
  });
  ok(
    urgencies.every((urgency, n) => urgency > (urgencies[n - 1] ?? 1)),
    urgencies.join(' '),
  );
});

test('there are numbers for all that moves', () => {
  const sound = [table(1, '7: 30 8: 50'), table(2, '7: 25')];
  const moves = movesOf(sound, new Set([7]), 10);
  deepEqual(moves, { from: [7], numbersCount: 7, fileBytesMax: 10 });
});

/** Values of 1 byte in files of `fileValues`, and a table that refers to what lives. */
class Model {
  readonly #random = new SimRandom('relocation');
  readonly #fileOf = new Map<number, number>();
  readonly #bytes = new Map<number, number>();
  #nextFile = 1;
  written = 0;
  moved = 0;

  write(fileValues: number, keyOf: (random: SimRandom) => number): void {
    const file = this.#nextFile++;
    const keys = new Set(Array.from({ length: fileValues }, () => keyOf(this.#random)));
    for (const key of keys) this.#fileOf.set(key, file);
    this.#bytes.set(file, keys.size);
    this.written += keys.size;
    while (this.#step());
  }

  get space(): number {
    return this.#files().reduce((sum, { bytes }) => sum + bytes, 0) / this.#fileOf.size;
  }

  #step(): boolean {
    const relocation = planRelocation([this.#table()], [], this.#files());
    if (relocation === undefined) return false;
    const into = this.#nextFile++;
    let moved = 0;
    for (const [key, file] of this.#fileOf) {
      if (!relocation.files.has(file)) continue;
      this.#fileOf.set(key, into);
      moved += 1;
    }
    this.#bytes.set(into, moved);
    this.moved += moved;
    return true;
  }

  #table(): TableInfo {
    const live = Map.groupBy(this.#fileOf.values(), (file) => file);
    const values = [...live].map(([file, all]) => ({ file, values: 1, bytes: all.length }));
    return table(1, '', { values });
  }

  /** Those that the table refers to: the others are gone. */
  #files(): ValueFileInfo[] {
    const live = new Set(this.#fileOf.values());
    return [...this.#bytes]
      .filter(([number]) => live.has(number))
      .map(([number, bytes]) => ({ number, bytes }));
  }
}

const KEYS = 2_000;
const LOADS = [
  {
    name: 'overwritten evenly',
    keyOf: (random: SimRandom) => random.between(0, KEYS - 1),
    ...{ movedMax: 0.6, spaceMax: 1.7 },
  },
  {
    name: 'a tenth overwritten nine times of ten',
    keyOf: (random: SimRandom) => random.between(0, random.chance(0.9) ? KEYS / 10 : KEYS - 1),
    ...{ movedMax: 0.6, spaceMax: 1.7 },
  },
  {
    name: 'a tenth overwritten always',
    keyOf: (random: SimRandom) => random.between(0, KEYS / 10),
    ...{ movedMax: 0.1, spaceMax: 1.7 },
  },
];

for (const { name, keyOf, movedMax, spaceMax } of LOADS) {
  test(`a model: ${name}`, () => {
    const model = new Model();
    let next = 0;
    for (let n = 0; n < 40; n++) model.write(KEYS / 40, () => next++);
    let most = 0;
    for (let n = 0; n < 600; n++) {
      model.write(KEYS / 40, keyOf);
      most = Math.max(most, model.space);
    }
    const moved = model.moved / model.written;
    ok(moved < movedMax && most < spaceMax, `${moved} moved a byte written, space ${most}`);
  });
}
