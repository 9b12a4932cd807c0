// The tables of a directory while its engine is open: which are live, and the one way in which
// that changes. A change goes in the order of syncs on which recovery counts:
//
//   1 new tables, synced, with their names          by whoever wrote them, before install()
//   2 the manifest that names them                  here; changes wait for each other
//   3 the new set, for readers that begin now       here, in the same turn as what the caller does
//   4 what it replaced is removed                   with the last reader that may still need it
//
// A manifest that could not be written may stand on the disk all the same: whoever's install()
// rejects keeps his files and tries again, until the engine is closed.

import { hasCode, messageOf } from '../../base/errors.ts';
import type { KeyspaceNumber, Slot } from '../../base/ids.ts';
import type { Host } from '../../host/host.ts';
import { LiveDrops } from '../drops/live-drops.ts';
import type { DamagedRange } from '../engine.ts';
import type { BlockCache } from '../sstable/block-cache.ts';
import { openTable, type Table } from '../sstable/table-reader.ts';
import { corruption } from '../storage-errors.ts';
import { engineKeyOf } from '../table-entry.ts';
import { type TableFile, type TableInfo, tableName } from '../table-info.ts';
import { type Damage, ValueFiles } from '../values/value-files.ts';
import { areSameUses } from '../values/value-use.ts';
import { type Manifest, type ManifestTable, readManifest, writeManifest } from './manifest.ts';
import { LiveTable, TableSet } from './table-set.ts';

/** Up to which write everything is in tables, where the log goes on, and the sum of it all. */
export type Reach = Pick<Manifest, 'flushedSequence' | 'firstSegment' | 'summary'>;

export interface TableChange {
  readonly added: readonly TableInfo[];
  /** Numbers of tables that the added ones replace. */
  readonly removed: readonly number[];
  /** Numbers of tables that turned out to be unreliable. */
  readonly suspects?: readonly number[];
  /** How far the tables reach now, if that changes. */
  readonly reach?: Reach;
}

interface OpenedTable {
  readonly table: LiveTable;
  /** Of it, or of a value file that it is the first to refer to. */
  readonly damage: Error | undefined;
}

type StoreHost = Pick<Host, 'disk' | 'log'>;

export class TableStore {
  readonly #host: StoreHost;
  readonly #cache: BlockCache;
  readonly drops: LiveDrops;
  /** What its tables refer to. */
  readonly values: ValueFiles;
  #manifest: Manifest;
  #nextTable: number;
  #set: TableSet;
  /** Settles, always well, when the last change that was asked for is done. */
  #lastTurn: Promise<unknown> = Promise.resolve();
  /** Whose files are open. */
  readonly #open = new Set<LiveTable>();
  /** Of tables that nobody needs any more: their files on their way out. */
  readonly #disposals = new Set<Promise<void>>();
  #isClosed = false;
  /** Of tables that are closed. */
  readonly #filtersBefore = { checks: 0, falsePositives: 0 };

  /** `nextTable`: above the number of every file there is. */
  constructor(host: StoreHost, cache: BlockCache, manifest: Manifest, nextTable: number) {
    this.#host = host;
    this.#cache = cache;
    this.drops = new LiveDrops(manifest.drops, manifest.flushedSequence);
    this.#manifest = manifest;
    this.#nextTable = nextTable;
    this.values = new ValueFiles(host);
    this.#set = new TableSet([], this.values);
  }

