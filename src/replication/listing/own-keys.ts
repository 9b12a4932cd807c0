// What this node has in a stretch of slots, in the order of listings: slot, hash of the key, key.
// The engine keeps a slot's keys in the order of their bytes, so every page looks at the whole
// slot and keeps the `count` least hashes. Slots are small (one of 16,384), except where one hash
// tag holds very many keys: there a page costs as much as the slot is large, in small steps.

import { ByteReader } from '../../base/bytes.ts';
import { crc32 } from '../../base/checksum.ts';
import { type KeyspaceNumber, SLOT_COUNT, type Slot } from '../../base/ids.ts';
import { readVersion } from '../../causality/object-format.ts';
import type { Clock } from '../../host/host.ts';
import type { Engine, Entry, ScanRange } from '../../storage/engine.ts';
import type { ListedKey, Listing, SlotsRequest } from '../messages.ts';
import type { RefillBook } from '../refill/refill-book.ts';
import type { KeyPosition } from '../request.ts';

const PAGE = { entriesMax: 1_000, bytesMax: 1024 * 1024 };

/** In one reply, whatever the request asks for: it must fit into a frame, with room to spare. */
const COUNT_MAX = 10_000;
const KEY_BYTES_MAX = 1024 * 1024;

/** Between two pages of the engine other work gets its turn when this much time has passed. */
const STEP_MS = 4;

interface Candidate {
  readonly hash: number;
  readonly entry: Entry;
}

/** Keys that live in the slots whose bit is set: bit s % 8 of byte s / 8. */
export function countOwnKeys(engine: Engine, keyspace: KeyspaceNumber, slots: Buffer): number {
  let sum = 0;
  for (let slot = 0; slot < SLOT_COUNT; slot++) {
    const isAsked = ((slots[slot >> 3] as number) >> (slot & 7)) & 1;
    if (isAsked === 1) sum += engine.countOf(keyspace, slot as Slot);
  }
  return sum;
}

export interface OwnParts {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly refill: RefillBook;
}

/** Keys of one hash are never split over two pages. */
export async function listOwnKeys(parts: OwnParts, request: SlotsRequest): Promise<Listing> {
  const listing = await listed(parts, request);
  const toSlot = listing.next?.slot ?? request.toSlot;
  const isRefilling = parts.refill.isAnyRefilling(request.keyspace, request.from.slot, toSlot);
  return isRefilling ? { ...listing, isRefilling } : listing;
}

async function listed({ engine, clock }: OwnParts, request: SlotsRequest): Promise<Listing> {
  const limit = Math.max(1, Math.min(request.count, COUNT_MAX));
  const entries: ListedKey[] = [];
  let bytes = 0;
  for await (const { found, next } of slots(engine, clock, request, limit)) {
    for (const candidate of found) {
      const position = { slot: candidate.entry.slot, hash: candidate.hash };
      const isFull = entries.length >= limit || bytes >= KEY_BYTES_MAX;
      if (isFull && !isSame(position, entries.at(-1))) {
        return { kind: 'listing', entries, next: position };
      }
      entries.push(listedKey(candidate));
      bytes += candidate.entry.key.length;
    }
    if (next !== undefined) return { kind: 'listing', entries, next };
  }
  return { kind: 'listing', entries, next: undefined };
}

interface SlotKeys {
  /** The least hashes of the slot from the request's start on, in order. */
  readonly found: readonly Candidate[];
  /** Where those begin that were left out; undefined: all are there. */
  readonly next: KeyPosition | undefined;
}

/** Slot by slot, those that have any keys. */
async function* slots(
  engine: Engine,
  clock: Clock,
  request: SlotsRequest,
  limit: number,
): AsyncGenerator<SlotKeys> {
  const { keyspace, from, toSlot } = request;
  let range: ScanRange | undefined = { keyspace, fromSlot: from.slot, toSlot };
  let least: LeastHashes | undefined;
  let steppedMs = clock.monotonicMs();
  while (range !== undefined) {
    const page = await engine.scan(range, PAGE);
    for (const entry of page.entries) {
      if (least?.slot !== entry.slot) {
        if (least !== undefined) yield least.keys();
        least = new LeastHashes(entry.slot, limit);
      }
      const hash = crc32(entry.key);
      if (entry.slot !== from.slot || hash >= from.hash) least.add({ hash, entry });
    }
    range = page.next;
    if (clock.monotonicMs() - steppedMs < STEP_MS) continue;
    await new Promise<void>((resolve) => clock.after(0, resolve));
    steppedMs = clock.monotonicMs();
  }
  if (least !== undefined) yield least.keys();
}

/** Keeps the candidates with the least hashes; whole hashes only. */
class LeastHashes {
  readonly slot: Entry['slot'];
  readonly #limit: number;
  #candidates: Candidate[] = [];
  /** Of what was thrown away. */
  #leastLeftOut = Number.POSITIVE_INFINITY;

  constructor(slot: Entry['slot'], limit: number) {
    this.slot = slot;
    this.#limit = limit;
  }

  add(candidate: Candidate): void {
    if (candidate.hash >= this.#leastLeftOut) return;
    this.#candidates.push(candidate);
    if (this.#candidates.length > 4 * this.#limit) this.#trim();
  }

  keys(): SlotKeys {
    this.#trim();
    const hash = this.#leastLeftOut;
    const next = hash === Number.POSITIVE_INFINITY ? undefined : { slot: this.slot, hash };
    return { found: this.#candidates, next };
  }

  #trim(): void {
    const sorted = this.#candidates.sort(byHash);
    let kept = Math.min(this.#limit, sorted.length);
    while (kept < sorted.length && sorted[kept]?.hash === sorted[kept - 1]?.hash) kept += 1;
    const leftOut = sorted[kept];
    if (leftOut === undefined) return;
    this.#leastLeftOut = leftOut.hash;
    this.#candidates = sorted.slice(0, kept);
  }
}

function listedKey({ hash, entry }: Candidate): ListedKey {
  const version = readVersion(new ByteReader(entry.value));
  return { slot: entry.slot, hash, key: entry.key, version };
}

function byHash(a: Candidate, b: Candidate): number {
  return a.hash - b.hash || Buffer.compare(a.entry.key, b.entry.key);
}

function isSame(a: KeyPosition, b: KeyPosition | undefined): boolean {
  return b !== undefined && a.slot === b.slot && a.hash === b.hash;
}
