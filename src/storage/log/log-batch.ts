// One batch of the commit log while it fills and waits for its sync: the writes of many callers,
// encoded straight into one buffer, and the one promise that all of them wait for.
// The byte format is drawn in log-format.ts.

import { ByteReader, type ByteWriter, badBytes } from '../../base/bytes.ts';
import { type KeyspaceNumber, SLOT_COUNT, type Slot } from '../../base/ids.ts';
import { readSlotRange, writeSlotRange } from '../drops/slot-range.ts';
import type { Change, SlotRange } from '../engine.ts';
import { ChangeView } from '../memtable/change-view.ts';
import type { EntryKind } from '../table-entry.ts';
import {
  BATCH_HEADER_BYTES,
  BATCH_MAGIC,
  batchChecksum,
  DROP,
  GROWTH_MASK,
  GROWTH_SHIFT,
  GROWTHS,
  HAS_DIGEST,
  KIND_MASK,
  PUT,
  REMOVAL,
  SHRINKS,
} from './log-format.ts';

export class LogBatch {
  readonly firstSequence: number;
  /** Settles once; a rejection that nobody awaits is no unhandled one. */
  readonly durable: Promise<void>;
  /** Resolves after `durable` has settled and those who waited for it have been told. */
  readonly settled: Promise<unknown>;
  readonly resolve: () => void;
  readonly reject: (reason: Error) => void;
  readonly bytes: ByteWriter;
  /** Whether it goes into another segment than the batch before it. */
  readonly startsSegment: boolean;
  readonly #countOffset: number;
  #writes = 0;
  #newestTime = 0;

  /** `bytes` is taken over until the batch is durable. */
  constructor(firstSequence: number, bytes: ByteWriter, startsSegment: boolean) {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.durable = promise;
    this.settled = promise.catch((reason) => reason);
    this.resolve = resolve;
    this.reject = reject;
    this.firstSequence = firstSequence;
    this.bytes = bytes;
    this.startsSegment = startsSegment;
    bytes.clear();
    bytes.u32(BATCH_MAGIC);
    bytes.u32(0);
    bytes.u32(0);
    bytes.varint(firstSequence);
    this.#countOffset = bytes.length;
    bytes.u32(0);
    bytes.u32(0);
    bytes.u32(0);
  }

  get lastSequence(): number {
    return this.firstSequence + this.#writes - 1;
  }

  add(changes: readonly Change[], time: number): void {
    const { bytes } = this;
    bytes.varint(changes.length);
    for (const change of changes) {
      bytes.u8(headOf(change));
      bytes.u8(change.keyspace);
      bytes.u16(change.slot);
      if (change.digest !== undefined) {
        bytes.u32(change.digest.high >>> 0);
        bytes.u32(change.digest.low >>> 0);
      }
      bytes.bytes(change.key);
      if (change.kind === 'put') bytes.bytes(change.value);
    }
    this.#writes += 1;
    if (time > this.#newestTime) this.#newestTime = time;
  }

  addDrop(range: SlotRange): void {
    this.bytes.varint(1);
    this.bytes.u8(DROP);
    writeSlotRange(this.bytes, range);
    this.#writes += 1;
  }

  /** The finished bytes for that place in the log; no add() after it. */
  sealedFor(segmentNumber: number, offset: number): Buffer {
    this.bytes.patchU32(8, this.bytes.length - BATCH_HEADER_BYTES);
    this.bytes.patchU32(this.#countOffset, this.#writes);
    this.bytes.patchU32(this.#countOffset + 4, Math.floor(this.#newestTime / 2 ** 32));
    this.bytes.patchU32(this.#countOffset + 8, this.#newestTime >>> 0);
    this.bytes.patchU32(4, batchChecksum(this.bytes.view(), segmentNumber, offset));
    return this.bytes.view();
  }
}

/** Where what is replayed goes, in order. */
export interface ChangeTarget {
  /** The change is another one after the call. */
  apply(change: ChangeView, sequence: number): void;
  drop(range: SlotRange, sequence: number): void;
  noteTime(time: number): void;
}

/**
 * Hands a batch's changes over, but for those of writes up to `after`; answers the first and last
 * sequence of all. Throws BAD_BYTES.
 */
export function replayBatch(
  payload: Buffer,
  after: number,
  target: ChangeTarget,
): { first: number; last: number } {
  const change = new ChangeView();
  change.key.bytes = payload;
  change.value.bytes = payload;
  const reader = new ByteReader(payload);
  const first = reader.varint();
  const writes = reader.u32();
  target.noteTime(reader.u32() * 2 ** 32 + reader.u32());
  for (let sequence = first; sequence < first + writes; sequence++) {
    for (let entries = reader.varint(); entries > 0; entries--) {
      const head = reader.u8();
      if (head === DROP) {
        const range = readSlotRange(reader);
        if (sequence > after) target.drop(range, sequence);
      } else {
        readChange(reader, head, change);
        if (sequence > after) target.apply(change, sequence);
      }
    }
  }
  reader.end();
  return { first, last: first + writes - 1 };
}

function headOf({ kind, growth, digest }: Change): number {
  const growing = (growth < 0 ? SHRINKS : growth) << GROWTH_SHIFT;
  return (kind === 'put' ? PUT : REMOVAL) | growing | (digest === undefined ? 0 : HAS_DIGEST);
}

/** Into `change`, which has the reader's bytes. */
function readChange(reader: ByteReader, head: number, change: ChangeView): void {
  const { key, value } = change;
  const kind = head & KIND_MASK;
  const growth = GROWTHS[(head >>> GROWTH_SHIFT) & GROWTH_MASK];
  if (kind > REMOVAL || growth === undefined || head >= 2 * HAS_DIGEST) {
    throw badBytes(`an entry's head is ${head}`);
  }
  change.kind = kind as EntryKind;
  change.growth = growth;
  key.keyspace = reader.u8() as KeyspaceNumber;
  key.slot = reader.u16() as Slot;
  if (key.slot >= SLOT_COUNT) throw badBytes(`there is no slot ${key.slot}`);
  const hasDigest = (head & HAS_DIGEST) !== 0;
  change.digestHigh = hasDigest ? reader.u32() | 0 : 0;
  change.digestLow = hasDigest ? reader.u32() | 0 : 0;
  key.length = reader.varint();
  key.from = reader.skip(key.length);
  value.length = kind === REMOVAL ? 0 : reader.varint();
  value.from = reader.skip(value.length);
}
