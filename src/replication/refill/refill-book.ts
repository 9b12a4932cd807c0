// Which slots of this node are being refilled. A disk that was lost, or went back in time, has
// forgotten writes that it had confirmed: R + W > N holds no more. So what this node has of such a
// slot is told to whoever asks, but counts as no answer, until the slot was level with that of each
// other primary once: then it has whatever any of them had. Writes count all the while.
//
// What is kept is which slots are full, so that an empty directory says the right thing by itself.
// All nodes of a cluster that is new are refilled, from each other: that takes one comparison.
//
// Invariant: a slot that was refilled stays so until distrust(), in this and in later lives.

import { hasCode } from '../../base/errors.ts';
import { ALL_SLOTS, type KeyspaceNumber, SLOT_COUNT, type Slot } from '../../base/ids.ts';
import type { Engine, EngineKey, Put, Stored } from '../../storage/engine.ts';
import type { ClusterView } from '../cluster-view.ts';
import type { Keyspace } from '../keyspace.ts';
import type { SlotAt } from '../messages.ts';
import type { MemberIndex } from '../peers.ts';
import { readRefilled, refilledKey, refilledPut } from './refill-record.ts';

interface RefillParts {
  readonly engine: Engine;
  readonly view: ClusterView;
  readonly keyspaces: readonly Keyspace[];
}

/** What a keyspace still waits for. */
interface Waiting {
  /**
   * By slot one bit for each place in its list of primaries that it was not level with yet; 0: it
   * is full, or this node is no primary of it. Undefined: all are 0.
   */
  places: Uint32Array | undefined;
  /** How many slots were not level with that of each other primary yet. */
  readonly byMember: Map<MemberIndex, number>;
  /** Slots that are not full. */
  slots: number;
  isSaved: boolean;
  isFirst: boolean;
}

/** Which slots are. */
interface Level {
  readonly but: ReadonlySet<Slot>;
  readonly fromSlot: Slot;
  readonly toSlot: Slot;
}

export class RefillBook {
  readonly #parts: RefillParts;
  /** By number of the keyspace. */
  readonly #waiting: (Waiting | undefined)[] = [];

  constructor(parts: RefillParts) {
    this.#parts = parts;
  }

  /** Once, before anything is read. Rejects as Engine.get, but for what cannot be read. */
  async load(): Promise<void> {
    const { engine, view, keyspaces } = this.#parts;
    for (const { number } of keyspaces) {
      const stored = await readable(engine, refilledKey(number));
      const isFull = stored === undefined ? () => false : readRefilled(stored.value);
      const waiting = this.#waitingFor(view.keyspace(number), isFull);
      this.#waiting[number] = { ...waiting, isSaved: true, isFirst: stored === undefined };
    }
  }

  /** Whether what this node has of the slot counts as no answer. */
  isRefilling({ keyspace, slot }: SlotAt): boolean {
    const places = this.#waiting[keyspace]?.places;
    return places !== undefined && places[slot] !== 0;
  }

  /** The same of any of the slots. */
  isAnyRefilling(keyspace: KeyspaceNumber, fromSlot: Slot, toSlot: Slot): boolean {
    const places = this.#waiting[keyspace]?.places;
    if (places === undefined) return false;
    for (let slot = fromSlot; slot <= toSlot; slot++) if (places[slot] !== 0) return true;
    return false;
  }

  /** Slots that are being refilled, of all keyspaces. */
  get slotsWaiting(): number {
    return this.#waiting.reduce((sum, waiting) => sum + (waiting?.slots ?? 0), 0);
  }

  /** Whether a slot was not level with that of `member` yet. */
  waitsFor(member: MemberIndex): boolean {
    return this.#waiting.some((waiting) => (waiting?.byMember.get(member) ?? 0) > 0);
  }

  /**
   * All slots, or these, that both hold were level with those of `member`, but for some. Durable
   * when what they were filled with is. For how many slots this is news. Throws as Engine.write:
   * then it is written down with what comes next.
   */
  noteLevel(
    keyspace: Keyspace,
    member: MemberIndex,
    but: ReadonlySet<Slot>,
    { fromSlot, toSlot } = ALL_SLOTS,
  ): number {
    const waiting = this.#waiting[keyspace.number];
    if (waiting === undefined) return 0;
    const levelled = this.#level(waiting, keyspace, member, { but, fromSlot, toSlot });
    if (waiting.slots === 0) waiting.places = undefined;
    this.#save(keyspace.number, waiting);
    return levelled;
  }

