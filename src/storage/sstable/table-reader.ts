// An open table: its filter and index in memory, its blocks in the cache or on the disk. A lookup
// asks the range, then the filter, then one block; it answers at once when that block is in memory,
// with a promise when the disk is needed.

import type { Disk, DiskFile } from '../../host/host.ts';
import { ELSEWHERE, type TableEntry, type TableKey } from '../table-entry.ts';
import { type TableFile, tableName } from '../table-info.ts';
import { decodePointer } from '../values/value-pointer.ts';
import { areSameUses, UseCounter } from '../values/value-use.ts';
import { entriesOf, findInBlock } from './block.ts';
import type { BlockCache } from './block-cache.ts';
import { BlockFile } from './block-file.ts';
import { BlockIndex } from './block-index.ts';
import { Filter } from './filter.ts';
import {
  decodeFooter,
  decoding,
  FOOTER_BYTES,
  type Layout,
  payloadOf,
  wrongAt,
} from './sstable-format.ts';
import { type CursorOptions, TableCursor } from './table-cursor.ts';
import { decodeProperties, type TableProperties } from './table-properties.ts';

export interface TableStats {
  readonly filterChecks: number;
  /** Lookups that ended there: the key is not in the table. */
  readonly filterNegatives: number;
  /** Lookups that went on to a block for nothing. */
  readonly filterFalsePositives: number;
  /** From the disk, for lookups, cursors and verify(). */
  readonly reads: number;
  readonly bytesRead: number;
}

const VERIFY_BYTES = 256 * 1024;

interface Parts {
  readonly layout: Layout;
  readonly filter: Filter;
  readonly index: BlockIndex;
  readonly properties: TableProperties;
}

/** Rejects with CORRUPTION, NEWER_FORMAT, OLDER_FORMAT or IO_ERROR. */
export async function openTable(disk: Disk, number: number, cache: BlockCache): Promise<Table> {
  const file = await disk.open(tableName(number));
  try {
    return new Table(file, number, await readParts(file, number), cache);
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function readParts(file: DiskFile, number: number): Promise<Parts> {
  const size = file.size();
  const footer = await file.read(Math.max(0, size - FOOTER_BYTES), FOOTER_BYTES);
  const layout = decodeFooter(footer, number, size);
  const [filterPart, indexPart, propertiesPart] = partsOf(layout);
  // Each by a read of its own: the filter stays in the memory that it was read into.
  const filter = await readPart(file, number, filterPart);
  const index = await readPart(file, number, indexPart);
  const properties = await readPart(file, number, propertiesPart);
  return {
    layout,
    filter: decoding(number, filterPart.offset, () => new Filter(filter)),
    index: decoding(number, indexPart.offset, () => new BlockIndex(index, layout.blocksBytes)),
    properties: decoding(number, propertiesPart.offset, () => decodeProperties(properties)),
  };
}

interface Part {
  readonly offset: number;
  readonly length: number;
}

function partsOf(layout: Layout): readonly [Part, Part, Part] {
  const { blocksBytes, filterBytes, indexBytes, propertiesBytes } = layout;
  return [
    { offset: blocksBytes, length: filterBytes },
    { offset: blocksBytes + filterBytes, length: indexBytes },
    { offset: blocksBytes + filterBytes + indexBytes, length: propertiesBytes },
  ];
}

async function readPart(file: DiskFile, number: number, part: Part): Promise<Buffer> {
  return payloadOf(await file.read(part.offset, part.length), number, part.offset);
}

export class Table {
  readonly number: number;
  readonly info: TableFile;
  readonly #file: DiskFile;
  readonly #blocks: BlockFile;
  readonly #filter: Filter;
  readonly #cache: BlockCache;
  #filterChecks = 0;
  #filterNegatives = 0;
  #filterFalsePositives = 0;

  /** Only openTable() makes one. */
  constructor(file: DiskFile, number: number, parts: Parts, cache: BlockCache) {
    const { rawBytes: _, ...about } = parts.properties;
    this.number = number;
    this.info = { number, bytes: file.size(), ...about };
    this.#file = file;
    this.#cache = cache;
    this.#filter = parts.filter;
    this.#blocks = new BlockFile(
      file,
      number,
      parts.index,
      cache.shelf(number, parts.index.blocks),
    );
  }

  /**
   * The entry of `key`, whose hash is hashOfTableKey(key). At once unless a block must be read;
   * rejects (or throws) with CORRUPTION or IO_ERROR. The key of the entry is `key` itself.
   */
  get(key: TableKey, hash: number): TableEntry | undefined | Promise<TableEntry | undefined> {
    this.#filterChecks += 1;
    if (!this.#filter.mayContain(hash)) {
      this.#filterNegatives += 1;
      return undefined;
    }
    const block = this.#blocks.index.find(key);
    const payload = this.#blocks.get(block);
    if (!(payload instanceof Promise)) return this.#findIn(payload, block, key);
    return payload.then((loaded) => this.#findIn(loaded, block, key));
  }

  /** All entries from `from` to `to`, both inclusive; undefined: to the end. */
  cursor(from: TableKey, to: TableKey | undefined, options: CursorOptions = {}): TableCursor {
    return new TableCursor(this.#blocks, { from, to }, options);
  }

  /**
   * Reads the whole file and checks it, past the cache; rejects with CORRUPTION or IO_ERROR.
   * `onRead` is told the bytes of each read and may take its time: the rate is its business.
   */
  async verify(onRead: (bytes: number) => void | Promise<void> = () => undefined): Promise<void> {
    const { index } = this.#blocks;
    const uses = new UseCounter();
    let entries = 0;
    for (let block = 0; block < index.blocks; ) {
      const run = await this.#blocks.readRun(block, index.blocks - 1, VERIFY_BYTES);
      for (; block <= run.last; block++) {
        const payload = this.#blocks.blockOf(run, block);
        entries += this.#decoding(block, () => counted(entriesOf(payload), uses));
      }
      await onRead(run.bytes.length);
    }
    const { layout, properties } = await readParts(this.#file, this.number);
    await onRead(this.info.bytes - layout.blocksBytes);
    if (entries !== properties.entries) {
      throw wrongAt(this.number, 0, `${entries} entries instead of ${properties.entries}`);
    }
    if (!areSameUses(uses.uses(), properties.values)) {
      throw wrongAt(this.number, 0, 'its pointers are not those that it lists');
    }
  }

  stats(): TableStats {
    const { count, bytes } = this.#blocks.reads;
    return {
      filterChecks: this.#filterChecks,
      filterNegatives: this.#filterNegatives,
      filterFalsePositives: this.#filterFalsePositives,
      reads: count,
      bytesRead: bytes,
    };
  }

  /** Of filter and index. */
  get memoryBytes(): number {
    return this.#filter.bytes + this.#blocks.index.bytes;
  }

  /** Waits for lookups that are under way; frees what the cache holds of it. */
  async close(): Promise<void> {
    this.#cache.drop(this.number);
    await this.#blocks.close();
  }

  #findIn(payload: Buffer, block: number, key: TableKey): TableEntry | undefined {
    const entry = this.#decoding(block, () => findInBlock(payload, key));
    if (entry === undefined) this.#filterFalsePositives += 1;
    return entry;
  }

  #decoding<T>(block: number, decode: () => T): T {
    return decoding(this.number, this.#blocks.index.offset(block), decode);
  }
}

/** How many entries there are; their pointers are added to `uses`. */
function counted(entries: readonly TableEntry[], uses: UseCounter): number {
  for (const { kind, value } of entries) {
    if (kind === ELSEWHERE) uses.add(decodePointer(value));
  }
  return entries.length;
}
