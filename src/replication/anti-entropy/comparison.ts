// One comparison of this node with another one, over a keyspace or some slots of it: which slots
// differ is found level by level (narrowing.ts), and what differs is brought level. For all slots
// that two nodes share, equal copies cost one message of 300 bytes and an answer of a few.
//
// Writes that are under way differ too for a moment, so only what differs twice is looked into.
// What still differs when no key does (contexts that were cut at different places) is remembered
// and left alone until one of the two digests changes.

import { assert } from '../../base/assert.ts';
import { fanOut } from '../../base/fan-out.ts';
import type { Slot } from '../../base/ids.ts';
import type { ClusterView } from '../cluster-view.ts';
import type { Keyspace } from '../keyspace.ts';
import type { BucketsRequest, CompareRequest, KeysRequest, Reply } from '../messages.ts';
import { PacedWindow } from '../paced-window.ts';
import { answerOf, type MemberIndex } from '../peers.ts';
import { answerTo, narrowed, TURNS_MAX } from './narrowing.ts';
import type { ExchangeCounters, Exchanged } from './object-exchange.ts';
import { SharedSlots } from './shared-slots.ts';
import { bucketDigests } from './slot-buckets.ts';
import { answerToKeys } from './slot-keys.ts';
import { SLOTS_TOGETHER, SlotRepair, type SlotRepairParts } from './slot-repair.ts';
import { differingPlaces, leafOf, ROOT, type TreeNode } from './tree-shape.ts';

export interface ComparisonParts extends Omit<SlotRepairParts, 'window'> {
  readonly view: ClusterView;
}

export interface ComparisonCounters extends ExchangeCounters {
  readonly exchanges: number;
  readonly slotsRepaired: number;
}

/** What is compared: those of the slots that both hold. */
export interface Compared {
  readonly member: MemberIndex;
  readonly keyspace: Keyspace;
  readonly fromSlot: Slot;
  /** Inclusive. */
  readonly toSlot: Slot;
  /** Told of slots that are done, as they are. */
  readonly onSlots?: (done: SlotsDone) => void;
}

export interface SlotsDone {
  readonly slots: number;
  /** That differed, and the bytes of the objects that were sent for them, both ways. */
  readonly keys: number;
  readonly bytes: number;
}

export interface Verdict {
  /** Slots that differed, in one key at least. */
  readonly differing: number;
  /** Slots in which the other side may have what we lack. */
  readonly lacking: ReadonlySet<Slot>;
  /** Slots that may still be different. */
  readonly uneven: ReadonlySet<Slot>;
  /** Whether the other side answered everything. */
  readonly isWhole: boolean;
}

/** A write that was under way has arrived everywhere by then. */
const CONFIRM_MS = 500;

/** Rows of slots: each waits for several answers. How many keys are under way is bounded apart. */
const ROWS_AT_ONCE = 4;

/** By slot, both digests of a slot that differs: `ours theirs`. */
type Differing = ReadonlyMap<Slot, string>;

const NO_SLOTS: ReadonlySet<Slot> = new Set();
const NO_LEVEL: ReadonlyMap<Slot, Exchanged> = new Map();
const ALL_LEVEL: Verdict = { differing: 0, lacking: NO_SLOTS, uneven: NO_SLOTS, isWhole: true };

export class Comparison {
  readonly #parts: ComparisonParts;
  readonly #window = new PacedWindow();
  readonly #repair: SlotRepair;
  readonly #shared = new Map<string, SharedSlots>();
  readonly #alike = new Map<string, string>();
  #exchanges = 0;
  #slotsRepaired = 0;
  #isClosed = false;

  constructor(parts: ComparisonParts) {
    this.#parts = parts;
    this.#repair = new SlotRepair({ ...parts, window: this.#window });
  }

