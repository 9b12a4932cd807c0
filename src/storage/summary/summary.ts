// What the engine knows of all writes up to one of them without reading any: a start must not take
// the longer the more there is. It is kept up to date by each change, copied when a memtable is
// sealed, and stands in the manifest that puts the memtable's table in its place; recovery begins
// with that copy and adds what the log has beyond it. So it is as exact after a crash as before.
//
// Whatever else is to be known of a slot without a scan goes the same way: what apply() can keep
// up in constant time, copy() can freeze at a seal, and the manifest can hold.

import type { ByteReader, ByteWriter } from '../../base/bytes.ts';
import type { SlotRange } from '../engine.ts';
import type { ChangeView } from '../memtable/change-view.ts';
import { SlotCounts } from './slot-counts.ts';
import { SlotDigests } from './slot-digests.ts';

export class Summary {
  readonly counts: SlotCounts;
  readonly digests: SlotDigests;
  #newestTime: number;

  constructor(counts = new SlotCounts(), digests = new SlotDigests(), newestTime = 0) {
    this.counts = counts;
    this.digests = digests;
    this.#newestTime = newestTime;
  }

  /** The greatest that a write came with; 0: none. */
  get newestTime(): number {
    return this.#newestTime;
  }

  apply({ key, growth, digestHigh, digestLow }: ChangeView): void {
    this.counts.grow(key, growth);
    this.digests.fold(key, digestHigh, digestLow);
  }

  drop(range: SlotRange): void {
    this.counts.clear(range);
    this.digests.clear(range);
  }

  noteTime(time: number): void {
    if (time > this.#newestTime) this.#newestTime = time;
  }

  copy(): Summary {
    return new Summary(this.counts.copy(), this.digests.copy(), this.#newestTime);
  }

  writeTo(writer: ByteWriter): void {
    writer.varint(this.#newestTime);
    this.counts.writeTo(writer);
    this.digests.writeTo(writer);
  }

  /** Throws BAD_BYTES. */
  static readFrom(reader: ByteReader): Summary {
    const newestTime = reader.varint();
    const counts = SlotCounts.readFrom(reader);
    return new Summary(counts, SlotDigests.readFrom(reader), newestTime);
  }
}
