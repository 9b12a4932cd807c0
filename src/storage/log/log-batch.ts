// One batch of the commit log while it fills and waits for its sync: the writes of many callers,
// encoded straight into one buffer, and the one promise that all of them wait for.
// The byte format is drawn in log-format.ts.

import { ByteReader, type ByteWriter, badBytes } from '../../base/bytes.ts';
import type { KeyspaceNumber, Slot } from '../../base/ids.ts';
import type { Change, EngineKey } from '../engine.ts';
import {
  BATCH_HEADER_BYTES,
  BATCH_MAGIC,
  batchChecksum,
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
  const reader = new ByteReader(payload);
  const first = reader.varint();
  const writes = reader.u32();
  for (let sequence = first; sequence < first + writes; sequence++) {
    for (let entries = reader.varint(); entries > 0; entries--) {
      const kind = kindOf(reader.u8());
      const keyspace = reader.u8() as KeyspaceNumber;
      const slot = reader.u16() as Slot;
      const at = { keyspace, slot, key: reader.bytes() };
      const value = kind === PUT ? reader.bytes() : undefined;
      if (sequence <= after) continue;
      if (value === undefined) target.remove(at, sequence);
      else target.put(at, value, sequence);
    }
  }
  reader.end();
  return { first, last: first + writes - 1 };
}

/** Of the entry with this head; throws BAD_BYTES. */
function kindOf(head: number): number {
  const kind = head & KIND_MASK;
  if (kind > REMOVAL || head >>> GROWTH_SHIFT > SHRINKS)
    throw badBytes(`an entry's head is ${head}`);
  return kind;
}