  #level(waiting: Waiting, keyspace: Keyspace, member: MemberIndex, level: Level): number {
    const { places, byMember } = waiting;
    const missing = byMember.get(member) ?? 0;
    if (places === undefined || missing === 0) return 0;
    const { view } = this.#parts;
    const { but, fromSlot, toSlot } = level;
    let levelled = 0;
    for (let slot = fromSlot; slot <= toSlot; slot++) {
      const bits = places[slot] as number;
      if (bits === 0 || but.has(slot)) continue;
      const left = bits & ~placeOf(view, keyspace, slot, member);
      if (left !== bits) levelled += 1;
      places[slot] = left;
      if (left !== 0) continue;
      waiting.slots -= 1;
      waiting.isSaved = false;
    }
    byMember.set(member, missing - levelled);
    return levelled;
  }

  /** These are to be refilled, for what stood there is dropped. Throws as Engine.write. */
  begin(keyspace: Keyspace, slots: readonly Slot[]): void {
    const { view } = this.#parts;
    const waiting = this.#waiting[keyspace.number];
    if (waiting === undefined) return;
    waiting.places ??= new Uint32Array(SLOT_COUNT);
    for (const slot of slots) expect(view, keyspace, slot, waiting as Expecting);
    if (waiting.slots === 0) waiting.places = undefined;
    waiting.isSaved = false;
    this.#save(keyspace.number, waiting);
  }

  /** What is kept, to be written anew. */
  records(): Put[] {
    return this.#parts.keyspaces.map(({ number }) =>
      refilledPut(number, this.#isFull(number), true),
    );
  }

  /** The directory went back in time: all slots are to be refilled. Throws as Engine.write. */
  distrust(): void {
    const { keyspaces, view } = this.#parts;
    for (const { number } of keyspaces) {
      const waiting = this.#waitingFor(view.keyspace(number), () => false);
      Object.assign(this.#waiting[number] as Waiting, waiting, { isSaved: false });
    }
    for (const { number } of keyspaces) this.#save(number, this.#waiting[number] as Waiting);
  }

  #save(keyspace: KeyspaceNumber, waiting: Waiting): void {
    if (waiting.isSaved) return;
    this.#parts.engine.write([refilledPut(keyspace, this.#isFull(keyspace), waiting.isFirst)]);
    waiting.isSaved = true;
    waiting.isFirst = false;
  }

  #isFull(keyspace: KeyspaceNumber): (slot: Slot) => boolean {
    return (slot) => !this.isRefilling({ keyspace, slot });
  }

  #waitingFor(keyspace: Keyspace, isFull: (slot: Slot) => boolean) {
    const { view } = this.#parts;
    const waiting = { places: new Uint32Array(SLOT_COUNT), byMember: new Map(), slots: 0 };
    for (let slot = 0 as Slot; slot < SLOT_COUNT; slot++) {
      if (!isFull(slot)) expect(view, keyspace, slot, waiting);
    }
    return { ...waiting, places: waiting.slots === 0 ? undefined : waiting.places };
  }
}

type Expecting = Pick<Waiting, 'byMember' | 'slots'> & { readonly places: Uint32Array };

/** The slot is to be level with that of each other primary; if there are none, or this node is no
 * primary, it is full. */
function expect(view: ClusterView, keyspace: Keyspace, slot: Slot, waiting: Expecting): void {
  const { places, byMember } = waiting;
  const primaries = view.primaries(keyspace, slot);
  if (!primaries.includes(view.self) || primaries.length === 1) return;
  if (places[slot] === 0) waiting.slots += 1;
  for (const [place, member] of primaries.entries()) {
    const bit = 1 << place;
    if (member === view.self || ((places[slot] as number) & bit) !== 0) continue;
    places[slot] = (places[slot] as number) | bit;
    byMember.set(member, (byMember.get(member) ?? 0) + 1);
  }
}

async function readable(engine: Engine, key: EngineKey): Promise<Stored | undefined> {
  try {
    return await engine.get(key);
  } catch (error) {
    if (!hasCode(error, 'CORRUPTION')) throw error;
    return undefined;
  }
}

/** One bit; 0: it is no primary. */
function placeOf(view: ClusterView, keyspace: Keyspace, slot: Slot, member: MemberIndex): number {
  const place = view.primaries(keyspace, slot).indexOf(member);
  return place < 0 ? 0 : 1 << place;
}
