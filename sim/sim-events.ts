// The time of a simulated world: a queue of events, ordered by virtual time. Events of one instant
// come in random order, because nothing in the real world promises another.
//
// After every event all promise jobs run before the next event is taken: JavaScript fixes their
// order, so the whole run is a function of the seed. Waiting for a real turn of the event loop
// (setImmediate) is the one way that misses none; it costs 1.5 µs, little beside what an event of
// a node costs, so it is done always and nothing guesses whether it was needed.
//
// Time is counted in whole microseconds, in which sums are exact.
//
// Invariant: #nowUs never goes back, and no event in the heap lies before it.

import { assert } from '../src/base/assert.ts';
import { messageOf } from '../src/base/errors.ts';
import type { SimRandom } from './sim-random.ts';
import type { SimTrace } from './sim-trace.ts';

export class SimEvent {
  readonly atUs: number;
  readonly tieBreak: number;
  readonly sequence: number;
  readonly label: string;
  #run: (() => void) | undefined;

  constructor(at: { us: number; tieBreak: number; sequence: number }, label: string) {
    this.atUs = at.us;
    this.tieBreak = at.tieBreak;
    this.sequence = at.sequence;
    this.label = label;
  }

  get isCancelled(): boolean {
    return this.#run === undefined;
  }

  runs(run: () => void): this {
    this.#run = run;
    return this;
  }

  cancel(): void {
    this.#run = undefined;
  }

  happen(): void {
    const run = this.#run;
    this.#run = undefined;
    run?.();
  }
}

export class SimEvents {
  readonly #random: SimRandom;
  readonly #trace: SimTrace;
  readonly #heap: SimEvent[] = [];
  #nowUs = 0;
  #sequence = 0;

  constructor(random: SimRandom, trace: SimTrace) {
    this.#random = random;
    this.#trace = trace;
  }

  get nowUs(): number {
    return this.#nowUs;
  }

  get nowMs(): number {
    return this.#nowUs / 1000;
  }

  /** Calls `run` in `delayMs` of virtual time, rounded up to a microsecond and at least one. */
  after(delayMs: number, label: string, run: () => void): SimEvent {
    assert(delayMs >= 0 && Number.isFinite(delayMs), `a delay is not ${delayMs} ms`);
    const us = this.#nowUs + Math.max(1, Math.ceil(delayMs * 1000));
    const at = { us, tieBreak: this.#random.u32(), sequence: this.#sequence++ };
    const event = new SimEvent(at, label).runs(run);
    push(this.#heap, event);
    return event;
  }

  /** Writes something that is no event of its own (a crash, a line of a log) into the trace. */
  note(text: string): void {
    this.#trace.note(this.#nowUs, text);
  }

  /**
   * Lets the next event happen, if it lies at `limitUs` or before; false when there is none.
   * What the event throws is thrown with its time and label.
   */
  async step(limitUs: number): Promise<boolean> {
    const event = this.#takeNext(limitUs);
    if (event === undefined) return false;
    assert(event.atUs >= this.#nowUs, 'time never goes back');
    this.#nowUs = event.atUs;
    this.#trace.note(event.atUs, event.label);
    try {
      event.happen();
    } catch (error) {
      const where = `at ${this.nowMs} ms, in "${event.label}"`;
      throw new Error(`${where}: ${messageOf(error)}`, { cause: error });
    }
    await drainPromiseJobs();
    return true;
  }

  /** Nothing happens until then; for the end of a run. */
  skipTo(us: number): void {
    this.#nowUs = Math.max(this.#nowUs, us);
  }

  #takeNext(limitUs: number): SimEvent | undefined {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || first.atUs > limitUs) return undefined;
      popFirst(this.#heap);
      if (!first.isCancelled) return first;
    }
  }
}

/** Resolves when every promise job that can run has run. */
export function drainPromiseJobs(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function isBefore(one: SimEvent, other: SimEvent): boolean {
  if (one.atUs !== other.atUs) return one.atUs < other.atUs;
  if (one.tieBreak !== other.tieBreak) return one.tieBreak < other.tieBreak;
  return one.sequence < other.sequence;
}

function push(heap: SimEvent[], event: SimEvent): void {
  let at = heap.length;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!isBefore(event, heap[parent] as SimEvent)) break;
    heap[at] = heap[parent] as SimEvent;
    at = parent;
  }
  heap[at] = event;
}

function popFirst(heap: SimEvent[]): void {
  const moved = heap.pop() as SimEvent;
  if (heap.length === 0) return;
  let at = 0;
  for (;;) {
    let child = at * 2 + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap[child + 1] as SimEvent, heap[child] as SimEvent)) {
      child += 1;
    }
    if (!isBefore(heap[child] as SimEvent, moved)) break;
    heap[at] = heap[child] as SimEvent;
    at = child;
  }
  heap[at] = moved;
}
