// What a table refers to in value files: how many values of each, and how many bytes they take.
// Tables say it at their end, the manifest repeats it, and everything else is derived: a value file
// lives while a table uses it, and what no table uses of it is garbage.
//
//   uses    number of files varint · use*                              ascending by file
//   use     file number varint · values varint · bytes varint
//
// Pure: no clock, no disk, no network; dice are an argument.

import type { ByteReader, ByteWriter } from '../../base/bytes.ts';
import { badBytes } from '../../base/bytes.ts';
import { recordBytesOf, type ValuePointer } from './value-pointer.ts';

export interface ValueUse {
  readonly file: number;
  readonly values: number;
  /** Of their records. */
  readonly bytes: number;
}

/** Counts the pointers of a table while it is written. */
export class UseCounter {
  readonly #uses = new Map<number, { values: number; bytes: number }>();

  add(pointer: ValuePointer): void {
    let use = this.#uses.get(pointer.file);
    if (use === undefined) {
      use = { values: 0, bytes: 0 };
      this.#uses.set(pointer.file, use);
    }
    use.values += 1;
    use.bytes += recordBytesOf(pointer);
  }

  /** Ascending by file. */
  uses(): ValueUse[] {
    return [...this.#uses]
      .map(([file, { values, bytes }]) => ({ file, values, bytes }))
      .sort((one, other) => one.file - other.file);
  }
}

export function bytesOfUses(uses: readonly ValueUse[]): number {
  return uses.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** What all these tables together refer to. */
export function liveBytesByFile(uses: readonly ValueUse[]): Map<number, number> {
  const live = new Map<number, number>();
  for (const { file, bytes } of uses) live.set(file, (live.get(file) ?? 0) + bytes);
  return live;
}

export function encodeUses(writer: ByteWriter, uses: readonly ValueUse[]): void {
  writer.varint(uses.length);
  for (const { file, values, bytes } of uses) {
    writer.varint(file);
    writer.varint(values);
    writer.varint(bytes);
  }
}

/** Throws BAD_BYTES. */
export function decodeUses(reader: ByteReader): ValueUse[] {
  const uses: ValueUse[] = [];
  for (let left = reader.varint(); left > 0; left--) {
    const use = { file: reader.varint(), values: reader.varint(), bytes: reader.varint() };
    if (use.file <= (uses.at(-1)?.file ?? -1)) throw badBytes('the value files descend');
    uses.push(use);
  }
  return uses;
}

export function areSameUses(some: readonly ValueUse[], others: readonly ValueUse[]): boolean {
  return (
    some.length === others.length &&
    some.every(({ file, values, bytes }, at) => {
      const other = others[at] as ValueUse;
      return file === other.file && values === other.values && bytes === other.bytes;
    })
  );
}
