import { deepEqual, equal, notDeepEqual, ok } from 'node:assert/strict';
import { test } from 'node:test';
import { SimRandom } from '../../sim/sim-random.ts';
import { hasCode } from '../base/errors.ts';
import type { KeyspaceNumber, Slot } from '../base/ids.ts';
import type {
  Change,
  Engine,
  EngineKey,
  Entry,
  Growth,
  Reader,
  ScanPage,
  ScanRange,
  SlotRange,
  Snapshot,
  Written,
} from './engine.ts';
import type { EngineOptions } from './open-engine.ts';
import { at, EVERYTHING, TestServer } from './test-engine.ts';

/** So small that a few hundred writes go through every floor. */
const TINY: EngineOptions = {
  memtableBytesMax: 8 * 1024,
  segmentBytesMax: 16 * 1024,
  blockCacheBytes: 20 * 1024,
  batchBytesTarget: 2 * 1024,
  tableBytesTarget: 16 * 1024,
  largeValueBytes: 150,
  verifies: 'all',
};

const KEYSPACES = [0 as KeyspaceNumber, 3 as KeyspaceNumber];
const SLOTS = [0, 7, 500, 16_383];

/** What one sequence is given to. */
type Made = readonly Change[] | SlotRange;

interface Held {
  readonly value: string;
  readonly sequence: number;
}

interface Write {
  readonly sequence: number;
  readonly made: Made;
  readonly time: number;
}

/** What was written, in order: the state at any sequence can be made from it. */
class Model {
  readonly #writes: Write[] = [];
  readonly #now = new Map<string, Held>();

  write(write: Write): void {
    this.#writes.push(write);
    apply(this.#now, write.sequence, write.made);
  }

  /** A power cut left only the writes up to `sequence`. */
  cutAfter(sequence: number): void {
    while ((this.#writes.at(-1)?.sequence ?? 0) > sequence) this.#writes.pop();
    this.#now.clear();
    for (const { sequence, made } of this.#writes) apply(this.#now, sequence, made);
  }

  newestTime(): number {
    return this.#writes.reduce((newest, { time }) => Math.max(newest, time), 0);
  }

  /** Keys that live in a slot, by looking at all of them. */
  countOf(keyspace: KeyspaceNumber, slot: Slot): number {
    const range = { keyspace, fromSlot: slot, toSlot: slot };
    const held = [...this.#now].filter(([name]) => isIn(range, name));
    return held.filter(([, { value }]) => isLive(value)).length;
  }

  /** The changes with the growth of each, were they written now. */
  grown(changes: readonly Change[]): Change[] {
    const state = this.state();
    const isThere = (change: Change) => isLive(state.get(nameOf(change))?.value);
    return changes.map((change) => {
      const before = isThere(change);
      apply(state, 0, [change]);
      return { ...change, growth: (Number(isThere(change)) - Number(before)) as Growth };
    });
  }

  state(): Map<string, Held> {
    return new Map(this.#now);
  }
}

function apply(state: Map<string, Held>, sequence: number, made: Made): void {
  if ('fromSlot' in made) {
    const dropped = [...state.keys()].filter((name) => isIn(made, name));
    for (const name of dropped) state.delete(name);
    return;
  }
  for (const change of made) {
    const name = nameOf(change);
    if (change.kind === 'removal') state.delete(name);
    else state.set(name, { value: change.value.toString('latin1'), sequence });
  }
}

/** Half of the values are tombstones: they are there, and do not live. */
function isLive(value: string | undefined): boolean {
  return value !== undefined && value < 'n';
}

function nameOf({ keyspace, slot, key }: EngineKey): string {
  return `${keyspace}/${String(slot).padStart(5, '0')} ${key.toString('latin1')}`;
}

function isIn({ keyspace, fromSlot, toSlot }: SlotRange, name: string): boolean {
  const [, ofKeyspace, slot] = /^(\d)\/(\d+) /.exec(name) ?? [];
  return Number(ofKeyspace) === keyspace && Number(slot) >= fromSlot && Number(slot) <= toSlot;
}

/** What a scan of `range` should show, as text. */
function expected(state: ReadonlyMap<string, Held>, range: ScanRange): string[] {
  const { after: key, fromSlot: slot } = range;
  const from = key === undefined ? '' : nameOf({ ...range, slot, key });
  return [...state]
    .filter(([name]) => name > from && isIn(range, name))
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, { value, sequence }]) => `${name} ${value} ${sequence}`);
}

class Run {
  readonly #server: TestServer;
  readonly #random: SimRandom;
  readonly #model = new Model();
  readonly #snapshots: { snapshot: Snapshot; state: ReadonlyMap<string, Held> }[] = [];
  #engine: Engine | undefined;
  #acknowledged = 0;
  readonly seen = {
    ...{ flushes: 0, compactions: 0, deepest: 0, bytesMoved: 0 },
    ...{ crashes: 0, refused: 0, drops: 0 },
  };

  constructor(seed: number) {
    this.#server = new TestServer(seed);
    this.#random = new SimRandom(`engine ${seed}`);
  }

  async steps(count: number): Promise<void> {
    this.#engine = await this.#server.restart(TINY);
    for (let step = 0; step < count; step++) await this.#step();
    await this.#reopen();
    for (const keyspace of KEYSPACES) {
      await this.#scan(this.#open, this.#model.state(), { ...EVERYTHING, keyspace });
    }
  }

  get #open(): Engine {
    return this.#engine as Engine;
  }

  async #step(): Promise<void> {
    const dice = this.#random.between(0, 999);
    if (dice < 590) return this.#write();
    if (dice < 600) return this.#drop();
    if (dice < 850) return this.#get(this.#open, this.#model.state());
    if (dice < 860) return this.#checkSummary();
    if (dice < 890) return this.#scan(this.#open, this.#model.state(), this.#range());
    if (dice < 900) return this.#takeSnapshot();
    if (dice < 940) return this.#readSnapshot();
    if (dice < 995) return this.#server.world.runFor(this.#random.between(0, 5));
    if (dice < 998) return this.#crash();
    return this.#reopen();
  }

  async #write(): Promise<void> {
    const length = this.#random.pick([1, 1, 1, 2, 5]);
    const changes = this.#model.grown(Array.from({ length }, () => this.#change()));
    const time = this.#random.between(0, 2 ** 50);
    await this.#make(changes, time, () => this.#open.write(changes, time));
  }

