// A sealed memtable becomes a table of level 0: sorted in steps, written in key order, synced, and
// its name made durable; its large values become a value file beside it. What was dropped since
// stays behind, and there is no table when nothing else was there. The engine serves requests
// meanwhile.

import type { Host } from '../host/host.ts';
import type { SettledDrops } from './drops/live-drops.ts';
import type { Memtable } from './memtable.ts';
import { TableWriter } from './sstable/table-writer.ts';
import { VALUE } from './table-entry.ts';
import { type TableInfo, tableName } from './table-info.ts';
import { ValueOutlet } from './values/value-outlet.ts';
import { pointing } from './values/value-pointer.ts';
import { WorkPace } from './work-pace.ts';

/** Entries between two looks at the clock: some 30 µs of work. */
const LOOK_EVERY = 32;

type FlushHost = Pick<Host, 'disk' | 'clock'>;

export interface FlushOrder {
  readonly memtable: Memtable;
  /** For the table, and for a value file if there is one. */
  readonly takeNumber: () => number;
  /** From this length on a value stands in the value file. */
  readonly largeValueBytes: number;
  readonly drops: SettledDrops;
  /** Asked now and then; throws to give up. */
  readonly checkGoesOn: () => void;
}

/**
 * Durable when it resolves. When it rejects (DISK_FULL, IO_ERROR or what checkGoesOn threw), what
 * it wrote is gone again if it could be removed.
 */
export async function flushMemtable(
  host: FlushHost,
  order: FlushOrder,
): Promise<TableInfo | undefined> {
  const number = order.takeNumber();
  const name = tableName(number);
  const file = await host.disk.create(name);
  const large = new ValueOutlet(host.disk, {
    takeNumber: order.takeNumber,
    bytesMax: Number.POSITIVE_INFINITY,
    compression: false,
  });
  try {
    const writer = new TableWriter(file, number, {
      // A level-0 table is compacted soon: compressing it costs more than its bytes.
      compression: false,
      expectedEntries: order.memtable.entries,
    });
    const entries = await writeEntries(host, order, writer, large);
    await large.finish();
    const info = entries > 0 ? await writer.finish() : undefined;
    await file.close();
    if (info === undefined) await host.disk.remove(name);
    else await host.disk.syncDirectory();
    return info && { ...info, level: 0, droppedUpTo: order.drops.upTo };
  } catch (error) {
    const unremoved = (): undefined => undefined;
    await file.close().catch(unremoved);
    // What cannot be removed is no part of the manifest: recovery removes it.
    await host.disk.remove(name).catch(unremoved);
    await large.remove();
    throw error;
  }
}

/** How many there were to write. */
async function writeEntries(
  host: FlushHost,
  { memtable, drops, checkGoesOn, largeValueBytes }: FlushOrder,
  writer: TableWriter,
  large: ValueOutlet,
): Promise<number> {
  const pace = new WorkPace(host.clock);
  const sorted = memtable.sorted();
  for (const _ of sorted.prepare()) {
    await pace.rest();
    checkGoesOn();
  }
  let written = 0;
  for (let index = 0; index < sorted.length; index++) {
    const entry = sorted.entryAt(index);
    const isHidden = drops.map.hides(entry.key, entry.sequence);
    const isLarge = !isHidden && entry.kind === VALUE && entry.value.length >= largeValueBytes;
    const kept = isLarge ? pointing(entry, await large.put(entry.value)) : entry;
    const writing = isHidden ? undefined : writer.add(kept);
    if (!isHidden) written += 1;
    if (writing !== undefined) {
      await writing;
      pace.refresh();
      checkGoesOn();
    }
    if (!isLarge && index % LOOK_EVERY !== 0) continue;
    const resting = pace.rest();
    if (resting === undefined) continue;
    await resting;
    checkGoesOn();
  }
  return written;
}
