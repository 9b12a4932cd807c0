// What this node has in a stretch of slots, in the order of listings: slot, hash of the key, key.
// The engine keeps a slot's keys in the order of their bytes, so a slot is read whole and sorted
// here; slots are small (one of 16,384), except where one hash tag holds very many keys.

import { crc32 } from '../base/checksum.ts';
import { decodeObject } from '../causality/object-format.ts';
import { versionOf } from '../causality/siblings.ts';
import type { Engine, Entry, ScanRange } from '../storage/engine.ts';
import type { ListedKey, Listing, SlotsRequest } from './messages.ts';

const PAGE = { entriesMax: 1_000, bytesMax: 4 * 1024 * 1024 };

/** Keys in one reply at the most, whatever the request asks for. */
const COUNT_MAX = 10_000;

/** Whole hashes only: keys of one hash are never split over two pages. */
export async function listOwnKeys(engine: Engine, request: SlotsRequest): Promise<Listing> {
  const count = Math.max(1, Math.min(request.count, COUNT_MAX));
  const listed: ListedKey[] = [];
  for await (const slotEntries of slots(engine, request)) {
    const keys = slotEntries.map(listedKey).sort(byHash);
    const { slot } = keys[0] as ListedKey;
    const from = slot === request.from.slot ? request.from.hash : 0;
    for (const key of keys) {
      if (key.hash < from) continue;
      const last = listed.at(-1);
      const isTie = last !== undefined && last.slot === slot && last.hash === key.hash;
      if (listed.length >= count && !isTie) {
        return { kind: 'listing', entries: listed, next: { slot, hash: key.hash } };
      }
      listed.push(key);
    }
  }
  return { kind: 'listing', entries: listed, next: undefined };
}

/** The entries of each slot that has any, slot by slot. */
async function* slots(engine: Engine, request: SlotsRequest): AsyncGenerator<Entry[]> {
  const { keyspace, from, toSlot } = request;
  let range: ScanRange | undefined = { keyspace, fromSlot: from.slot, toSlot };
  let slot: Entry[] = [];
  while (range !== undefined) {
    const page = await engine.scan(range, PAGE);
    for (const entry of page.entries) {
      if (slot.length > 0 && slot[0]?.slot !== entry.slot) {
        yield slot;
        slot = [];
      }
      slot.push(entry);
    }
    range = page.next;
  }
  if (slot.length > 0) yield slot;
}

function listedKey(entry: Entry): ListedKey {
  const version = versionOf(decodeObject(entry.value));
  return { slot: entry.slot, hash: crc32(entry.key), key: entry.key, version };
}

function byHash(a: ListedKey, b: ListedKey): number {
  return a.hash - b.hash || Buffer.compare(a.key, b.key);
}