  async #drop(): Promise<void> {
    const { after: _, ...range } = this.#range();
    await this.#make(range, 0, () => this.#open.drop(range));
    this.seen.drops += 1;
  }

  async #make(made: Made, time: number, make: () => Written): Promise<void> {
    try {
      const { sequence, durable } = make();
      this.#model.write({ sequence, made, time });
      const noted = durable.then(() => {
        this.#acknowledged = Math.max(this.#acknowledged, sequence);
      });
      if (this.#random.chance(0.2)) await this.#server.settle(noted);
    } catch (error) {
      ok(hasCode(error, 'OVERLOADED'), String(error));
      this.seen.refused += 1;
      await this.#server.world.runFor(20);
    }
  }

  #change(): Change {
    const at = this.#at();
    if (this.#random.chance(0.25)) return { ...at, kind: 'removal', growth: 0 };
    const length = this.#random.chance(0.02) ? 5_000 : this.#random.between(0, 200);
    const letter = String.fromCharCode(97 + this.#random.between(0, 25));
    return { ...at, kind: 'put', value: Buffer.from(letter.repeat(length)), growth: 0 };
  }

  #at(): EngineKey {
    return { ...at(this.#key(), this.#slot()), keyspace: this.#random.pick(KEYSPACES) };
  }

  #key(): string {
    return `k${this.#random.between(0, 150)}`;
  }

  #slot(): number {
    return this.#random.pick(SLOTS);
  }

  async #get(reader: Reader, state: ReadonlyMap<string, Held>): Promise<void> {
    const at = this.#at();
    const found = await this.#settled(reader.get(at));
    const shown = found && { value: found.value.toString('latin1'), sequence: found.sequence };
    deepEqual(shown, state.get(nameOf(at)), nameOf(at));
  }

  #range(): ScanRange {
    const [one, other] = [this.#slot(), this.#slot()];
    return {
      keyspace: this.#random.pick(KEYSPACES),
      fromSlot: Math.min(one, other) as Slot,
      toSlot: Math.max(one, other) as Slot,
      ...(this.#random.chance(0.5) ? { after: Buffer.from(this.#key()) } : {}),
    };
  }

  async #scan(reader: Reader, state: ReadonlyMap<string, Held>, whole: ScanRange): Promise<void> {
    const limits = { entriesMax: this.#random.between(1, 300), bytesMax: 20_000 };
    const entries: Entry[] = [];
    for (let range: ScanRange | undefined = whole; range !== undefined; ) {
      const page: ScanPage = await this.#settled(reader.scan(range, limits));
      ok(page.entries.length <= limits.entriesMax);
      notDeepEqual(page.next, range, 'a page makes progress');
      entries.push(...page.entries);
      range = page.next;
    }
    const shown = entries.map((entry) => {
      return `${nameOf(entry)} ${entry.value.toString('latin1')} ${entry.sequence}`;
    });
    deepEqual(shown, expected(state, whole));
  }

  #takeSnapshot(): void {
    if (this.#snapshots.length === 3) this.#snapshots.shift()?.snapshot.release();
    this.#snapshots.push({ snapshot: this.#open.snapshot(), state: this.#model.state() });
  }

  async #readSnapshot(): Promise<void> {
    if (this.#snapshots.length === 0) return;
    const { snapshot, state } = this.#random.pick(this.#snapshots);
    await this.#get(snapshot, state);
    if (this.#random.chance(0.2)) await this.#scan(snapshot, state, this.#range());
  }

  async #reopen(): Promise<void> {
    this.#note();
    for (const { snapshot } of this.#snapshots.splice(0)) snapshot.release();
    await this.#server.settle(this.#open.close());
    await this.#openAgain();
  }

  async #crash(): Promise<void> {
    this.#note();
    this.seen.crashes += 1;
    this.#snapshots.splice(0);
    await this.#openAgain();
  }

  async #openAgain(): Promise<void> {
    this.#engine = await this.#server.restart(TINY);
    const durable = this.#open.durableSequence();
    ok(durable >= this.#acknowledged, `${durable} of ${this.#acknowledged} acknowledged writes`);
    this.#model.cutAfter(durable);
    this.#acknowledged = durable;
    this.#checkSummary();
  }

  #checkSummary(): void {
    for (const keyspace of KEYSPACES) {
      for (const slot of SLOTS as Slot[]) {
        equal(this.#open.countOf(keyspace, slot), this.#model.countOf(keyspace, slot));
      }
    }
    equal(this.#open.newestTime(), this.#model.newestTime());
  }

  #note(): void {
    const stats = this.#open.stats();
    const { flushes, compactions, tablesPerLevel, backgroundFailures } = stats;
    this.seen.bytesMoved += stats.valueBytesMoved;
    this.seen.flushes += flushes;
    this.seen.compactions += compactions;
    this.seen.deepest = Math.max(this.seen.deepest, tablesPerLevel.length - 1);
    equal(backgroundFailures, 0);
  }

  async #settled<T>(answer: T | Promise<T>): Promise<T> {
    return answer instanceof Promise ? this.#server.settle(answer) : answer;
  }
}

for (const seed of [1, 2, 3]) {
  test(`10,000 steps on all floors agree with a model, seed ${seed}`, async () => {
    const run = new Run(seed);
    await run.steps(10_000);
    const { flushes, crashes, compactions, deepest, drops, bytesMoved } = run.seen;
    ok(flushes > 50 && crashes > 5, JSON.stringify(run.seen));
    ok(compactions > 5 && deepest > 0 && drops > 50 && bytesMoved > 0, JSON.stringify(run.seen));
  });
}
