// The digest of a key on one node: 64 bits that follow from the key and from what the copy knows,
// its context. Copies with equal contexts have equal siblings (causality/siblings.ts), so values
// need not be looked at. The digests of a slot's keys, XORed, are the digest of the slot.
//
// Two lanes of 32 bits, each mixed word by word and finished as in MurmurHash3 (Appleby 2011,
// public domain). `seed` is the cluster's, so that nobody who only chooses keys can aim at equal
// digests.
//
// Pure: no clock, no disk, no network; dice are an argument.

import type { VersionVector } from '../../causality/version-vector.ts';
import type { Digest } from '../../storage/engine.ts';
import type { KeyAt } from '../messages.ts';

const WORD = 2 ** 32;

/** By how much the digest of a slot changes when a copy that knew `before` knows `after`. */
export function digestChange(
  seed: number,
  at: KeyAt,
  before: VersionVector,
  after: VersionVector,
): Digest {
  const key = keyLanes(seed, at);
  const old = contextDigest(key, before);
  const fresh = contextDigest(key, after);
  return { high: old.high ^ fresh.high, low: old.low ^ fresh.low };
}

/** Of a copy that knows `context`; who knows nothing has an empty one. */
export function digestOf(seed: number, at: KeyAt, context: VersionVector): Digest {
  return contextDigest(keyLanes(seed, at), context);
}

function keyLanes(seed: number, { keyspace, key }: KeyAt): Digest {
  let high = mixHigh(seed, keyspace);
  let low = mixLow(~seed, key.length);
  for (let i = 0; i < key.length; i++) {
    high = mixHigh(high, key[i] as number);
    low = mixLow(low, key[i] as number);
  }
  return { high, low };
}

function contextDigest(key: Digest, context: VersionVector): Digest {
  if (context.length === 0) return { high: 0, low: 0 };
  let { high, low } = key;
  for (const { actor, counter, isClosed } of context) {
    const node = Math.floor(actor / WORD) * 2 + (isClosed ? 1 : 0);
    high = mixHigh(mixHigh(high, node), actor | 0);
    low = mixLow(mixLow(low, node), actor | 0);
    high = mixHigh(mixHigh(high, counter | 0), Math.floor(counter / WORD));
    low = mixLow(mixLow(low, counter | 0), Math.floor(counter / WORD));
  }
  return { high: finished(high), low: finished(low) };
}

/** 32 bits of two words and a salt. */
export function mixed(salt: number, high: number, low: number): number {
  return finished(mixHigh(mixHigh(salt, high), low)) >>> 0;
}

function mixHigh(lane: number, word: number): number {
  const mixed = Math.imul(lane ^ word, 0xcc9e2d51);
  return (mixed << 15) | (mixed >>> 17);
}

function mixLow(lane: number, word: number): number {
  const mixed = Math.imul(lane + word, 0x1b873593);
  return (mixed << 13) | (mixed >>> 19);
}

function finished(lane: number): number {
  let hash = lane;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
