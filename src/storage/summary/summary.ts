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

export class Summary {
  readonly counts: SlotCounts;
  #newestTime: number;

  constructor(counts = new SlotCounts(), newestTime = 0) {
    this.counts = counts;
    this.#newestTime = newestTime;
  }

  /** The greatest that a write came with; 0: none. */
  get newestTime(): number {
    return this.#newestTime;
  }

  apply({ key, growth }: ChangeView): void {
    this.counts.grow(key, growth);
  }

  drop(range: SlotRange): void {
    this.counts.clear(range);
  }

  noteTime(time: number): void {
    if (time > this.#newestTime) this.#newestTime = time;
  }

  copy(): Summary {
    return new Summary(this.counts.copy(), this.#newestTime);
  }

  writeTo(writer: ByteWriter): void {
    writer.varint(this.#newestTime);
    this.counts.writeTo(writer);
  }

  /** Throws BAD_BYTES. */
  static readFrom(reader: ByteReader): Summary {
    const newestTime = reader.varint();
    return new Summary(SlotCounts.readFrom(reader), newestTime);
  }
}
