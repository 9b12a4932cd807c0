import { deepEqual, equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import { SimRandom } from '../../sim/sim-random.ts';
import { hasCode } from '../base/errors.ts';
import type { Slot } from '../base/ids.ts';
import type {
  Change,
  Engine,
  Entry,
  Growth,
  Reader,
  ScanPage,
  ScanRange,
  Snapshot,
} from './engine.ts';
import type { EngineOptions } from './open-engine.ts';
import { at, EVERYTHING, put, removal, TestServer } from './test-engine.ts';

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

const SLOTS = [0, 7, 500, 16_383];

interface Held {
  readonly value: string;
  readonly sequence: number;
}

interface Write {
  readonly sequence: number;
  readonly changes: readonly Change[];
  readonly time: number;
}

/** What was written, in order: the state at any sequence can be made from it. */
class Model {
  readonly #writes: Write[] = [];
  readonly #now = new Map<string, Held>();

  write(write: Write): void {
    this.#writes.push(write);
    apply(this.#now, write.sequence, write.changes);
  }

  /** A power cut left only the writes up to `sequence`. */
  cutAfter(sequence: number): void {
    while ((this.#writes.at(-1)?.sequence ?? 0) > sequence) this.#writes.pop();
    this.#now.clear();
    for (const { sequence, changes } of this.#writes) apply(this.#now, sequence, changes);
  }

  newestTime(): number {
    return this.#writes.reduce((newest, { time }) => Math.max(newest, time), 0);
  }

  /** Keys that live in a slot, by looking at all of them. */
  countOf(slot: number): number {
    const held = [...this.#now].filter(([name]) => Number(name.slice(0, 5)) === slot);
    return held.filter(([, { value }]) => isLive(value)).length;
  }

  /** The changes with the growth of each, were they written now. */
  grown(changes: readonly Change[]): Change[] {
    const state = this.state();
    const isThere = ({ slot, key }: Change) => isLive(state.get(nameOf(slot, key))?.value);
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

function apply(state: Map<string, Held>, sequence: number, changes: readonly Change[]): void {
  for (const change of changes) {
    const name = nameOf(change.slot, change.key);
    if (change.kind === 'removal') state.delete(name);
    else state.set(name, { value: change.value.toString('latin1'), sequence });
  }
}

/** Half of the values are tombstones: they are there, and do not live. */
function isLive(value: string | undefined): boolean {
  return value !== undefined && value < 'n';
}

function nameOf(slot: number, key: Buffer): string {
  return `${String(slot).padStart(5, '0')} ${key.toString('latin1')}`;
}

/** What a scan of `range` should show, as text. */
function expected(state: ReadonlyMap<string, Held>, range: ScanRange): string[] {
  const from = range.after === undefined ? '' : nameOf(range.fromSlot, range.after);
  const isIn = (slot: number) => slot >= range.fromSlot && slot <= range.toSlot;
  return [...state]
    .filter(([name]) => name > from && isIn(Number(name.slice(0, 5))))
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
  readonly seen = { flushes: 0, compactions: 0, crashes: 0, deepest: 0, refused: 0, bytesMoved: 0 };

  constructor(seed: number) {
    this.#server = new TestServer(seed);
    this.#random = new SimRandom(`engine ${seed}`);
  }

  async steps(count: number): Promise<void> {
    this.#engine = await this.#server.restart(TINY);
    for (let step = 0; step < count; step++) await this.#step();
    await this.#reopen();
    await this.#scan(this.#open, this.#model.state(), EVERYTHING);
  }

  get #open(): Engine {
    return this.#engine as Engine;
  }

  async #step(): Promise<void> {
    const dice = this.#random.between(0, 999);
    if (dice < 600) return this.#write();
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
    try {
      const { sequence, durable } = this.#open.write(changes, time);
      this.#model.write({ sequence, changes, time });
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
    if (this.#random.chance(0.25)) return removal(this.#key(), this.#slot());
    const length = this.#random.chance(0.02) ? 5_000 : this.#random.between(0, 200);
    const letter = String.fromCharCode(97 + this.#random.between(0, 25));
    return put(this.#key(), letter.repeat(length), this.#slot());
  }

  #key(): string {
    return `k${this.#random.between(0, 150)}`;
  }

  #slot(): number {
    return this.#random.pick(SLOTS);
  }

  async #get(reader: Reader, state: ReadonlyMap<string, Held>): Promise<void> {
    const key = this.#key();
    const slot = this.#slot();
    const found = await this.#settled(reader.get(at(key, slot)));
    const shown = found && { value: found.value.toString('latin1'), sequence: found.sequence };
    deepEqual(shown, state.get(nameOf(slot, Buffer.from(key))), `${slot} ${key}`);
  }

  #range(): ScanRange {
    const [one, other] = [this.#slot(), this.#slot()];
    return {
      ...EVERYTHING,
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
      ok(page.next === undefined || page.entries.length > 0, 'a page makes progress');
      entries.push(...page.entries);
      range = page.next;
    }
    const shown = entries.map(({ slot, key, value, sequence }) => {
      return `${nameOf(slot, key)} ${value.toString('latin1')} ${sequence}`;
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
    await this.#server.settle(this.#open.close(0));
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
    for (const slot of SLOTS) {
      equal(this.#open.countOf(EVERYTHING.keyspace, slot as Slot), this.#model.countOf(slot));
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
    const { flushes, crashes, compactions, deepest, bytesMoved } = run.seen;
    ok(flushes > 50 && crashes > 5, JSON.stringify(run.seen));
    ok(compactions > 5 && deepest > 0 && bytesMoved > 0, JSON.stringify(run.seen));
  });
}
