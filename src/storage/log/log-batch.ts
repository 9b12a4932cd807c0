// One batch of the commit log while it fills and waits for its sync: the writes of many callers,
// encoded straight into one buffer, and the one promise that all of them wait for.
// The byte format is drawn in log-format.ts.

import { ByteReader, type ByteWriter, badBytes } from '../../base/bytes.ts';
import type { KeyspaceNumber, Slot } from '../../base/ids.ts';
import { readSlotRange, writeSlotRange } from '../drops/slot-range.ts';
import type { Change, EngineKey, SlotRange } from '../engine.ts';
import {
  BATCH_HEADER_BYTES,
  BATCH_MAGIC,
  batchChecksum,
  DROP,
  GROWTH_SHIFT,
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
  }

  get lastSequence(): number {
    return this.firstSequence + this.#writes - 1;
  }

  add(changes: readonly Change[]): void {
    const { bytes } = this;
    bytes.varint(changes.length);
    for (const change of changes) {
      bytes.u8(change.kind === 'put' ? PUT : REMOVAL);
      bytes.u8(change.keyspace);
      bytes.u16(change.slot);
      bytes.bytes(change.key);
      if (change.kind === 'put') bytes.bytes(change.value);
    }
    this.#writes += 1;
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
    this.bytes.patchU32(4, batchChecksum(this.bytes.view(), segmentNumber, offset));
    return this.bytes.view();
  }
}

/** Where what is replayed goes, in order. The buffers are views, valid only during the call. */
export interface ChangeTarget {
  put(at: EngineKey, value: Buffer, sequence: number): void;
  remove(at: EngineKey, sequence: number): void;
  drop(range: SlotRange, sequence: number): void;
}

const NOWHERE: ChangeTarget = {
  put: () => undefined,
  remove: () => undefined,
  drop: () => undefined,
};

/**
 * Hands a batch's changes over, but for those of writes up to `after`; answers the first and last
 * sequence of all. Throws BAD_BYTES.
 */
export function replayBatch(
  payload: Buffer,
  after: number,
  target: ChangeTarget,
): { first: number; last: number } {
  const reader = new ByteReader(payload);
  const first = reader.varint();
  const writes = reader.u32();
  for (let sequence = first; sequence < first + writes; sequence++) {
    const to = sequence > after ? target : NOWHERE;
    for (let entries = reader.varint(); entries > 0; entries--) {
      const kind = kindOf(reader.u8());
      if (kind === DROP) to.drop(readSlotRange(reader), sequence);
      else if (kind === REMOVAL) to.remove(readKey(reader), sequence);
      else to.put(readKey(reader), reader.bytes(), sequence);
    }
  }
  reader.end();
  return { first, last: first + writes - 1 };
}

function readKey(reader: ByteReader): EngineKey {
  const keyspace = reader.u8() as KeyspaceNumber;
  const slot = reader.u16() as Slot;
  return { keyspace, slot, key: reader.bytes() };
}

/** Of the entry with this head; throws BAD_BYTES. */
function kindOf(head: number): number {
  const kind = head & KIND_MASK;
  const growthMax = kind === DROP ? 0 : SHRINKS;
  if (kind <= DROP && head >>> GROWTH_SHIFT <= growthMax) return kind;
  throw badBytes(`an entry's head is ${head}`);
}
