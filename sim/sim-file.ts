// The bytes of one simulated file, and what a power cut leaves of them.
//
//   durable   what is on the platter
//   changes   appends and truncations since, in order: some done, the last ones still under way
//   live      what a reader sees: durable + the changes that are done
//   writes    those through to the platter that are under way: a crash may tear them
//
// A sync hardens the changes that were done when it began. A failed sync is the fsync of Linux:
// the pages are marked clean, readers go on seeing them, no later sync writes them, and the next
// crash takes them back (Rebello et al., ATC 2020).
//
// Invariant: a byte that was hardened changes only by a later truncation, or by a write to its very
// place; by rot it only reads otherwise.

import { assert } from '../src/base/assert.ts';
import { SimBytes } from './sim-bytes.ts';
import type { SimRandom } from './sim-random.ts';

const SECTOR_BYTES = 512;

export type Change = Append | Truncation;

interface Append {
  readonly kind: 'append';
  /** Where it begins; undefined while it is under way. */
  offset: number | undefined;
  bytes: Buffer;
  isPending: boolean;
}

interface Truncation {
  readonly kind: 'truncate';
  readonly length: number;
  isDone: boolean;
  isPending: boolean;
}

interface Write {
  readonly offset: number;
  readonly bytes: Buffer;
}

export class SimFile {
  readonly #durable: SimBytes;
  readonly #live: SimBytes;
  #changes: Change[] = [];
  readonly #writes = new Set<Write>();
  readonly #rot = new Rot();

  constructor(durable = new SimBytes()) {
    this.#durable = durable;
    this.#live = durable.clone();
  }

  get length(): number {
    return this.#live.length;
  }

  get durableLength(): number {
    return this.#durable.length;
  }

  get isRotten(): boolean {
    return this.#rot.isThere;
  }

  read(offset: number, length: number): Buffer {
    return this.#rot.over(this.#live.read(offset, length), offset);
  }

  beginAppend(bytes: Buffer): Append {
    const append: Append = { kind: 'append', offset: undefined, bytes, isPending: true };
    this.#changes.push(append);
    return append;
  }

  beginTruncation(length: number): Truncation {
    const cut: Truncation = { kind: 'truncate', length, isDone: false, isPending: true };
    this.#changes.push(cut);
    return cut;
  }

  /** The first `length` bytes of an append get there; fewer than all only when the disk is full. */
  finishAppend(append: Append, length = append.bytes.length): void {
    append.offset = this.#live.length;
    append.bytes = Buffer.from(append.bytes.subarray(0, length));
    this.#live.write(append.offset, append.bytes);
  }

  finishTruncation(cut: Truncation): void {
    cut.isDone = true;
    this.#live.truncate(cut.length);
    this.#rot.clear(cut.length);
  }

  beginWrite(offset: number, bytes: Buffer): Write {
    assert(this.#changes.length === 0, 'what was appended is synced before a write goes through');
    assert(offset <= this.length, `a write at ${offset} of ${this.length} bytes leaves no hole`);
    const write = { offset, bytes };
    this.#writes.add(write);
    return write;
  }

  /** `length` below the whole: where the disk is full. */
  finishWrite(write: Write, length = write.bytes.length): void {
    this.#writes.delete(write);
    const bytes = write.bytes.subarray(0, length);
    this.#live.write(write.offset, bytes);
    this.#durable.write(write.offset, bytes);
    this.#rot.clear(write.offset, write.offset + length);
  }

  /** Readers see the bytes, and a crash takes them back. */
  failWrite(write: Write): void {
    this.#writes.delete(write);
    this.#live.write(write.offset, write.bytes);
  }

  /** What a sync that begins now must harden. */
  done(): Change[] {
    return this.#changes.filter(isDone);
  }

  harden(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.isPending) apply(change, this.#durable);
      change.isPending = false;
    }
    this.#forgetSettled();
  }

  /** The sync of `changes` failed. */
  giveUp(changes: readonly Change[]): void {
    for (const change of changes) change.isPending = false;
    this.#forgetSettled();
  }

