// The value files of a directory while its engine is open. Each is open for as long as a table that
// refers to it is, whoever still reads that table; with the last of them it goes from the disk.
//
// One that cannot be opened, or of which something could not be moved, costs its own values only:
// whoever asks for one is told CORRUPTION. Nothing is moved from it any more.

import { hasCode, messageOf } from '../../base/errors.ts';
import type { Host } from '../../host/host.ts';
import type { DamagedRange, Stored } from '../engine.ts';
import { corruption } from '../storage-errors.ts';
import type { KeyState } from '../table-entry.ts';
import { openValueFile, type ValueFile } from './value-file.ts';
import { valuesName } from './value-format.ts';
import { decodePointer, type ValuePointer } from './value-pointer.ts';
import type { ValueUse } from './value-use.ts';

export type Damage = Pick<DamagedRange, 'file' | 'extent'>;

interface HeldFile {
  /** What was found instead of a value file. */
  readonly content: ValueFile | Error;
  /** Tables that refer to it and are open. */
  tables: number;
  isSetAside: boolean;
}

export class ValueFiles {
  readonly #host: Pick<Host, 'disk' | 'log'>;
  readonly #held = new Map<number, HeldFile>();

  constructor(host: Pick<Host, 'disk' | 'log'>) {
    this.#host = host;
  }

  /** Those from which values may be moved; bytes are of all records, garbage included. */
  get readable(): { readonly number: number; readonly bytes: number }[] {
    return [...this.#held.values()].flatMap(({ content, isSetAside }) => {
      if (content instanceof Error || isSetAside) return [];
      return [{ number: content.number, bytes: content.recordsBytes }];
    });
  }

  get count(): number {
    return this.#held.size;
  }

  /** Of those that could be opened. */
  get bytes(): number {
    let bytes = 0;
    for (const { content } of this.#held.values()) {
      if (!(content instanceof Error)) bytes += content.bytes;
    }
    return bytes;
  }

  /** Those of them that could not be opened, or were set aside. */
  damagedOf(uses: readonly ValueUse[]): Damage[] {
    return uses.flatMap(({ file: number }): Damage[] => {
      const held = this.#held.get(number);
      const file = valuesName(number);
      if (held?.content instanceof Error) return [{ file, extent: 'whole' }];
      return held?.isSetAside ? [{ file, extent: 'part' }] : [];
    });
  }

  /**
   * Opens what a table refers to, unless it is open already. Resolves with what is wrong with one
   * that was not, if anything is. Rejects with IO_ERROR or the error of a format; then no more is
   * held than before.
   */
  async hold(
    uses: readonly ValueUse[],
    isThere: (name: string) => boolean,
  ): Promise<Error | undefined> {
    const held: ValueUse[] = [];
    let damage: Error | undefined;
    try {
      for (const use of uses) {
        damage = (await this.#hold(use.file, isThere)) ?? damage;
        held.push(use);
      }
      return damage;
    } catch (error) {
      await this.release(held, false);
      throw error;
    }
  }

  /** A table is closed. `removes`: what no other one refers to goes from the disk. */
  async release(uses: readonly ValueUse[], removes: boolean): Promise<void> {
    // All are let go in one turn: while one is closed, other tables may let go of the others.
    const unneeded: { readonly file: number; readonly content: HeldFile['content'] }[] = [];
    for (const { file } of uses) {
      const held = this.#held.get(file) as HeldFile;
      held.tables -= 1;
      if (held.tables > 0) continue;
      this.#held.delete(file);
      unneeded.push({ file, content: held.content });
    }
    for (const { file, content } of unneeded) await this.#close(file, content, removes);
  }

  /** From now on nothing is moved from them. */
  setAside(numbers: readonly number[]): void {
    for (const number of numbers) {
      const held = this.#held.get(number);
      if (held === undefined || held.isSetAside) continue;
      held.isSetAside = true;
      this.#host.log.error('values-set-aside', { file: valuesName(number) });
    }
  }

  /** The value that `state` points to; throws or rejects with CORRUPTION or IO_ERROR. */
  stored({ sequence, value }: KeyState): Stored | Promise<Stored> {
    const read = this.read(decodePointer(value));
    if (read instanceof Promise) return read.then((later) => ({ sequence, value: later }));
    return { sequence, value: read };
  }

  /** Throws or rejects with CORRUPTION or IO_ERROR. */
  read(pointer: ValuePointer): Buffer | Promise<Buffer> {
    const content = this.#held.get(pointer.file)?.content;
    if (content === undefined) throw corruption(valuesName(pointer.file), 'no table lists it');
    if (content instanceof Error) throw content;
    return content.read(pointer);
  }

  async #hold(number: number, isThere: (name: string) => boolean): Promise<Error | undefined> {
    const known = this.#held.get(number);
    if (known !== undefined) {
      known.tables += 1;
      return undefined;
    }
    const content = isThere(valuesName(number)) ? await this.#open(number) : missing(number);
    this.#held.set(number, { content, tables: 1, isSetAside: false });
    if (!(content instanceof Error)) return undefined;
    this.#host.log.error('values-damaged', { file: valuesName(number), why: content.message });
    return content;
  }

  async #open(number: number): Promise<ValueFile | Error> {
    try {
      return await openValueFile(this.#host.disk, number);
    } catch (error) {
      if (!hasCode(error, 'CORRUPTION')) throw error;
      return error;
    }
  }

  async #close(number: number, content: ValueFile | Error, removes: boolean): Promise<void> {
    const file = valuesName(number);
    try {
      if (!(content instanceof Error)) await content.close();
      if (removes) await this.#host.disk.remove(file);
    } catch (error) {
      // The next start removes it.
      this.#host.log.warn('values-not-removed', { file, why: messageOf(error) });
    }
  }
}

function missing(number: number): Error {
  return corruption(valuesName(number), 'missing, though a table refers to it');
}