  get counters(): ComparisonCounters {
    const [exchanges, slotsRepaired] = [this.#exchanges, this.#slotsRepaired];
    return { ...this.#repair.counters, exchanges, slotsRepaired };
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  close(): void {
    this.#isClosed = true;
    this.#window.close();
  }

  /** What another node that compares itself with us is told. */
  digestsFor({ keyspace, from, nodes }: CompareRequest): Reply {
    const { engine, view } = this.#parts;
    const member = view.memberNumbered(from);
    assert(member !== undefined, 'who compares is a member: frames of strangers are refused');
    const shared = this.slotsSharedWith(member, view.keyspace(keyspace));
    shared.refresh(engine);
    return { kind: 'digests', nodes: answerTo(shared, nodes) };
  }

  /** The same of the keys of one slot. Rejects as our disk does. */
  async bucketsFor({ keyspace, slot, buckets }: BucketsRequest): Promise<Reply> {
    const { engine, digestSeed } = this.#parts;
    const ours = await bucketDigests(engine, digestSeed, keyspace, slot);
    let differing = 0;
    for (const bucket of differingPlaces(ours, buckets)) differing |= 1 << bucket;
    return { kind: 'buckets', differing: differing >>> 0 };
  }

  /** What differs of the keys of some slots, or parts of them. Rejects as our disk does. */
  keysFor(request: KeysRequest): Promise<Reply> {
    return answerToKeys(this.#parts, request);
  }

  slotsSharedWith(member: MemberIndex, keyspace: Keyspace): SharedSlots {
    const name = `${member} ${keyspace.number}`;
    const shared = this.#shared.get(name) ?? new SharedSlots(this.#parts.view, keyspace, member);
    this.#shared.set(name, shared);
    return shared;
  }

  /** Undefined: the other side did not answer, or we are closed. Rejects as our disk does. */
  async run(compared: Compared): Promise<Verdict | undefined> {
    const { clock } = this.#parts;
    const { member, keyspace, fromSlot, toSlot, onSlots } = compared;
    this.#exchanges += 1;
    const first = await this.#differing(compared, [ROOT]);
    if (first === undefined) return undefined;
    const slots = this.slotsSharedWith(member, keyspace).countIn(fromSlot, toSlot);
    onSlots?.({ slots: slots - first.size, keys: 0, bytes: 0 });
    if (first.size === 0) return ALL_LEVEL;
    await new Promise<void>((resolve) => clock.after(CONFIRM_MS, resolve));
    const second = await this.#differing(compared, [...first.keys()].map(leafOf));
    if (second === undefined || this.#isClosed) return undefined;
    const twice = [...second].filter(([slot, digests]) => {
      return this.#alike.get(nameOf(compared, slot)) !== digests;
    });
    onSlots?.({ slots: first.size - twice.length, keys: 0, bytes: 0 });
    return await this.#levelAll(compared, twice);
  }

  async #levelAll(compared: Compared, slots: readonly [Slot, string][]): Promise<Verdict> {
    const lacking = new Set<Slot>();
    const uneven = new Set<Slot>();
    let differing = 0;
    let isWhole = true;
    await fanOut(rowsOf(slots), ROWS_AT_ONCE, async (row) => {
      const level = await this.#level(compared, row);
      for (const [slot] of row) {
        const exchanged = level.get(slot);
        if (exchanged?.keys !== 0) differing += 1;
        if (exchanged?.hasAll !== true) lacking.add(slot);
        if (exchanged?.isLevel !== true) uneven.add(slot);
        if (exchanged === undefined) isWhole = false;
        else compared.onSlots?.({ slots: 1, keys: exchanged.keys, bytes: exchanged.bytes });
      }
    });
    return { differing, lacking, uneven, isWhole };
  }

  /** Without those of which the other side has not told everything; none, when we are closed. */
  async #level(
    compared: Compared,
    row: readonly [Slot, string][],
  ): Promise<ReadonlyMap<Slot, Exchanged>> {
    if (this.#isClosed) return NO_LEVEL;
    const slots = row.map(([slot]) => slot);
    const level = await this.#repair.run(compared.member, compared.keyspace, slots);
    for (const [slot, digests] of row) {
      const repaired = level.get(slot);
      if (repaired?.keys === 0) this.#alike.set(nameOf(compared, slot), digests);
      else if (repaired !== undefined) this.#slotsRepaired += 1;
    }
    return this.#isClosed ? NO_LEVEL : level;
  }

  /** In what is below these nodes of the tree. Undefined: the other side did not answer. */
  async #differing(compared: Compared, nodes: readonly TreeNode[]): Promise<Differing | undefined> {
    const { engine, peers, view, requestMs } = this.#parts;
    const { member, keyspace, fromSlot, toSlot } = compared;
    const shared = this.slotsSharedWith(member, keyspace);
    const from = view.nodeNumber(view.self);
    const asked = { kind: 'compare-digests', keyspace: keyspace.number, from } as const;
    const all = new Map<Slot, string>();
    let told = nodes;
    for (let turn = 0; turn < TURNS_MAX && told.length > 0; turn++) {
      shared.refresh(engine);
      const request = { ...asked, nodes: told.map((node) => shared.digestsOf(node)) };
      const answer = await answerOf(peers, member, request, requestMs);
      if (answer.kind !== 'digests') return undefined;
      shared.refresh(engine);
      const { next, differing } = narrowed(shared, answer.nodes);
      for (const [slot, digests] of differing) {
        if (slot >= fromSlot && slot <= toSlot) all.set(slot, digests);
      }
      told = next;
    }
    return told.length === 0 ? all : undefined;
  }
}

/** Slots whose keys are compared together. */
function rowsOf(slots: readonly [Slot, string][]): (readonly [Slot, string][])[] {
  const rows: (readonly [Slot, string][])[] = [];
  for (let at = 0; at < slots.length; at += SLOTS_TOGETHER) {
    rows.push(slots.slice(at, at + SLOTS_TOGETHER));
  }
  return rows;
}

function nameOf({ member, keyspace }: Compared, slot: Slot): string {
  return `${member} ${keyspace.number} ${slot}`;
}
