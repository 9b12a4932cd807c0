// The live tables at one moment: a set never changes, a flush or a compaction makes the next one.
// Whoever reads across a wait pins the set that he began with, so that his tables stay open and on
// disk; what a compaction replaced is removed when nobody pins it any more (LevelDB's versions).
//
//   level 0      newest first; each was a memtable, so they overlap, but not in sequences
//   level 1 …    sorted by key, no two overlap; for one key a lower level is newer than a higher
//   suspects     a part of them could not be read: at any level, they may overlap anything
//
// A suspect is kept out of compaction, and so the order of levels says nothing about it: it is
// asked in addition, and the higher sequence wins. One that cannot even be opened is a gap in what
// is known: a key in its range is answered only by an entry that is newer than all it held.

import type { Table } from '../sstable/table-reader.ts';
import type { TableEntry, TableKey } from '../table-entry.ts';
import type { TableInfo } from '../table-info.ts';
import type { ValueFiles } from '../values/value-files.ts';

type Answer = TableEntry | undefined;

export interface Lookup {
  readonly key: TableKey;
  /** hashOfTableKey(key) */
  readonly hash: number;
  /** Entries up to this sequence are of no interest: tables that have no others are not asked. */
  readonly after: number;
}

/** A table of the manifest, by whoever needs it. */
export class LiveTable {
  readonly info: TableInfo;
  /** To sets that are made from now on; whoever works with a set asks it for `sound` ones. */
  isSuspect: boolean;
  /** What was found instead of a table. */
  readonly content: Table | Error;
  readonly #dispose: (table: LiveTable) => void;
  /** Sets that it is in and that are in use. */
  #sets = 0;
  /** A later set lacks it: with the last set that has it, its file goes. */
  isObsolete = false;

  constructor(
    info: TableInfo,
    content: Table | Error,
    isSuspect: boolean,
    dispose: (table: LiveTable) => void,
  ) {
    this.info = info;
    this.content = content;
    this.isSuspect = isSuspect || content instanceof Error;
    this.#dispose = dispose;
  }

  covers(key: TableKey): boolean {
    const { firstKey, lastKey } = this.info;
    return Buffer.compare(firstKey, key) <= 0 && Buffer.compare(key, lastKey) <= 0;
  }

  enterSet(): void {
    this.#sets += 1;
  }

  leaveSet(): void {
    this.#sets -= 1;
    if (this.#sets === 0) this.#dispose(this);
  }
}

export class TableSet {
  /** The sound ones and the suspects. */
  readonly all: readonly LiveTable[];
  readonly sound: readonly LiveTable[];
  /** What they refer to, and perhaps more. */
  readonly values: ValueFiles;
  readonly level0: readonly LiveTable[];
  /** From level 1 on, but for those without tables. */
  readonly levels: readonly (readonly LiveTable[])[];
  readonly suspects: readonly LiveTable[];
  #pins = 1;

  /** Its maker holds the first pin. */
  constructor(tables: readonly LiveTable[], values: ValueFiles) {
    this.all = tables;
    this.values = values;
    this.sound = tables.filter(({ isSuspect }) => !isSuspect);
    this.suspects = tables.filter(({ isSuspect }) => isSuspect);
    this.level0 = this.sound
      .filter(({ info }) => info.level === 0)
      .sort((a, b) => b.info.sequenceMax - a.info.sequenceMax);
    const deeper = this.sound.filter(({ info }) => info.level > 0);
    this.levels = [...Map.groupBy(deeper, ({ info }) => info.level)]
      .sort(([one], [other]) => one - other)
      .map(([, level]) => level.sort((a, b) => Buffer.compare(a.info.firstKey, b.info.firstKey)));
    for (const table of tables) table.enterSet();
  }

  pin(): void {
    this.#pins += 1;
  }

  unpin(): void {
    this.#pins -= 1;
    if (this.#pins > 0) return;
    for (const table of this.all) table.leaveSet();
  }

  /**
   * The newest entry of the key, which may be a removal; throws or rejects with CORRUPTION where it
   * cannot be known.
   */
  get(lookup: Lookup): Answer | Promise<Answer> {
    const found = this.#search(lookup, 0);
    if (this.suspects.length === 0) return found;
    if (found instanceof Promise) return found.then((each) => this.#askSuspects(lookup, each));
    return this.#askSuspects(lookup, found);
  }

  /** Asks the places that may have the key, newest first, from number `place` on. */
  #search(lookup: Lookup, place: number): Answer | Promise<Answer> {
    const { key, hash, after } = lookup;
    const end = this.level0.length + this.levels.length;
    for (let at = place; at < end; at++) {
      const table = this.#tableAt(at, key);
      if (table === undefined || table.info.sequenceMax <= after) continue;
      const found = (table.content as Table).get(key, hash);
      if (found instanceof Promise) {
        return found.then((each) => each ?? this.#search(lookup, at + 1));
      }
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Level 0 has a place for each table, every other level has one. */
  #tableAt(place: number, key: TableKey): LiveTable | undefined {
    const { level0 } = this;
    const table =
      place < level0.length
        ? level0[place]
        : lastFrom(this.levels[place - level0.length] as readonly LiveTable[], key);
    return table?.covers(key) ? table : undefined;
  }

  /** May be async only when a suspect could hold something newer than `found`. */
  #askSuspects({ key, hash, after }: Lookup, found: Answer): Answer | Promise<Answer> {
    const known = Math.max(after, found?.sequence ?? 0);
    const asked = this.suspects.filter((table) => {
      return table.covers(key) && table.info.sequenceMax > known;
    });
    const damaged = asked.find(({ content }) => content instanceof Error);
    if (damaged !== undefined) throw damaged.content;
    if (asked.length === 0) return found;
    const answers = asked.map(async ({ content }) => (content as Table).get(key, hash));
    return Promise.all(answers).then((all) => all.reduce(newer, found));
  }
}

/** The last table of a level that begins at `key` or before. */
export function lastFrom(level: readonly LiveTable[], key: TableKey): LiveTable | undefined {
  let low = 0;
  let high = level.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const { firstKey } = (level[middle] as LiveTable).info;
    if (Buffer.compare(firstKey, key) <= 0) low = middle + 1;
    else high = middle;
  }
  return level[low - 1];
}

function newer(one: Answer, other: Answer): Answer {
  return (other?.sequence ?? -1) > (one?.sequence ?? -1) ? other : one;
}
