// What a read answers in a keyspace with a merge function: of siblings one value, made of all that
// live. It is an answer, not a write: the replicas keep the siblings until a client writes with the
// context of the answer, which covers all of them.

import { KvorumError } from '../base/errors.ts';
import { type Later, later } from '../base/later.ts';
import type { Merger } from '../merge/merger.ts';
import type { Keyspace } from './keyspace.ts';
import type { KeyAt } from './messages.ts';
import type { LiveValue, MergeReport } from './request.ts';

export interface MergedValues {
  readonly values: readonly LiveValue[];
  readonly merge?: MergeReport;
}

/** To somebody who needs one value. */
export function mergeFailed(why: string): KvorumError {
  const fix = 'Read them all with KV.GET or over HTTP, and write one with the context of that.';
  return new KvorumError('MERGE_FAILED', `the siblings could not be merged: ${why}`, fix);
}

/** `siblings`: at least one, the newest first. Never throws or rejects. */
export function mergedValues(
  merger: Merger,
  { name, merge: rule, limits }: Keyspace,
  { key }: KeyAt,
  siblings: readonly LiveValue[],
): Later<MergedValues> {
  if (rule === undefined) return { values: siblings };
  const isLone = siblings.length === 1;
  if (isLone && !merger.showsLone(rule)) return { values: siblings };
  const oldestFirst = siblings.toReversed();
  const inputs = oldestFirst.map(({ value, time }) => ({ value, time }));
  const dots = oldestFirst.map(({ dot }) => dot);
  const task = { rule, inputs, dots, bytesMax: limits.objectBytesMax, keyspace: name, key };
  if (isLone) {
    return later(merger.showLone(task), (shown) => {
      return { values: shown === undefined ? siblings : [oneOf(siblings, shown)] };
    });
  }
  return later(merger.merge(task), (merging) => {
    if (merging.kind === 'unmerged') return { values: siblings, merge: merging };
    const values = [oneOf(siblings, merging.value)];
    return { values, merge: { kind: 'merged', siblingsCount: siblings.length } };
  });
}

/** Named after the newest; it lives as long as any of them. */
function oneOf(siblings: readonly LiveValue[], value: Buffer): LiveValue {
  const [{ dot, time }] = siblings as readonly [LiveValue];
  const isForEver = siblings.some(({ expiresAt }) => expiresAt === 0);
  const expiresAt = isForEver ? 0 : Math.max(...siblings.map((each) => each.expiresAt));
  return { value, expiresAt, dot, time };
}