  /** The power is cut: what was not hardened is kept, dropped, torn or garbled. */
  crash(random: SimRandom): void {
    for (const write of this.#writes) tear(write, this.#durable, random);
    this.#writes.clear();
    this.#finishAll();
    const survivors = this.#survivors(random);
    const neverSyncedFrom = this.#neverSyncedFrom();
    for (const change of survivors) apply(change, this.#durable);
    if (survivors.length > 0 && random.chance(0.25)) {
      garble(this.#durable, { from: neverSyncedFrom, to: this.#durable.length }, random);
    }
    this.#changes = [];
    this.#live.become(this.#durable);
    this.#rot.clear(this.#durable.length);
  }

  /** Flips one bit of what is read from the platter. */
  rot(offset: number, bit: number): void {
    assert(offset < this.#durable.length, `rot at ${offset} of ${this.#durable.length} bytes`);
    this.#rot.flip(offset, bit);
  }

  /** A file of the same durable bytes, as a copy of the whole disk would have it, without rot. */
  cloneDurable(): SimFile {
    return new SimFile(this.#durable.clone());
  }

  /** All of them, none, or the first few with the last one torn. */
  #survivors(random: SimRandom): Change[] {
    const count = this.#changes.length;
    const fate = random.between(0, 3);
    if (fate === 0 || count === 0) return [];
    if (fate === 1) return this.#changes;
    const torn = random.between(0, count - 1);
    const survivors = this.#changes.slice(0, torn);
    const last = this.#changes[torn] as Change;
    if (last.kind === 'append') {
      const bytes = last.bytes.subarray(0, random.between(0, last.bytes.length));
      survivors.push({ ...last, bytes });
    }
    return survivors;
  }

  /** What was under way at the crash may have reached the disk as well. */
  #finishAll(): void {
    for (const change of this.#changes) {
      if (isDone(change)) continue;
      if (change.kind === 'append') this.finishAppend(change);
      else this.finishTruncation(change);
    }
  }

  #neverSyncedFrom(): number {
    let from = this.#durable.length;
    for (const change of this.#changes) {
      if (change.kind === 'truncate') from = Math.min(from, change.length);
    }
    return from;
  }

  #forgetSettled(): void {
    this.#changes = this.#changes.filter((change) => change.isPending);
  }
}

function isDone(change: Change): boolean {
  return change.kind === 'append' ? change.offset !== undefined : change.isDone;
}

function apply(change: Change, bytes: SimBytes): void {
  if (change.kind === 'truncate') bytes.truncate(change.length);
  else bytes.write(change.offset as number, change.bytes);
}

/** A write that the crash interrupts: nothing, all, or the beginning of it, and perhaps noise. */
function tear({ offset, bytes }: Write, durable: SimBytes, random: SimRandom): void {
  const fate = random.between(0, 3);
  if (fate === 0) return;
  const length = fate === 1 ? bytes.length : random.between(0, bytes.length);
  durable.write(offset, bytes.subarray(0, length));
  if (random.chance(0.25)) garble(durable, { from: offset, to: offset + length }, random);
}

interface Range {
  readonly from: number;
  readonly to: number;
}

/** Each sector that holds such bytes: right, zero, or noise. */
function garble(bytes: SimBytes, { from, to }: Range, random: SimRandom): void {
  for (let at = from; at < to; ) {
    const end = Math.min(to, (Math.floor(at / SECTOR_BYTES) + 1) * SECTOR_BYTES);
    const fate = random.between(0, 2);
    if (fate === 1) bytes.write(at, Buffer.alloc(end - at));
    if (fate === 2) bytes.write(at, random.bytes(end - at));
    at = end;
  }
}

/**
 * Bits that read otherwise than they were written. They lie over the bytes and not in them, so that
 * a copy of the disk for a judge shows what was written, and so that it is known when the rot is
 * gone: with the file, with its end, or with a write to the very place.
 */
class Rot {
  /** By offset: the bits that are flipped. */
  readonly #masks = new Map<number, number>();

  get isThere(): boolean {
    return this.#masks.size > 0;
  }

  /** Flipped twice, a bit is what it was. */
  flip(offset: number, bit: number): void {
    const mask = (this.#masks.get(offset) ?? 0) ^ (1 << bit);
    if (mask === 0) this.#masks.delete(offset);
    else this.#masks.set(offset, mask);
  }

  /** `bytes` from `offset` on, which are the caller's own, as they read now. */
  over(bytes: Buffer, offset: number): Buffer {
    for (const [place, mask] of this.#masks) {
      const at = place - offset;
      if (at >= 0 && at < bytes.length) bytes[at] = (bytes[at] as number) ^ mask;
    }
    return bytes;
  }

  /** These were written anew, or cut off. */
  clear(from: number, to = Number.POSITIVE_INFINITY): void {
    for (const place of this.#masks.keys()) {
      if (place >= from && place < to) this.#masks.delete(place);
    }
  }
}
