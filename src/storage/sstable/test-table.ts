// What the tests of this folder share: tables on the disk of a simulated machine.

import { SimWorld } from '../../../sim/sim-host.ts';
import type { Disk } from '../../host/host.ts';
import { REMOVAL, type TableEntry, type TableKey, VALUE } from '../table-entry.ts';
import { type TableFile, tableName } from '../table-info.ts';
import { pointing, type ValuePointer } from '../values/value-pointer.ts';
import { BlockCache } from './block-cache.ts';
import { hashOfTableKey } from './key-hash.ts';
import type { TableCursor } from './table-cursor.ts';
import { openTable, type Table } from './table-reader.ts';
import { TableWriter } from './table-writer.ts';

export const START: TableKey = Buffer.alloc(0);

export class TestTables {
  readonly world = new SimWorld(1);
  readonly machine = this.world.node('n1');
  readonly disk: Disk = this.machine.boot().disk;

  /** Runs a script of disk operations to its end. */
  run<T>(script: () => Promise<T>): Promise<T> {
    return this.world.settle(script());
  }

  async write(
    number: number,
    entries: readonly TableEntry[],
    options: { compression?: boolean; expectedEntries?: number } = {},
  ): Promise<TableFile> {
    const { compression = false, expectedEntries = entries.length } = options;
    const file = await this.disk.create(tableName(number));
    const writer = new TableWriter(file, number, { compression, expectedEntries });
    for (const entry of entries) await writer.add(entry);
    const info = await writer.finish();
    await file.close();
    await this.disk.syncDirectory();
    return info;
  }

  open(number: number, cache = new BlockCache(1e9)): Promise<Table> {
    return openTable(this.disk, number, cache);
  }

  /** A file of exactly these bytes, in place of what was there. */
  async replace(name: string, bytes: Buffer): Promise<void> {
    if ((await this.disk.list()).includes(name)) await this.disk.remove(name);
    const file = await this.disk.create(name);
    await file.append(bytes);
    await file.sync();
    await file.close();
    await this.disk.syncDirectory();
  }

  bytesOf(number: number): Buffer {
    const bytes = this.machine.directory.bytesOf(tableName(number));
    if (bytes === undefined) throw new Error(`there is no table ${number}`);
    return bytes;
  }
}

export function entry(key: string, value: string | Buffer, sequence = 1): TableEntry {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'latin1') : value;
  return { key: Buffer.from(key, 'latin1'), kind: VALUE, sequence, value: bytes };
}

export function removal(key: string, sequence = 1): TableEntry {
  return { ...entry(key, '', sequence), kind: REMOVAL };
}

export function elsewhere(key: string, pointer: ValuePointer, sequence = 1): TableEntry {
  return pointing(entry(key, '', sequence), pointer);
}

/** Keys k00000, k00001 … with values of `valueBytes` different bytes. */
export function entriesUpTo(count: number, valueBytes: number): TableEntry[] {
  return Array.from({ length: count }, (_, index) => {
    const value = Buffer.alloc(valueBytes, `${index},`);
    return entry(`k${String(index).padStart(5, '0')}`, value, index + 1);
  });
}

export function lookUp(table: Table, key: TableKey) {
  return table.get(key, hashOfTableKey(key));
}

export async function drain(cursor: TableCursor): Promise<TableEntry[]> {
  const entries: TableEntry[] = [];
  for (let next = await cursor.nextBlock(); next !== undefined; next = await cursor.nextBlock()) {
    entries.push(...next);
  }
  return entries;
}

/** What a test compares, short enough to print. */
export function lines(entries: readonly TableEntry[]): string[] {
  return entries.map(({ key, kind, sequence, value }) => {
    if (kind === REMOVAL) return `${key.toString('latin1')}@${sequence} removed`;
    const text = value.length > 40 ? `${value.length} bytes` : value.toString('latin1');
    return `${key.toString('latin1')}@${sequence}=${text}`;
  });
}
