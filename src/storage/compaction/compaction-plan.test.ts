import { equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import { SimRandom } from '../../../sim/sim-random.ts';
import type { TableInfo } from '../table-info.ts';
import { type CompactionPlan, type PlanOptions, planCompaction } from './compaction-plan.ts';
import { keyAt, placeOf } from './key-region.ts';

/** Tables of 10, fan-out 4, last level 5; a letter is a table, a column an eighth of the slots. */
const OPTIONS: PlanOptions = { fanOut: 4, tableBytesTarget: 10, lastLevel: 5 };
const EIGHTH = 16_384 / 8;

/**
 * `0 aaaaaaaa` is a table of level 0 over all slots. Each has 10 bytes unless `bytes` says more.
 */
function drawn(drawing: string, bytes: Readonly<Record<string, number>> = {}): TableInfo[] {
  const tables: TableInfo[] = [];
  for (const line of drawing.trim().split('\n')) {
    const [level, row = ''] = line.trim().split(' ');
    for (const name of new Set(row.replaceAll('.', ''))) {
      const first = row.indexOf(name) * EIGHTH;
      const last = (row.lastIndexOf(name) + 1) * EIGHTH - 1;
      tables.push({
        number: name.charCodeAt(0),
        level: Number(level),
        bytes: bytes[name] ?? 10,
        entries: 1,
        firstKey: keyAt(first),
        lastKey: keyAt(last),
        sequenceMin: 0,
        sequenceMax: 0,
      });
    }
  }
  return tables;
}

function bytesOfEach(names: string, bytes: number): Record<string, number> {
  return Object.fromEntries([...names].map((name) => [name, bytes]));
}

function inputsOf(plan: CompactionPlan | undefined): string {
  const names = plan?.inputs.map(({ number }) => String.fromCharCode(number)) ?? [];
  return names.sort().join('');
}

/** `level:column` of each output. */
function outputsOf(plan: CompactionPlan | undefined): string {
  const outputs = plan?.outputs.map(({ from, level }) => `${level}:${placeOf(from) / EIGHTH}`);
  return outputs?.join(' ') ?? '';
}

interface Case {
  readonly name: string;
  readonly levels: string;
  readonly bytes?: Readonly<Record<string, number>>;
  readonly kind: CompactionPlan['kind'] | 'nothing';
  readonly inputs?: string;
  readonly outputs?: string;
}

const CASES: readonly Case[] = [
  { name: 'one flushed table may stay', levels: '0 aaaaaaaa', kind: 'nothing' },
  {
    name: 'two make the last level',
    levels: `0 aaaaaaaa
             0 bbbbbbbb`,
    kind: 'bottom',
    inputs: 'ab',
    outputs: '5:0 5:4',
  },
  {
    name: 'little above much may stay',
    levels: `0 aaaaaaaa
             5 ABCDEFGH`,
    kind: 'nothing',
  },
  {
    name: 'four flushed tables become a run, cut like the data below, just above it',
    levels: `0 aaaaaaaa
             0 bbbbbbbb
             0 cccccccc
             0 dddddddd
             5 ABCDEFGH`,
    bytes: bytesOfEach('ABCDEFGH', 30),
    kind: 'flushed',
    inputs: 'abcd',
    outputs: '4:0 4:2 4:4 4:6',
  },
  {
    name: 'a run over another one stands a level higher, elsewhere as deep as it can',
    levels: `0 aaaaaaaa
             0 bbbbbbbb
             0 cccccccc
             0 dddddddd
             4 ..xx....
             5 ABCDEFGH`,
    bytes: bytesOfEach('ABCDEFGH', 30),
    kind: 'flushed',
    inputs: 'abcd',
    outputs: '4:0 3:2 4:4 4:6',
  },
  {
    name: 'four like runs over a region become one there, and only there',
    levels: `1 aabbccdd
             2 eeffgghh
             3 iijjkkll
             4 mm......
             5 ABCDEFGH`,
    bytes: bytesOfEach('ABCDEFGH', 70),
    kind: 'tier',
    inputs: 'aeim',
    outputs: '4:0 4:0.5 4:1 4:1.5',
  },
  {
    name: 'a quarter is above: where most of it lies over least, it sinks',
    levels: `3 aabb....
             4 ccddeeff
             5 ABCDEFGH`,
    bytes: { c: 30 },
    kind: 'bottom',
    inputs: 'ABac',
    outputs: '5:0 5:0.5 5:1 5:1.5',
  },
  {
    name: 'what lies above a step and reaches beyond it stays above',
    levels: `3 aaaabbbb
             4 ccddeeff
             5 ABCDEFGH`,
    bytes: { ...bytesOfEach('ABCDEFGH', 30), c: 40 },
    kind: 'bottom',
    inputs: 'ABc',
    outputs: '5:0 5:0.25 5:0.5 5:0.75 5:1 5:1.25 5:1.5 5:1.75',
  },
];

for (const { name, levels, bytes, kind, inputs = '', outputs = '' } of CASES) {
  test(name, () => {
    const plan = planCompaction(drawn(levels, bytes), OPTIONS);
    equal(plan?.kind ?? 'nothing', kind);
    equal(inputsOf(plan), inputs);
    equal(outputsOf(plan), outputs);
  });
}

test('when levels run out, everything above the last one becomes one run', () => {
  const levels = `0 aaaaaaaa
                  0 bbbbbbbb
                  0 cccccccc
                  0 dddddddd
                  1 eeeeeeee
                  5 ABCDEFGH`;
  const bytes = bytesOfEach('ABCDEFGH', 70);
  const plan = planCompaction(drawn(levels, bytes), OPTIONS);
  equal(inputsOf(plan), 'abcde');
  ok(plan?.outputs.every(({ level }) => level === 4));
});

/** A store of entries of one byte: what the planner says is done, key by key. */
class Model {
  readonly #options: PlanOptions;
  readonly #tables = new Map<number, { info: TableInfo; entries: Map<number, number> }>();
  #number = 1;
  #sequence = 1;
  bytesFlushed = 0;
  bytesWritten = 0;
  stepBytesMax = 0;

  constructor(options: PlanOptions) {
    this.#options = options;
  }

  get infos(): TableInfo[] {
    return [...this.#tables.values()].map(({ info }) => info);
  }

  get bytes(): number {
    return this.infos.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  flush(places: ReadonlySet<number>): void {
    const entries = new Map<number, number>();
    for (const place of places) entries.set(place, this.#sequence++);
    this.#add(entries, 0);
    this.bytesFlushed += entries.size;
  }

  /** False when there was nothing to do. */
  step(): boolean {
    const plan = planCompaction(this.infos, this.#options);
    if (plan === undefined) return false;
    const merged = new Map<number, number>();
    for (const { number } of plan.inputs) {
      const table = this.#tables.get(number);
      ok(table !== undefined && this.#tables.delete(number));
      for (const [place, sequence] of table.entries) {
        merged.set(place, Math.max(sequence, merged.get(place) ?? 0));
      }
    }
    const read = plan.inputs.reduce((sum, { bytes }) => sum + bytes, 0);
    this.stepBytesMax = Math.max(this.stepBytesMax, read);
    const cuts = plan.outputs.map(({ from, level }) => ({ place: placeOf(from), level }));
    const parts = Map.groupBy(
      [...merged].sort(([a], [b]) => a - b),
      ([place]) => cuts.findLastIndex((each) => each.place <= place),
    );
    ok(parts.size <= plan.numbersCount);
    for (const [index, part] of parts) this.#add(new Map(part), cuts[index]?.level as number);
    this.bytesWritten += merged.size;
    return true;
  }

  /** Levels > 0 do not overlap, and for one key a lower level is newer. */
  check(): void {
    const newest = new Map<number, { level: number; sequence: number }>();
    const inOrder = [...this.#tables.values()].sort((a, b) => b.info.level - a.info.level);
    for (const { info, entries } of inOrder) {
      for (const [place, sequence] of entries) {
        const older = newest.get(place);
        ok(older === undefined || sequence > older.sequence, `${place} is newer at a lower level`);
        ok(older?.level !== info.level || info.level === 0, `level ${info.level} overlaps itself`);
        newest.set(place, { level: info.level, sequence });
      }
    }
  }

  /** Most tables over one key. */
  depth(): number {
    const starts = this.infos.map(({ firstKey }) => placeOf(firstKey));
    return Math.max(
      ...starts.map(
        (at) =>
          this.infos.filter((t) => placeOf(t.firstKey) <= at && at <= placeOf(t.lastKey)).length,
      ),
    );
  }

  #add(entries: Map<number, number>, level: number): void {
    const places = [...entries.keys()].sort((a, b) => a - b);
    const info: TableInfo = {
      number: this.#number++,
      level,
      bytes: entries.size,
      entries: entries.size,
      firstKey: keyAt(places[0] as number),
      lastKey: keyAt(places.at(-1) as number),
      sequenceMin: 0,
      sequenceMax: Math.max(...entries.values()),
    };
    this.#tables.set(info.number, { info, entries });
  }
}

interface Load {
  readonly name: string;
  /** Keys, each a place of its own, over one keyspace and a bit. */
  readonly keys: number;
  readonly flushes: number;
  /** Which key is written next, 0 <= key < keys. */
  readonly draw: (random: SimRandom, written: number) => number;
  /** In tables of full size. */
  readonly stepMax: number;
}

/** Flush 1, two or three tiers of 1, and at most 1 + fanOut for the last level; often less. */
const WRITE_AMPLIFICATION_MAX = 6;
const SPACE_AMPLIFICATION_MAX = 1.3;
/** Runs over one key: three tiers of three, the last level, and one more while one is merged. */
const DEPTH_MAX = 12;

const FLUSH = 128;
const LOADS: readonly Load[] = [
  {
    name: 'uniform overwrites of much',
    keys: 20_000,
    flushes: 900,
    draw: (random, written) => (written < 20_000 ? written : random.between(0, 19_999)),
    stepMax: 16,
  },
  {
    name: 'uniform overwrites of little',
    keys: 1_000,
    flushes: 400,
    draw: (random) => random.between(0, 999),
    stepMax: 16,
  },
  {
    name: 'a tenth of the slots gets nearly all writes',
    keys: 20_000,
    flushes: 700,
    draw: (random) => (random.chance(0.9) ? random.between(0, 1_999) : random.between(0, 19_999)),
    // Cuts are planned as if bytes lay evenly over a table; here they do not.
    stepMax: 40,
  },
];

for (const load of LOADS) {
  test(`${load.name}: amplification is bounded, and it comes to rest`, () => {
    const options: PlanOptions = { fanOut: 4, tableBytesTarget: FLUSH, lastLevel: 20 };
    const model = new Model(options);
    const random = new SimRandom(`load ${load.name}`);
    const live = new Set<number>();
    let written = 0;
    let depth = 0;
    for (let flush = 0; flush < load.flushes; flush++) {
      const places = new Set<number>();
      while (places.size < FLUSH) places.add(load.draw(random, written++));
      for (const place of places) live.add(place);
      model.flush(places);
      for (let steps = 0; model.step(); steps++) ok(steps < 200, 'it comes to rest');
      depth = Math.max(depth, model.depth());
      if (flush % 50 === 0) model.check();
    }
    model.check();
    const writeAmplification = 1 + model.bytesWritten / model.bytesFlushed;
    const space = model.bytes / live.size;
    const step = model.stepBytesMax / FLUSH;
    const figures = [writeAmplification, space, depth, step].map((figure) => figure.toFixed(2));
    const report = `write, space, depth, step: ${figures.join(', ')}`;
    ok(writeAmplification <= WRITE_AMPLIFICATION_MAX, report);
    ok(space <= SPACE_AMPLIFICATION_MAX, report);
    ok(depth <= DEPTH_MAX, report);
    ok(step <= load.stepMax, report);
  });
}

test('a lone table, and none, need nothing', () => {
  equal(planCompaction([], OPTIONS), undefined);
  equal(planCompaction(drawn('5 aaaaaaaa'), OPTIONS), undefined);
});
