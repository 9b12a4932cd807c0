// Merges siblings for the reads that this node coordinates, by the function of their keyspace. Ours
// run on the spot, which a small merge is done with before a thread had heard of it. Large ones,
// and modules of users whatever their size, run on the thread for guests within a time limit, and
// what comes of them is remembered.
// Whatever goes wrong, nothing is lost: the read answers with the siblings as they are and says
// why; it is counted, and said in the log once a second at most.

import { messageOf } from '../base/errors.ts';
import { type Later, later } from '../base/later.ts';
import type { Dot } from '../causality/dot.ts';
import type { Clock, Jobs, Log } from '../host/host.ts';
import { type GuestMerge, GuestModules } from './guest-modules.ts';
import { type MergeInput, mergeAll } from './merge-function.ts';
import { MergeMemory } from './merge-memory.ts';
import type { MergeRule } from './merge-rule.ts';
import { READY_FUNCTIONS } from './ready-functions.ts';

export interface MergerParts {
  readonly guests: Jobs;
  readonly clock: Clock;
  readonly log: Log;
}

/** Reads that met siblings, by what became of the merge. */
export interface MergeCounters {
  merged: number;
  /** The function threw, or returned what is no value. */
  failed: number;
  /** It was ended at its time limit, or waited too long for others. */
  late: number;
}

export type Merging =
  | { readonly kind: 'merged'; readonly value: Buffer }
  | { readonly kind: 'unmerged'; readonly why: string };

export interface MergeTask {
  readonly rule: MergeRule;
  /** The oldest first, so that all nodes fold them alike. */
  readonly inputs: readonly MergeInput[];
  /** Their names, in the same order. */
  readonly dots: readonly Dot[];
  /** What is larger is no value. */
  readonly bytesMax: number;
  /** Name of the keyspace and key, for the log. */
  readonly keyspace: string;
  readonly key: Buffer;
}

/** Of all siblings together: two milliseconds of `set-union`, the slowest of ours. */
const ON_THE_SPOT_BYTES_MAX = 32 * 1024;
/** Of ours: five times what they take for the largest object. */
const READY_LIMIT_MS = 1_000;
const LOG_PAUSE_MS = 1_000;
/** A message of a user's may be a whole value, and has to stand in the header of an answer. */
const WHY_CHARACTERS_MAX = 300;
const KEY_CHARACTERS_MAX = 100;

export class Merger {
  readonly counters: MergeCounters = { merged: 0, failed: 0, late: 0 };
  readonly #modules: GuestModules;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #memory = new MergeMemory();
  #logAfterMs = Number.NEGATIVE_INFINITY;

  constructor(parts: MergerParts) {
    this.#modules = new GuestModules(parts);
    this.#clock = parts.clock;
    this.#log = parts.log;
  }

  /** Whether a value that met no sibling is shown otherwise than it stands there. */
  showsLone({ name, module }: MergeRule): boolean {
    return module === undefined && READY_FUNCTIONS[name]?.showsLone === true;
  }

  /** Such a value; undefined: as it is, where the function fails at it. Never throws or rejects. */
  showLone(task: MergeTask): Later<Buffer | undefined> {
    return later(this.#run(task), (each) => (each.kind === 'merged' ? each.value : undefined));
  }

  /** Of two siblings at least. Never throws or rejects. */
  merge(task: MergeTask): Later<Merging> {
    return later(this.#run(task), (each) => this.#concluded(task, each));
  }

  #run(task: MergeTask): Later<GuestMerge> {
    const { name, module, limitMs } = task.rule;
    if (module !== undefined) return this.#runOnce(task, module, limitMs);
    const bytes = task.inputs.reduce((sum, { value }) => sum + value.length, 0);
    if (bytes <= ON_THE_SPOT_BYTES_MAX) return mergedByOurs(name, task.inputs);
    return this.#runOnce(task, name, READY_LIMIT_MS);
  }

  /** On the thread, unless it is known what comes of it. */
  #runOnce({ inputs, dots }: MergeTask, module: string, limitMs: number): Later<GuestMerge> {
    const siblings = dots.map(({ actor, counter }) => `${actor}:${counter}`).join(' ');
    const known = this.#memory.recall(siblings, this.#clock.monotonicMs());
    if (known !== undefined) return known;
    const merge = this.#modules.merge(module, inputs, limitMs);
    return this.#memory.keep(siblings, merge, () => this.#clock.monotonicMs());
  }

  #concluded(task: MergeTask, merge: GuestMerge): Merging {
    if (merge.kind !== 'merged') {
      return this.#unmerged(task, merge.kind === 'failed' ? 'failed' : 'late', merge.why);
    }
    const { value } = merge;
    if (value.length > task.bytesMax) {
      const why = `what it returned has ${value.length} bytes, more than ${task.bytesMax}`;
      return this.#unmerged(task, 'failed', why);
    }
    this.counters.merged += 1;
    return { kind: 'merged', value };
  }

  #unmerged(task: MergeTask, kind: 'failed' | 'late', whole: string): Merging {
    this.counters[kind] += 1;
    const why = whole.slice(0, WHY_CHARACTERS_MAX);
    const nowMs = this.#clock.monotonicMs();
    if (nowMs >= this.#logAfterMs) {
      this.#logAfterMs = nowMs + LOG_PAUSE_MS;
      const { keyspace, rule, inputs } = task;
      const key = task.key.toString('utf8').slice(0, KEY_CHARACTERS_MAX);
      const what = { keyspace, key, merge: rule.name, siblings: inputs.length, why };
      this.#log.warn('siblings not merged', what);
    }
    return { kind: 'unmerged', why };
  }
}

function mergedByOurs(name: string, inputs: readonly MergeInput[]): GuestMerge {
  const fn = READY_FUNCTIONS[name];
  try {
    if (fn === undefined) throw new Error(`there is no merge function "${name}"`);
    return { kind: 'merged', value: Buffer.from(mergeAll(fn, inputs)) };
  } catch (error) {
    return { kind: 'failed', why: messageOf(error) };
  }
}