  /** Opens what the manifest names; what cannot be opened is a suspect. Rejects with IO_ERROR. */
  async open(): Promise<void> {
    const names = new Set(await this.#host.disk.list());
    const tables: LiveTable[] = [];
    for (const { info, isSuspect } of this.#manifest.tables) {
      const { table } = await this.#live(info, isSuspect, (name) => names.has(name));
      tables.push(table);
    }
    this.#set = new TableSet(tables, this.values);
  }

  /** As it was last made durable. */
  get manifest(): Manifest {
    return this.#manifest;
  }

  /** Whoever keeps it beyond this turn pins it. */
  get set(): TableSet {
    return this.#set;
  }

  /** Above the number of every file so far. */
  get nextNumber(): number {
    return this.#nextTable;
  }

  /** The first of so many numbers for new tables or value files, never given out before. */
  takeNumbers(count: number): number {
    const first = this.#nextTable;
    this.#nextTable += count;
    return first;
  }

  /**
   * Makes the change durable and then visible; `inSameTurn` is run with it. Rejects with DISK_FULL,
   * IO_ERROR or CORRUPTION, and then nothing is visible.
   */
  install(change: TableChange, inSameTurn: () => void = () => undefined): Promise<void> {
    return this.#inTurn(() => this.#install(change, inSameTurn));
  }

  /** Writes the manifest anew where it no longer reads; resolves with whether that was so. */
  mendManifest(): Promise<boolean> {
    return this.#inTurn(async () => {
      const { disk } = this.#host;
      const found = await readManifest(disk).catch((error) => {
        if (!hasCode(error, 'CORRUPTION')) throw error;
        return undefined;
      });
      if (found === undefined) await writeManifest(disk, this.#manifest);
      return found === undefined;
    });
  }

  get filters(): { readonly checks: number; readonly falsePositives: number } {
    let { checks, falsePositives } = this.#filtersBefore;
    for (const { content } of this.#open) {
      if (content instanceof Error) continue;
      const stats = content.stats();
      checks += stats.filterChecks;
      falsePositives += stats.filterFalsePositives;
    }
    return { checks, falsePositives };
  }

