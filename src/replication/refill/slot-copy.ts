// A slot as another primary lists it, and so can read it: its digest, and the version of each key.

import type { Slot } from '../../base/ids.ts';
import type { ObjectVersion } from '../../causality/siblings.ts';
import type { Digest } from '../../storage/engine.ts';
import { digestOf } from '../anti-entropy/key-digest.ts';
import type { SlotAt, SlotsRequest } from '../messages.ts';
import { type Asking, answerOf, type MemberIndex } from '../peers.ts';
import type { KeyPosition } from '../request.ts';

export interface SlotCopy {
  readonly member: MemberIndex;
  /** Of all that is listed. */
  readonly digest: Digest;
  /** By the bytes of the key, as text. */
  readonly versions: ReadonlyMap<string, ObjectVersion>;
  /** It may lack what it once confirmed. */
  readonly isRefilling: boolean;
}

export interface SlotCopyParts {
  readonly peers: Asking;
  readonly requestMs: number;
  readonly digestSeed: number;
}

const PAGE_KEYS = 1_000;

/** Undefined: the member did not list all of it. */
export async function slotCopyAt(
  { digestSeed, peers, requestMs }: SlotCopyParts,
  member: MemberIndex,
  { keyspace, slot }: SlotAt,
): Promise<SlotCopy | undefined> {
  const versions = new Map<string, ObjectVersion>();
  let [high, low, isRefilling] = [0, 0, false];
  let from: KeyPosition | undefined = { slot, hash: 0 };
  while (from !== undefined) {
    const request: SlotsRequest = { kind: 'list-slots', keyspace, ...pageFrom(from, slot) };
    const answer = await answerOf(peers, member, request, requestMs);
    if (answer.kind !== 'listing') return undefined;
    for (const { key, version } of answer.entries) {
      const digest = digestOf(digestSeed, { keyspace, slot, key }, version.context);
      high ^= digest.high;
      low ^= digest.low;
      versions.set(nameOf(key), version);
    }
    isRefilling ||= answer.isRefilling === true;
    from = answer.next;
  }
  return { member, digest: { high, low }, versions, isRefilling };
}

/** What it says of the key; undefined: nothing. */
export function versionIn({ versions }: SlotCopy, key: Buffer): ObjectVersion | undefined {
  return versions.get(nameOf(key));
}

function pageFrom(from: KeyPosition, toSlot: Slot) {
  return { from, toSlot, count: PAGE_KEYS };
}

function nameOf(key: Buffer): string {
  return key.toString('latin1');
}
