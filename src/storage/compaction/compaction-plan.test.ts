import { deepEqual, equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import { SimRandom } from '../../../sim/sim-random.ts';
import type { KeyspaceNumber, Slot } from '../../base/ids.ts';
import { NO_DROPS } from '../drops/drop-map.ts';
import type { TableInfo } from '../table-info.ts';
import {
  type CompactionPlan,
  type PlanOptions,
  planCompaction,
  type TablesToPlan,
} from './compaction-plan.ts';
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
        removals: 0,
        values: [],
        firstKey: keyAt(first),
        lastKey: keyAt(last),
        sequenceMin: 0,
        sequenceMax: 0,
        droppedUpTo: 0,
      });
    }
  }
  return tables;
}

function bytesOfEach(names: string, bytes: number): Record<string, number> {
  return Object.fromEntries([...names].map((name) => [name, bytes]));
}

function planOf(sound: readonly TableInfo[], others: Partial<TablesToPlan> = {}) {
  return planCompaction({ sound, suspects: [], drops: NO_DROPS, ...others }, OPTIONS);
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
    const plan = planOf(drawn(levels, bytes));
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
  const plan = planOf(drawn(levels, bytes));
  equal(inputsOf(plan), 'abcde');
  ok(plan?.outputs.every(({ level }) => level === 4));
});

test('removals make the last step due as if they were as large as what they free', () => {
  const levels = `4 aaaaaaaa
                  5 ABCDEFGH`;
  const tables = (removals: number) =>
    drawn(levels, { a: 3 }).map((table) => {
      return table.level === 4 ? { ...table, removals } : { ...table, entries: 10 };
    });
  equal(planOf(tables(16)), undefined);
  equal(inputsOf(planOf(tables(17))), 'ABCDEFGHa');
});

test('a removal goes at the bottom, but not under a suspect', () => {
  const sound = drawn(
    `0 aaaaaaaa
     0 bbbbbbbb
     0 cccccccc
     0 dddddddd
     5 ..CDEF..`,
    bytesOfEach('CDEF', 60),
  );
  const bottoms = (suspects: readonly TableInfo[]) =>
    planOf(sound, { suspects })?.outputs.map(({ from, isBottom }) => {
      return isBottom ? placeOf(from) / EIGHTH : '-';
    });
  deepEqual(bottoms([]), [0, '-', '-', 6]);
  deepEqual(bottoms(drawn('3 ......s.')), [0, '-', '-', '-']);
  deepEqual(bottoms(drawn('5 s.......')), ['-', '-', '-', 6]);
});

/**
 * A store of entries of one byte: what the planner says is done, key by key. A negative sequence is
 * a removal.
 */
class Model {
  readonly #options: PlanOptions;
  readonly #truth = new Map<number, number>();
  /** Numbers of tables. */
  readonly #suspects = new Set<number>();
  #drops = NO_DROPS;
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

  flush(places: ReadonlySet<number>, isRemoved: (place: number) => boolean = () => false): void {
    const entries = new Map<number, number>();
    for (const place of places) {
      const sequence = this.#sequence++;
      entries.set(place, isRemoved(place) ? -sequence : sequence);
      this.#truth.set(place, entries.get(place) as number);
    }
    this.#add(entries, 0);
    this.bytesFlushed += entries.size;
  }