  get damaged(): DamagedRange[] {
    const tables = this.#set.suspects.map(({ content, info }) => {
      const extent = content instanceof Error ? 'whole' : 'part';
      return damagedRange({ file: tableName(info.number), extent }, info);
    });
    const values = this.#set.all.flatMap(({ info }) => {
      return this.values.damagedOf(info.values).map((damage) => damagedRange(damage, info));
    });
    return [...tables, ...values];
  }

  /** Slots in which something cannot be read, perhaps, and was not dropped since; ascending. */
  damagedSlots(keyspace: KeyspaceNumber): Set<Slot> {
    const tables = this.#set.all.filter(({ info, isSuspect }) => {
      return isSuspect || this.values.damagedOf(info.values).length > 0;
    });
    const { visible } = this.drops;
    const slots = tables.flatMap(({ info }) => visible.shownSlots(info, keyspace));
    return new Set(slots.sort((one, other) => one - other));
  }

  /** Closes all files, whoever still pins their tables; nothing is installed any more. */
  async close(): Promise<void> {
    await this.#lastTurn;
    this.#isClosed = true;
    for (const table of this.#open) this.#dispose(table);
    await Promise.all(this.#disposals);
  }

  async #install(change: TableChange, inSameTurn: () => void): Promise<void> {
    const added = await this.#openAdded(change);
    const before = this.#set;
    const removed = new Set(change.removed);
    const kept = before.all.filter(({ info }) => !removed.has(info.number));
    for (const table of kept) {
      if (change.suspects?.includes(table.info.number)) table.isSuspect = true;
    }
    const set = new TableSet([...kept, ...added], this.values);
    const manifest = this.#manifestOf(set, change);
    try {
      await writeManifest(this.#host.disk, manifest);
    } catch (error) {
      set.unpin();
      throw error;
    }
    this.#manifest = manifest;
    this.#set = set;
    this.drops.settle(manifest.flushedSequence, infosOf(set));
    for (const table of before.all) {
      if (removed.has(table.info.number)) table.isObsolete = true;
    }
    inSameTurn();
    before.unpin();
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#lastTurn.then(act);
    const settled = () => undefined;
    this.#lastTurn = turn.then(settled, settled);
    return turn;
  }

  #manifestOf(set: TableSet, { reach }: TableChange): Manifest {
    const tables: ManifestTable[] = set.all.map(({ info, isSuspect }) => ({ info, isSuspect }));
    const reached = { ...this.#manifest, ...reach };
    const drops = this.drops.upTo(reached.flushedSequence).neededBy(infosOf(set)).drops();
    return { ...reached, nextTable: this.#nextTable, tables, drops };
  }

  /** Rejects with CORRUPTION when something of it does not read as it was written. */
  async #openAdded({ added }: TableChange): Promise<LiveTable[]> {
    const opened: LiveTable[] = [];
    try {
      for (const info of added) {
        const { table, damage } = await this.#live(info, false, () => true);
        opened.push(table);
        if (damage !== undefined) throw damage;
      }
      return opened;
    } catch (error) {
      for (const table of opened) this.#dispose(table);
      throw error;
    }
  }

  async #live(
    info: TableInfo,
    isSuspect: boolean,
    isThere: (name: string) => boolean,
  ): Promise<OpenedTable> {
    const damagedValues = await this.values.hold(info.values, isThere);
    try {
      const content = isThere(tableName(info.number)) ? await this.#openAs(info) : missing(info);
      const table = new LiveTable(info, content, isSuspect, (each) => this.#dispose(each));
      this.#open.add(table);
      if (!(content instanceof Error)) return { table, damage: damagedValues };
      const fields = { file: tableName(info.number), why: content.message };
      this.#host.log.error('table-damaged', fields);
      return { table, damage: content };
    } catch (error) {
      await this.values.release(info.values, false);
      throw error;
    }
  }

  async #openAs(info: TableInfo): Promise<Table | Error> {
    try {
      const table = await openTable(this.#host.disk, info.number, this.#cache);
      if (isAsNamed(table.info, info)) return table;
      await table.close();
      return corruption(tableName(info.number), 'it is not the table that the manifest names');
    } catch (error) {
      if (!hasCode(error, 'CORRUPTION')) throw error;
      return error;
    }
  }

  #dispose(table: LiveTable): void {
    if (!this.#open.delete(table)) return;
    const disposal = this.#release(table).catch((error) => {
      const file = tableName(table.info.number);
      this.#host.log.warn('table-not-removed', { file, why: messageOf(error) });
    });
    this.#disposals.add(disposal);
    disposal.then(() => this.#disposals.delete(disposal));
  }

  async #release({ content, info, isObsolete }: LiveTable): Promise<void> {
    if (!(content instanceof Error)) {
      const { filterChecks, filterFalsePositives } = content.stats();
      this.#filtersBefore.checks += filterChecks;
      this.#filtersBefore.falsePositives += filterFalsePositives;
      await content.close();
    }
    const name = tableName(info.number);
    const isThere = !(content instanceof Error) || (await this.#host.disk.list()).includes(name);
    if (isObsolete && isThere) await this.#host.disk.remove(name);
    await this.values.release(info.values, isObsolete && !this.#isClosed);
  }
}

function infosOf({ all }: TableSet): TableInfo[] {
  return all.map(({ info }) => info);
}

function damagedRange(damage: Damage, { firstKey, lastKey }: TableInfo): DamagedRange {
  const from = engineKeyOf(firstKey);
  const to = engineKeyOf(lastKey);
  return {
    ...damage,
    fromKeyspace: from.keyspace,
    fromSlot: from.slot,
    toKeyspace: to.keyspace,
    toSlot: to.slot,
  };
}

function missing({ number }: TableInfo): Error {
  return corruption(tableName(number), 'missing, though the manifest names it');
}

function isAsNamed(found: TableFile, named: TableInfo): boolean {
  return (
    found.bytes === named.bytes &&
    found.entries === named.entries &&
    found.removals === named.removals &&
    areSameUses(found.values, named.values) &&
    found.sequenceMin === named.sequenceMin &&
    found.sequenceMax === named.sequenceMax &&
    found.firstKey.equals(named.firstKey) &&
    found.lastKey.equals(named.lastKey)
  );
}
