// What those say whose copies are being refilled counts when nobody is left who could know more:
// when all primaries have answered that the read counts (those of one data center, perhaps), or
// when nobody else does and so many of them are refilled that it makes no difference. W copies that
// were lost may have been all that there were of a write, which is more than W promises to outlive;
// as a rule the cluster is new, and a node of it has not come yet.
//
// Pure: no clock, no disk, no network; dice are an argument.

import type { Keyspace } from '../keyspace.ts';
import { majority } from '../levels/need.ts';

export function areAllWithoutPast(refilling: number, { n, w }: Pick<Keyspace, 'n' | 'w'>): boolean {
  const copies = typeof w === 'number' ? w : w === 'all' ? n : 1;
  return refilling >= Math.max(copies, majority(n));
}
