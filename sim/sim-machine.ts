// One simulated server: a disk and a quartz that last, and the life of the node that runs on it
// now. A user of the simulator boots it, runs a node on the host that he gets, and pulls the plug.

import { assert } from '../src/base/assert.ts';
import type { Host, Log, LogFields } from '../src/host/host.ts';
import { runJob as merge } from '../src/merge/merge-job.ts';
import { runJob as compaction } from '../src/storage/compaction/compaction-job.ts';
import { runJob as flush } from '../src/storage/flush-job.ts';
import { runJob as scrub } from '../src/storage/scrub/scrub-job.ts';
import { SimClock, SimQuartz } from './sim-clock.ts';
import { SimDirectory } from './sim-directory.ts';
import { SimDisk } from './sim-disk.ts';
import type { SimEvents } from './sim-events.ts';
import { type JobBodies, SimJobs } from './sim-jobs.ts';
import { SimLife } from './sim-life.ts';
import type { SimNetwork } from './sim-network.ts';
import type { SimRandom } from './sim-random.ts';

export interface Surroundings {
  readonly events: SimEvents;
  readonly network: SimNetwork;
  readonly random: SimRandom;
  readonly log: (line: LogLine) => void;
}

export interface LogLine {
  readonly atMs: number;
  readonly node: string;
  readonly level: 'info' | 'warn' | 'error';
  readonly event: string;
  readonly fields: LogFields;
}

/** What a node finds among its jobs; on the real host: storage/storage-jobs.ts. */
const JOB_BODIES: JobBodies = { flush, scrub, compaction };

/** For ready functions only: modules of users would come from the real file system. */
const GUEST_BODIES: JobBodies = { merge };

export class SimMachine {
  readonly name: string;
  /** Survives crashes; disk faults are set here. */
  readonly directory: SimDirectory;
  /** Survives crashes; skew, drift and jumps are set here. */
  readonly quartz: SimQuartz;
  readonly #around: Surroundings;
  #life: SimLife | undefined;
  #livesCount = 0;

  constructor(name: string, around: Surroundings) {
    this.name = name;
    this.#around = around;
    this.directory = new SimDirectory(around.random.fork('disk'));
    this.quartz = new SimQuartz(around.events);
  }

  get isUp(): boolean {
    return this.#life !== undefined;
  }

  get isPaused(): boolean {
    return this.#life?.isPaused ?? false;
  }

  /** Begins a life. The host works until crash(); the next boot() gives another one. */
  boot(bodies = JOB_BODIES): Host {
    assert(this.#life === undefined, `${this.name} is down before it boots`);
    const { events, network, random } = this.#around;
    const life = new SimLife(this.name, events);
    this.#life = life;
    this.#livesCount += 1;
    events.note(`${this.name} boots`);
    const clock = new SimClock(this.quartz, life);
    const disk = new SimDisk(this.directory, life);
    return {
      clock,
      disk,
      jobs: new SimJobs(disk, clock, bodies),
      guests: new SimJobs(disk, clock, GUEST_BODIES),
      network: network.seenBy(life),
      random: random.fork(`life ${this.#livesCount}`),
      log: this.#logOf(life),
    };
  }

  /**
   * Ends the life: no callback of it runs any more, no promise of it settles. What its disk had
   * not synced is kept, lost or damaged. Without effect on a machine that is down.
   */
  crash(): void {
    const life = this.#life;
    if (life === undefined) return;
    this.#around.events.note(`${this.name} crashes`);
    this.#life = undefined;
    life.end();
    this.directory.crash();
    this.#around.network.crash(life);
  }

  /** Frames, timers and the disk wait until resume(), while time goes by. */
  pause(): void {
    this.#life?.pause();
  }

  resume(): void {
    this.#life?.resume();
  }

  /** Replaces the disk by an empty one; only while the machine is down. */
  wipeDisk(): void {
    assert(this.#life === undefined, `${this.name} is down when its disk is replaced`);
    this.#around.events.note(`${this.name} gets a new disk`);
    this.directory.wipe();
  }

  #logOf(life: SimLife): Log {
    const write = (level: LogLine['level'], event: string, fields: LogFields = {}) => {
      if (!life.isAlive) return;
      this.#around.log({ atMs: life.nowMs, node: this.name, level, event, fields });
    };
    return {
      info: (event, fields) => write('info', event, fields),
      warn: (event, fields) => write('warn', event, fields),
      error: (event, fields) => write('error', event, fields),
    };
  }
}
