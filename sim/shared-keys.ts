// The keys that the clients of a run share.

/** Keys that clients share, of the siblings keyspace and of the latest one. */
export interface SharedKeys {
  readonly siblings: readonly string[];
  readonly latest: readonly string[];
}

/** So few that clients meet; some share a slot. */
export const FEW_KEYS: SharedKeys = {
  siblings: ['a', '{a}b', '{a}c', 'd'],
  latest: ['x', '{x}y', 'z'],
};

export function manyKeys(count: number): SharedKeys {
  const named = (prefix: string) => Array.from({ length: count }, (_, n) => `${prefix}${n}`);
  return { siblings: named('s'), latest: named('l') };
}