  /** False when there was nothing to do. */
  step(): boolean {
    const isSuspect = ({ number }: TableInfo) => this.#suspects.has(number);
    const sound = this.infos.filter((info) => !isSuspect(info));
    const suspects = this.infos.filter(isSuspect);
    const drops = this.#drops;
    const plan = planCompaction({ sound, suspects, drops }, this.#options);
    if (plan === undefined) return false;
    const merged = new Map<number, number>();
    for (const { number } of plan.inputs) {
      const table = this.#tables.get(number);
      ok(table !== undefined && this.#tables.delete(number));
      for (const [place, sequence] of table.entries) {
        const other = merged.get(place) ?? 0;
        merged.set(place, Math.abs(other) > Math.abs(sequence) ? other : sequence);
      }
    }
    const read = plan.inputs.reduce((sum, { bytes }) => sum + bytes, 0);
    this.stepBytesMax = Math.max(this.stepBytesMax, read);
    const cuts = plan.outputs.map((output) => ({ place: placeOf(output.from), ...output }));
    const cutOf = (place: number) => cuts.findLastIndex((each) => each.place <= place);
    const kept = [...merged].filter(([place, sequence]) => {
      if (drops.hides(keyAt(place), Math.abs(sequence))) return false;
      return sequence > 0 || !cuts[cutOf(place)]?.isBottom;
    });
    const parts = Map.groupBy(
      kept.sort(([a], [b]) => a - b),
      ([place]) => cutOf(place),
    );
    ok(parts.size <= plan.numbersCount);
    for (const [index, part] of parts) this.#add(new Map(part), cuts[index]?.level as number);
    this.bytesWritten += kept.length;
    this.#drops = drops.neededBy(this.infos);
    return true;
  }

  /** As the engine does: tables that are hidden as a whole go at once. */
  drop(from: number, to: number): void {
    const [fromSlot, toSlot] = [from as Slot, to as Slot];
    const keyspace = 0 as KeyspaceNumber;
    this.#drops = this.#drops.with([{ keyspace, fromSlot, toSlot, sequence: this.#sequence++ }]);
    for (let place = from; place <= to; place++) this.#truth.delete(place);
    for (const info of this.infos) {
      if (this.#drops.hidesTable(info)) this.#tables.delete(info.number);
    }
    this.#drops = this.#drops.neededBy(this.infos);
  }

  get hasDrops(): boolean {
    return !this.#drops.isEmpty;
  }

  setAside(number: number): void {
    this.#suspects.add(number);
  }

  /** Levels > 0 do not overlap, for one key a lower level is newer, and nothing is wrong. */
  check(): void {
    const newest = new Map<number, { level: number; sequence: number }>();
    const inOrder = [...this.#tables.values()].sort((a, b) => b.info.level - a.info.level);
    for (const { info, entries } of inOrder) {
      if (this.#suspects.has(info.number)) continue;
      for (const [place, sequence] of entries) {
        const { level, sequence: older = 0 } = newest.get(place) ?? {};
        ok(Math.abs(sequence) > Math.abs(older), `${place} is newer at a lower level`);
        ok(level !== info.level || info.level === 0, `level ${info.level} overlaps itself`);
        newest.set(place, { level: info.level, sequence });
      }
    }
    for (const number of this.#suspects) {
      for (const [place, sequence] of this.#tables.get(number)?.entries ?? []) {
        const found = newest.get(place)?.sequence ?? 0;
        if (Math.abs(sequence) > Math.abs(found)) newest.set(place, { level: -1, sequence });
      }
    }
    for (const place of new Set([...this.#truth.keys(), ...newest.keys()])) {
      const sequence = newest.get(place)?.sequence ?? 0;
      const found = this.#drops.hides(keyAt(place), Math.abs(sequence)) ? 0 : sequence;
      equal(Math.max(0, found), Math.max(0, this.#truth.get(place) ?? 0), `place ${place}`);
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
      removals: [...entries.values()].filter((sequence) => sequence < 0).length,
      values: [],
      firstKey: keyAt(places[0] as number),
      lastKey: keyAt(places.at(-1) as number),
      sequenceMin: 0,
      sequenceMax: Math.max(...[...entries.values()].map(Math.abs)),
      droppedUpTo: this.#sequence - 1,
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

test('removals undo nothing whatever is set aside, and little is left of what was removed', () => {
  for (let seed = 0; seed < 8; seed++) {
    const options: PlanOptions = { fanOut: 4, tableBytesTarget: FLUSH, lastLevel: 20 };
    const model = new Model(options);
    const random = new SimRandom(`removals ${seed}`);
    for (let flush = 0; flush < 200; flush++) {
      const places = new Set<number>();
      while (places.size < FLUSH) places.add(random.between(0, 2_999));
      const removedOf = flush < 150 ? 3 : 1;
      model.flush(places, () => random.between(1, removedOf) === 1);
      if (seed % 2 === 1 && random.chance(0.02)) model.setAside(random.pick(model.infos).number);
      while (model.step());
      if (flush % 10 === 0) model.check();
    }
    model.check();
    if (seed % 2 === 1) continue;
    model.flush(new Set(Array.from({ length: 3_000 }, (_, place) => place)), () => true);
    while (model.step());
    model.check();
    equal(model.bytes, 0, 'when all is removed, nothing is left');
  }
});

test('a table of which much was dropped is written again, of level 0 with all others', () => {
  const dropped = (columns: number) =>
    NO_DROPS.with([
      {
        keyspace: 0 as KeyspaceNumber,
        fromSlot: 0 as Slot,
        toSlot: (columns * EIGHTH - 1) as Slot,
        sequence: 9,
      },
    ]);
  const deep = drawn(`4 aaaabbbb
                      5 ABCDEFGH`);
  equal(planOf(deep, { drops: NO_DROPS })?.kind, 'bottom', 'without drops something else is due');
  const runs = drawn('5 AAAABBBB');
  equal(planOf(runs, { drops: dropped(0.9) }), undefined);
  const plan = planOf(runs, { drops: dropped(1) });
  equal(plan?.kind, 'dropped');
  equal(inputsOf(plan), 'A');
  const heeded = runs.map((info) => ({ ...info, droppedUpTo: 9 }));
  equal(
    planOf(heeded, { drops: dropped(3) }),
    undefined,
    'what was written since has nothing of it',
  );
  const flushed = drawn(
    `0 aaaaaaaa
     0 bbbbbbbb
     5 ABCDEFGH`,
    bytesOfEach('ABCDEFGH', 30),
  ).map((info) => (info.level === 0 ? info : { ...info, droppedUpTo: 9 }));
  equal(inputsOf(planOf(flushed, { drops: dropped(2) })), 'ab');
});

test('drops undo nothing whatever is set aside, and are forgotten', () => {
  for (let seed = 0; seed < 8; seed++) {
    const options: PlanOptions = { fanOut: 4, tableBytesTarget: FLUSH, lastLevel: 20 };
    const model = new Model(options);
    const random = new SimRandom(`drops ${seed}`);
    for (let flush = 0; flush < 200; flush++) {
      const places = new Set<number>();
      while (places.size < FLUSH) places.add(random.between(0, 2_999));
      model.flush(places, () => random.chance(0.2));
      if (random.chance(0.2)) {
        const from = random.between(0, 2_900);
        model.drop(from, from + random.pick([0, 10, 99]));
      }
      if (seed % 2 === 1 && random.chance(0.02)) model.setAside(random.pick(model.infos).number);
      while (model.step());
      if (flush % 10 === 0) model.check();
    }
    model.check();
    model.drop(0, 3_000);
    model.check();
    equal(model.bytes, 0, 'when all is dropped, nothing is left');
    ok(!model.hasDrops);
  }
});

test('a lone table, and none, need nothing', () => {
  equal(planOf([]), undefined);
  equal(planOf(drawn('5 aaaaaaaa')), undefined);
});
