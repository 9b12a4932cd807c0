// A simulated world: any number of machines, one network, one virtual time, one seed. The nodes on
// it are the real ones; only the host under them is not.
//
//   const world = new SimWorld(42);
//   const host = world.node('n1').boot();
//   await world.settle(startNode(host));    runs the world until the promise settles
//   await world.runFor(5_000);              runs five seconds of it
//   world.node('n1').crash();
//
// The same seed and the same calls give the same run, event by event: traceHash() proves it.
// While the world is not being run nothing happens in it; so await a promise of a node only
// through settle(), or from code that itself runs inside a settle().

import { assert } from '../src/base/assert.ts';
import type { Later } from '../src/base/later.ts';
import { drainPromiseJobs, SimEvents } from './sim-events.ts';
import { type LogLine, SimMachine } from './sim-machine.ts';
import { SimNetwork } from './sim-network.ts';
import { SimRandom } from './sim-random.ts';
import { SimTrace } from './sim-trace.ts';

export interface SimOptions {
  /** How many of the last events and log lines are kept for a report. */
  readonly linesKept?: number;
  /** Hears what the nodes log. */
  readonly hear?: (line: LogLine) => void;
}

/** Virtual time after which a promise that has not settled counts as stuck. */
const SETTLE_MS_MAX = 600_000;

export class SimWorld {
  readonly seed: number;
  /** A stream for the test itself, apart from those of the nodes. */
  readonly random: SimRandom;
  readonly network: SimNetwork;
  readonly #dice: SimRandom;
  readonly #trace: SimTrace;
  readonly #events: SimEvents;
  readonly #machines = new Map<string, SimMachine>();
  readonly #linesKept: number;
  readonly #hear: SimOptions['hear'];
  #logLines: LogLine[] = [];
  #isRunning = false;

  constructor(seed: number, options: SimOptions = {}) {
    this.seed = seed;
    this.#linesKept = options.linesKept ?? 1000;
    this.#hear = options.hear;
    this.#dice = new SimRandom(seed);
    this.random = this.#dice.fork('test');
    this.#trace = new SimTrace(this.#linesKept);
    this.#events = new SimEvents(this.#dice.fork('events'), this.#trace);
    this.network = new SimNetwork(this.#events, this.#dice.fork('network'));
  }

  get nowMs(): number {
    return this.#events.nowMs;
  }

  /** The machine of that name; made, down and empty, when it is named for the first time. */
  node(name: string): SimMachine {
    let machine = this.#machines.get(name);
    if (machine === undefined) {
      machine = new SimMachine(name, {
        events: this.#events,
        network: this.network,
        random: this.#dice.fork(`node ${name}`),
        log: (line) => this.#keep(line),
      });
      this.#machines.set(name, machine);
    }
    return machine;
  }

  nodes(): SimMachine[] {
    return [...this.#machines.values()];
  }

  /** Calls `run` in `ms` of virtual time: for schedulers of faults and of work. */
  after(ms: number, label: string, run: () => void): void {
    this.#events.after(ms, label, run);
  }

  /** Resolves in `ms` of virtual time: for scripts that run inside a settle(). */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, 'a script wakes', resolve));
  }

  /** Runs the world for `ms` of virtual time. */
  runFor(ms: number): Promise<void> {
    const endUs = this.#events.nowUs + Math.ceil(ms * 1000);
    return this.#run(async () => {
      while (await this.#events.step(endUs));
      this.#events.skipTo(endUs);
    });
  }

  /**
   * Runs the world until `outcome` settles, and settles likewise. Rejects when that takes longer
   * than `withinMs` of virtual time, or when no event is left that could settle it.
   */
  async settle<T>(outcome: Later<T>, withinMs = SETTLE_MS_MAX): Promise<T> {
    if (!(outcome instanceof Promise)) return outcome;
    let isSettled = false;
    const settled = () => {
      isSettled = true;
    };
    outcome.then(settled, settled);
    await this.runUntil(() => isSettled, withinMs);
    return outcome;
  }

  /** Runs the world until `isSo`, asked after every event; rejects as settle() does. */
  runUntil(isSo: () => boolean, withinMs = SETTLE_MS_MAX): Promise<void> {
    const limitUs = this.#events.nowUs + Math.ceil(withinMs * 1000);
    return this.#run(async () => {
      while (!isSo()) {
        if (await this.#events.step(limitUs)) continue;
        const where = `seed ${this.seed}, ${this.nowMs} ms`;
        throw new Error(`${where}: what was waited for did not happen within ${withinMs} ms`);
      }
    });
  }

  /** 16 hex digits that name this run: equal for equal runs only. */
  traceHash(): string {
    return this.#trace.hash();
  }

  /** Events so far. */
  eventCount(): number {
    return this.#trace.count;
  }

  /** The last events, as text with the virtual time. */
  traceLines(): string[] {
    return this.#trace.lines();
  }

  /** The last lines that the nodes logged. */
  logLines(): readonly LogLine[] {
    return this.#logLines.slice(-this.#linesKept);
  }

  async #run(body: () => Promise<void>): Promise<void> {
    assert(!this.#isRunning, 'only one at a time runs the world; within it, use sleep()');
    this.#isRunning = true;
    try {
      await drainPromiseJobs();
      await body();
    } finally {
      this.#isRunning = false;
    }
  }

  #keep(line: LogLine): void {
    this.#events.note(`${line.node} ${line.level} ${line.event} ${JSON.stringify(line.fields)}`);
    this.#hear?.(line);
    this.#logLines.push(line);
    if (this.#logLines.length > 2 * this.#linesKept) {
      this.#logLines = this.#logLines.slice(-this.#linesKept);
    }
  }
}
