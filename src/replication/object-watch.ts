// Objects that grow beyond what is healthy, said once each time that one crosses the line, in the
// log and as counts: many siblings (nobody merges them), long contexts (coordinators crash while
// a primary is away), and contexts that had to be cut.

import { ACTORS_WARNED } from '../causality/pruning.ts';
import type { StoredObject } from '../causality/siblings.ts';
import { cutOf } from '../causality/version-vector.ts';
import type { Log } from '../host/host.ts';
import type { Keyspace } from './keyspace.ts';
import type { KeyAt } from './messages.ts';

/** Each counts objects of this node that crossed a line. */
export interface ObjectCounters {
  manySiblings: number;
  longContexts: number;
  contextsCut: number;
  /** Contexts that became shorter because all primaries had confirmed them. */
  contextsClosed: number;
}

const KEY_CHARACTERS_MAX = 100;

export class ObjectWatch {
  readonly counters: ObjectCounters = {
    manySiblings: 0,
    longContexts: 0,
    contextsCut: 0,
    contextsClosed: 0,
  };
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  note(keyspace: Keyspace, at: KeyAt, before: StoredObject, after: StoredObject): void {
    const { siblingsWarned } = keyspace.limits;
    const { siblings, context } = after;
    if (siblings.length > siblingsWarned && before.siblings.length <= siblingsWarned) {
      this.counters.manySiblings += 1;
      const fields = { ...nameOf(keyspace, at), siblings: siblings.length };
      this.#log.warn('many siblings', { ...fields, max: keyspace.limits.siblingsMax });
    }
    if (context.length <= ACTORS_WARNED) return;
    if (before.context.length <= ACTORS_WARNED) {
      this.counters.longContexts += 1;
      this.#log.warn('long context', { ...nameOf(keyspace, at), actors: context.length });
    }
    if (cutOf(context) > cutOf(before.context)) {
      this.counters.contextsCut += 1;
      const what = 'context cut: what was replaced may come back as a sibling';
      this.#log.error(what, { ...nameOf(keyspace, at), actors: context.length });
    }
  }
}

function nameOf(keyspace: Keyspace, { slot, key }: KeyAt) {
  const text = key.toString('utf8').slice(0, KEY_CHARACTERS_MAX);
  return { keyspace: keyspace.name, slot, key: text };
}
