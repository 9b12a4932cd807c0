// The data directory of a simulated machine: it outlives the crashes of the node. Names have a
// durable and a live state like the bytes of a file: what was created, renamed or removed since
// the last syncDirectory() survives a crash or not, each on its own.
//
// Faults are set here, by tests and by the scheduler of faults.

import { assert } from '../src/base/assert.ts';
import type { SimFile } from './sim-file.ts';
import type { SimLife } from './sim-life.ts';
import type { SimRandom } from './sim-random.ts';

export type NameChange =
  | { readonly kind: 'create'; readonly name: string; readonly file: SimFile }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string; readonly file: SimFile }
  | { readonly kind: 'remove'; readonly name: string };

/** Mean times in milliseconds, exponentially distributed. */
export interface DiskPace {
  readonly readMs: number;
  /** Of the reads: those whose bytes stand in memory, so that they need no wait. */
  readonly memoryShare: number;
  readonly appendMs: number;
  readonly syncMs: number;
}

/** A local SSD. */
export const SSD: DiskPace = { readMs: 0.1, memoryShare: 0.5, appendMs: 0.02, syncMs: 0.3 };

/** More than any simulated run writes. */
const PLENTY_BYTES = 1024 ** 4;

/** The name under which a fault strikes any file. */
export const ANY_FILE = '*';

export class SimDirectory {
  readonly #random: SimRandom;
  #durable = new Map<string, SimFile>();
  #live = new Map<string, SimFile>();
  #changes: NameChange[] = [];
  readonly #failingSyncs = new Set<string>();
  readonly #failingReads = new Set<string>();
  #capacityBytes = PLENTY_BYTES;
  #pace = SSD;
  /** The life that holds the lock of the directory. */
  lockedBy: SimLife | undefined;

  constructor(random: SimRandom) {
    this.#random = random;
  }

  get pace(): DiskPace {
    return this.#pace;
  }

  setPace(pace: Partial<DiskPace>): void {
    this.#pace = { ...this.#pace, ...pace };
  }

  names(): string[] {
    return [...this.#live.keys()].sort();
  }

  find(name: string): SimFile | undefined {
    return this.#live.get(name);
  }

  /** The bytes of a file as a reader sees them; undefined when there is none of that name. */
  bytesOf(name: string): Buffer | undefined {
    const file = this.#live.get(name);
    return file?.read(0, file.length);
  }

  change(change: NameChange): void {
    this.#changes.push(change);
    apply(change, this.#live);
  }

  /** What a syncDirectory() that begins now must harden. */
  changes(): readonly NameChange[] {
    return [...this.#changes];
  }

  harden(changes: readonly NameChange[]): void {
    const hardened = new Set(changes.filter((change) => this.#changes.includes(change)));
    for (const change of hardened) apply(change, this.#durable);
    this.#changes = this.#changes.filter((change) => !hardened.has(change));
  }

  /** The power is cut. */
  crash(): void {
    for (const change of this.#changes) {
      if (this.#random.chance(0.5)) apply(change, this.#durable);
    }
    this.#changes = [];
    for (const file of new Set(this.#durable.values())) file.crash(this.#random);
    this.#live = new Map(this.#durable);
    this.lockedBy = undefined;
    this.#failingSyncs.clear();
    this.#failingReads.clear();
  }

  /** All is lost: a new, empty disk. */
  wipe(): void {
    this.#durable.clear();
    this.#live.clear();
    this.#changes = [];
  }

  /**
   * What was durably written, without rot; restore() it later, and the node finds itself back in
   * time.
   */
  backup(): ReadonlyMap<string, SimFile> {
    return cloneAll(this.#durable);
  }

  restore(backup: ReadonlyMap<string, SimFile>): void {
    this.#durable = cloneAll(backup);
    this.#live = new Map(this.#durable);
    this.#changes = [];
  }

  /** The next sync of that file fails once, and what it should have hardened is lost later. */
  failNextSync(name = ANY_FILE): void {
    this.#failingSyncs.add(name);
  }

  /** The next read of that file fails once. */
  failNextRead(name = ANY_FILE): void {
    this.#failingReads.add(name);
  }

  /** The disk is as good as new: no fault is pending and it has space again. */
  clearFaults(): void {
    this.#failingSyncs.clear();
    this.#failingReads.clear();
    this.setCapacity(undefined);
  }

  takeSyncFault(name: string): boolean {
    return this.#failingSyncs.delete(name) || this.#failingSyncs.delete(ANY_FILE);
  }

  takeReadFault(name: string): boolean {
    return this.#failingReads.delete(name) || this.#failingReads.delete(ANY_FILE);
  }

  drawIsInMemory(): boolean {
    return this.#random.chance(this.#pace.memoryShare);
  }

  get capacityBytes(): number {
    return this.#capacityBytes;
  }

  /** The disk is full when its files hold so many bytes together; undefined: a very large one. */
  setCapacity(bytes: number | undefined): void {
    this.#capacityBytes = bytes ?? PLENTY_BYTES;
  }

  usedBytes(): number {
    let used = 0;
    for (const file of this.#live.values()) used += file.length;
    return used;
  }

  freeBytes(): number {
    return Math.max(0, this.#capacityBytes - this.usedBytes());
  }

  sizeOf(name: string): number {
    return this.#live.get(name)?.length ?? 0;
  }

  /** With something in them, and there after a crash too, in the order of their names. */
  durableFiles(): [name: string, file: SimFile][] {
    const files = [...this.#durable].filter(([name, file]) => {
      return this.#live.get(name) === file && file.durableLength > 0;
    });
    return files.sort(([one], [other]) => (one < other ? -1 : 1));
  }

  /** Names of files that hold, or may hold after a crash, what reads otherwise than written. */
  rottenNames(): string[] {
    const files = [...this.#live, ...this.#durable];
    return [...new Set(files.filter(([, file]) => file.isRotten).map(([name]) => name))];
  }

  /** Flips one bit of a durable byte, and nobody is told. */
  rot(name: string, offset: number, bit = 0): void {
    const file = this.#live.get(name);
    assert(file !== undefined, `there is a file ${name} to rot`);
    file.rot(offset, bit);
  }

  /** How long the next operation of that mean takes. */
  drawMs(meanMs: number): number {
    return this.#random.exponential(meanMs);
  }

  /** How much of an append still fits when the disk is full. */
  drawShortWrite(): number {
    const free = this.freeBytes();
    return free === 0 ? 0 : this.#random.between(0, free);
  }
}

function apply(change: NameChange, names: Map<string, SimFile>): void {
  if (change.kind === 'create') names.set(change.name, change.file);
  if (change.kind === 'remove') names.delete(change.name);
  if (change.kind === 'rename') {
    names.delete(change.from);
    names.set(change.to, change.file);
  }
}

function cloneAll(files: ReadonlyMap<string, SimFile>): Map<string, SimFile> {
  return new Map(Array.from(files, ([name, file]) => [name, file.cloneDurable()]));
}
