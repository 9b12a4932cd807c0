// One batch of the commit log while it fills and waits for its sync: the writes of many callers,
// encoded straight into one buffer, and the one promise that all of them wait for.
// The byte format is drawn in log-format.ts.

import { ByteReader, type ByteWriter } from '../../base/bytes.ts';
import type { KeyspaceNumber, Slot } from '../../base/ids.ts';
import type { EngineKey, Put } from '../engine.ts';
import { BATCH_HEADER_BYTES, BATCH_MAGIC, batchChecksum } from './log-format.ts';

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

  add(puts: readonly Put[]): void {
    const { bytes } = this;
    bytes.varint(puts.length);
    for (const put of puts) {
      bytes.u8(put.keyspace);
      bytes.u16(put.slot);
      bytes.bytes(put.key);
      bytes.bytes(put.value);
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

/** Where replayed puts go, in order. The buffers are views that are valid only during the call. */
export interface PutTarget {
  put(at: EngineKey, value: Buffer, sequence: number): void;
}

/**
 * Hands a batch's puts over, but for those of writes up to `after`; answers the first and last
 * sequence of all. Throws BAD_BYTES.
 */
export function replayBatch(
  payload: Buffer,
  after: number,
  target: PutTarget,
): { first: number; last: number } {
  const reader = new ByteReader(payload);
  const first = reader.varint();
  const writes = reader.u32();
  for (let sequence = first; sequence < first + writes; sequence++) {
    for (let puts = reader.varint(); puts > 0; puts--) {
      const keyspace = reader.u8() as KeyspaceNumber;
      const slot = reader.u16() as Slot;
      const key = reader.bytes();
      const value = reader.bytes();
      if (sequence > after) target.put({ keyspace, slot, key }, value, sequence);
    }
  }
  reader.end();
  return { first, last: first + writes - 1 };
}
