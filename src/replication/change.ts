// What a write request does to the object that the coordinator has: which siblings it has seen,
// what stands there afterwards, or why nothing changes. A "value lives" when it is neither
// deleted nor expired; with several siblings the newest counts as the value.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { liveSiblings, type StoredObject } from '../causality/siblings.ts';
import { covers, EMPTY_VECTOR, type VersionVector } from '../causality/version-vector.ts';
import type { Keyspace } from './keyspace.ts';
import type { LiveValue, PutExpiry, WriteRequest } from './request.ts';

export type Decision =
  | {
      readonly kind: 'write';
      /** The siblings that the write replaces are those which this vector covers. */
      readonly seen: VersionVector;
      readonly isTombstone: boolean;
      readonly value: Buffer;
      /** Milliseconds since 1970; 0: never. */
      readonly expiresAt: number;
      readonly previous: LiveValue | undefined;
    }
  | { readonly kind: 'condition-failed'; readonly previous: LiveValue | undefined };

const NO_VALUE = Buffer.alloc(0);

/**
 * Whether the outcome depends on what stood there before, so that a quorum is read first. A
 * context counts: its holder has seen it somewhere, and that is what the write shall replace.
 */
export function needsRead(request: WriteRequest): boolean {
  const { change, condition, context, returnPrevious } = request;
  if (condition !== undefined || context !== undefined || returnPrevious === true) return true;
  return change.kind !== 'put' || change.expiresAt === 'keep';
}

/**
 * Whether a node that is no primary of the key may take it when none can be reached: it replaces
 * nothing that its writer has not seen, whatever stands there.
 */
export function isPlainPut({ change, condition, returnPrevious, before }: WriteRequest): boolean {
  const isPut = change.kind === 'put' && change.expiresAt !== 'keep';
  return isPut && condition === undefined && returnPrevious !== true && before === undefined;
}

function isHeld(
  { before, condition, context = EMPTY_VECTOR }: WriteRequest,
  known: StoredObject,
  previous: LiveValue | undefined,
): boolean {
  if (before !== undefined && known.siblings.some(({ time }) => time > before)) return false;
  switch (condition) {
    case undefined:
      return true;
    case 'absent':
      return previous === undefined;
    case 'present':
      return previous !== undefined;
    case 'unchanged':
      return known.siblings.every(({ dot }) => covers(context, dot));
  }
}

export function decide(
  { ttlMs }: Keyspace,
  known: StoredObject,
  request: WriteRequest,
  nowMs: number,
): Decision {
  const previous = liveSiblings(known, nowMs)[0];
  if (!isHeld(request, known, previous)) return { kind: 'condition-failed', previous };

  const seen = request.context ?? known.context;
  const { change } = request;
  if (change.kind === 'put') {
    const expiresAt = putExpiry(change.expiresAt, previous, ttlMs === 0 ? 0 : nowMs + ttlMs);
    return { kind: 'write', seen, isTombstone: false, value: change.value, expiresAt, previous };
  }
  if (previous === undefined) return { kind: 'condition-failed', previous };
  if (change.kind === 'delete') {
    return { kind: 'write', seen, isTombstone: true, value: NO_VALUE, expiresAt: 0, previous };
  }
  const { expiresAt } = change;
  return { kind: 'write', seen, isTombstone: false, value: previous.value, expiresAt, previous };
}

/** Milliseconds since 1970, 0: never. `byDefault` where the writer leaves it to the keyspace. */
function putExpiry(wanted: PutExpiry, previous: LiveValue | undefined, byDefault: number): number {
  if (wanted === 'keep' && previous !== undefined) return previous.expiresAt;
  return typeof wanted === 'number' ? wanted : byDefault;
}
