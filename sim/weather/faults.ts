// The faults of one run: when they strike, whom, and how they end. What the weather lacks never
// strikes. Only what must be survivable is destroyed: bytes that no sync has confirmed, and disks
// and files that the atlas gives up (disk-atlas.ts); so any loss is a bug, and never an excuse.

import type { SimCluster } from '../cluster.ts';
import type { DiskLooks } from '../oracles/disk-looks.ts';
import { type SimDirectory, SSD } from '../sim-directory.ts';
import type { SimWorld } from '../sim-host.ts';
import type { LinkQuality } from '../sim-link.ts';
import type { SimRandom } from '../sim-random.ts';
import type { DiskAtlas } from './disk-atlas.ts';
import { drawRotPlace, isOfLog, isStillThere, mayRefuse } from './rot.ts';
import type { Weather } from './weather.ts';

/** How often something struck. */
export interface FaultCounts {
  powerCuts: number;
  crashes: number;
  disksLost: number;
  disksRestored: number;
  /** Times that the atlas did not give a disk up. */
  disksSpared: number;
  /** Bits that flipped. */
  bitsRotten: number;
  /** Disks that were replaced because a node would not start with what rotted there. */
  disksRotten: number;
}

export interface FaultParts {
  readonly world: SimWorld;
  readonly cluster: SimCluster;
  readonly atlas: DiskAtlas;
  readonly looks: DiskLooks;
}

/** Of the wall clock, to either side: more than two clocks may be apart (hybrid-clock.ts). */
const SKEW_MS_MAX = 30_000;
const JUMP_MS_MAX = 60_000;
/** Before so many of its crashes, and after the next start, it is noted what a node has. */
const CRASH_LOOK_CHANCE = 0.3;

export class Faults {
  readonly counts: FaultCounts = {
    powerCuts: 0,
    crashes: 0,
    disksLost: 0,
    disksRestored: 0,
    disksSpared: 0,
    bitsRotten: 0,
    disksRotten: 0,
  };
  readonly #parts: FaultParts;
  readonly #weather: Weather;
  readonly #random: SimRandom;
  readonly #lateDice: SimRandom;
  /** Names of nodes that were noted when they crashed. */
  readonly #noted = new Set<string>();
  readonly #copies = new Map<string, DiskCopy>();
  /** Machines that are down because their disk is being replaced. */
  readonly #inRepair = new Set<string>();
  /** Names of nodes whose disk was replaced by an empty one. */
  readonly wiped = new Set<string>();
  #isOver = false;

  constructor(parts: FaultParts, weather: Weather) {
    this.#parts = parts;
    this.#weather = weather;
    this.#random = parts.world.random.fork('faults');
    this.#lateDice = this.#random.fork('late');
  }

  /** Whether anything that was durable is gone so far: a disk, or what rotted. */
  get hasDestroyed(): boolean {
    const { disksLost, disksRestored, bitsRotten } = this.counts;
    return disksLost + disksRestored + bitsRotten > 0;
  }

  /** Sets the climate and schedules events until `stop()`. */
  start(): void {
    const random = this.#random;
    const { world, cluster } = this.#parts;
    world.network.setQuality(this.#drawQuality());
    for (const name of cluster.names) {
      if (!this.#weather.hasSkewedClocks) break;
      world.node(name).quartz.setSkew(random.between(-SKEW_MS_MAX, SKEW_MS_MAX));
    }
    const island = this.#lateDice.shuffle(cluster.names).slice(0, this.#lateDice.pick([1, 2]));
    const kinds: [isOn: boolean, meanMs: number, strike: () => void][] = [
      [this.#weather.hasCrashes, 1_500, () => this.#crash([this.#someName()])],
      [this.#weather.hasPowerCuts, this.#weather.powerCutMs, () => this.#cutPower()],
      [this.#weather.hasPartitions, 1_500, () => this.#partition()],
      [this.#weather.hasClogs, 1_000, () => this.#clog()],
      [this.#weather.hasPauses, 2_000, () => this.#pause()],
      [this.#weather.hasSyncFailures, 2_500, () => this.#failSync()],
      [this.#weather.hasFullDisks, 3_000, () => this.#fillDisk()],
      [this.#weather.hasClockJumps, 1_500, () => this.#jumpClock()],
      [this.#weather.hasCleanRestarts, 2_000, () => this.#restart()],
      [this.#weather.hasStalledDisks, 2_500, () => this.#stallDisk()],
      [this.#weather.hasLostDisks, 2_000, () => this.#replaceDisk(this.#someName(), undefined)],
      [this.#weather.hasOldDisks, 1_500, () => this.#copyOrRestore()],
      [this.#weather.hasRot, 1_000, () => this.#rot()],
      [this.#weather.hasReadErrors, 500, () => this.#failRead()],
      [this.#weather.hasIslands, 3_000, () => this.#cutOff(island)],
    ];
    for (const [isOn, meanMs, strike] of kinds) if (isOn) this.#repeat(meanMs, strike);
  }

  /** Ends all faults, present and future; machines that are down stay so. */
  stop(): void {
    this.#isOver = true;
    const { world } = this.#parts;
    world.network.healAll();
    world.network.setQuality({});
    for (const machine of world.nodes()) {
      machine.resume();
      machine.directory.clearFaults();
      machine.directory.setPace(SSD);
      machine.quartz.setSkew(0);
    }
  }

  #drawQuality(): Partial<LinkQuality> {
    const random = this.#random;
    const { hasLossyNetwork, hasSlowNetwork } = this.#weather;
    return {
      delayMsMean: hasSlowNetwork ? random.between(1, 20) : 0.1,
      tailChance: hasSlowNetwork ? 0.02 : 0,
      tailMs: 300,
      lossChance: hasLossyNetwork ? random.between(1, 15) / 100 : 0,
      duplicateChance: hasLossyNetwork ? random.between(0, 20) / 100 : 0,
      reorderChance: hasLossyNetwork ? random.between(0, 50) / 100 : 0,
      lossNoticeChance: random.chance(0.5) ? 1 : 0.3,
    };
  }

  #someName(): string {
    return this.#random.pick(this.#parts.cluster.names);
  }

  #repeat(meanMs: number, strike: () => void): void {
    this.#later(this.#random.exponential(meanMs), 'fault', () => {
      strike();
      this.#repeat(meanMs, strike);
    });
  }

  #cutPower(): void {
    this.counts.powerCuts += 1;
    this.#crash(this.#parts.cluster.names);
  }

  #crash(names: readonly string[]): void {
    const { world, cluster, looks } = this.#parts;
    for (const name of names) {
      if (!world.node(name).isUp) continue;
      if (this.#lateDice.chance(CRASH_LOOK_CHANCE)) this.#noted.add(name);
      if (this.#noted.has(name)) looks.note(name);
      this.counts.crashes += 1;
      cluster.crash(name);
      this.#restartLater(name);
    }
  }

  #restartLater(name: string): void {
    const { world, cluster, looks } = this.#parts;
    this.#later(this.#random.exponential(this.#weather.downMs), `restart ${name}`, async () => {
      if (world.node(name).isUp || this.#inRepair.has(name)) return;
      if (await cluster.start(name)) {
        if (this.#noted.delete(name)) looks.note(name);
        return;
      }
      if (this.isRefusing(name)) await this.#repairDisk(name, undefined);
      else this.#restartLater(name);
    });
  }

  #partition(): void {
    const { network } = this.#parts.world;
    const names = this.#random.shuffle([...this.#parts.cluster.names]);
    const [first, second] = names as [string, string];
    const begin = this.#random.pick([
      () => network.cut(first, second),
      () => network.cutAll([first], names),
      () => network.cutAll(names, [first]),
      () => network.isolate(first),
      () => network.partition([first], names.slice(1)),
      () => network.partition(names.slice(0, 2), names.slice(2)),
    ]);
    begin();
    this.#later(this.#random.exponential(1_500), 'heal', () => network.healAll());
  }

  /**
   * The island from all others, so that its nodes stand in for them; or one node of it from one
   * other, which it cannot reach and which gets its writes from the rest.
   */
  #cutOff(island: readonly string[]): void {
    const { network } = this.#parts.world;
    const others = this.#parts.cluster.names.filter((name) => !island.includes(name));
    if (this.#lateDice.chance(0.5)) network.partition(island, others);
    else network.partition(island.slice(0, 1), [this.#lateDice.pick(others)]);
    this.#later(this.#random.between(1_000, 4_000), 'lands', () => network.healAll());
  }

  /** One way, or all that leads to a node or away from it, takes up to seconds for a while. */
  #clog(): void {
    const { network } = this.#parts.world;
    const names = this.#random.shuffle(this.#parts.cluster.names);
    const [first, ...others] = names as [string, ...string[]];
    const links = this.#random.pick([
      [[first, others[0]]],
      others.map((other) => [first, other]),
      others.map((other) => [other, first]),
    ]) as [string, string][];
    const delayMsMin = this.#random.between(20, 2_000);
    for (const [from, to] of links) network.setLink(from, to, { delayMsMin });
    this.#later(this.#random.exponential(1_500), 'flows', () => {
      for (const [from, to] of links) network.setLink(from, to, {});
    });
  }

  #pause(): void {
    const machine = this.#parts.world.node(this.#someName());
    machine.pause();
    this.#later(this.#random.exponential(1_500), 'resume', () => machine.resume());
  }

  #failSync(): void {
    const { world, cluster } = this.#parts;
    const name = this.#someName();
    if (world.node(name).isUp) world.node(name).directory.failNextSync();
    this.#later(500, 'operator looks', () => {
      if (cluster.isPoisoned(name)) this.#crash([name]);
    });
  }

  #fillDisk(): void {
    const { directory } = this.#parts.world.node(this.#someName());
    directory.setCapacity(directory.usedBytes() + this.#random.between(0, 200));
    this.#later(this.#random.exponential(1_500), 'space', () => directory.setCapacity(undefined));
  }

  #jumpClock(): void {
    const { quartz } = this.#parts.world.node(this.#someName());
    quartz.setSkew(this.#random.between(-JUMP_MS_MAX, JUMP_MS_MAX));
  }

  async #restart(): Promise<void> {
    const { cluster } = this.#parts;
    const name = this.#someName();
    if (cluster.node(name) === undefined) return;
    await cluster.stop(name);
    this.#restartLater(name);
  }

  /** Syncs that take seconds, and slow reads, as those of a dying or throttled disk are. */
  #stallDisk(): void {
    const { directory } = this.#parts.world.node(this.#someName());
    const readMs = this.#lateDice.between(1, 50);
    directory.setPace({ syncMs: this.#random.between(500, 5_000), readMs });
    this.#later(this.#random.exponential(1_500), 'pace', () => directory.setPace(SSD));
  }

  /** A cold copy of a disk is taken, or an earlier one put in its place. */
  async #copyOrRestore(): Promise<void> {
    const { world, cluster } = this.#parts;
    const name = this.#someName();
    const copy = this.#copies.get(name);
    if (copy !== undefined && this.#random.chance(0.5)) {
      await this.#replaceDisk(name, copy);
      return;
    }
    if (cluster.node(name) === undefined) return;
    if (this.#random.chance(0.3)) cluster.crash(name);
    else await cluster.stop(name);
    this.#copies.set(name, world.node(name).directory.backup());
    this.#restartLater(name);
  }

  /**
   * The node is taken down, and its disk replaced as soon as the atlas gives it up; if that does
   * not happen in a while, the node goes on as it was. `by` undefined: by an empty one.
   */
  async #replaceDisk(name: string, by: DiskCopy | undefined): Promise<void> {
    const { cluster } = this.#parts;
    if (this.#inRepair.has(name) || cluster.node(name) === undefined) return;
    cluster.crash(name);
    await this.#repairDisk(name, by);
  }

  /** The same of one that is down. */
  async #repairDisk(name: string, by: DiskCopy | undefined): Promise<void> {
    this.#inRepair.add(name);
    const isDone = await this.#parts.atlas.maybeDestroy({
      name,
      fate: by === undefined ? 'lost' : 'old',
      isOver: () => this.#isOver,
      destroy: () => (by === undefined ? this.#lose(name) : this.#goBack(name, by)),
    });
    if (this.#isOver) return;
    if (!isDone) this.counts.disksSpared += 1;
    this.#inRepair.delete(name);
    this.#restartLater(name);
  }

  /** Whether something rots on its disk with which it may not start, now or the next time. */
  isRefusing(name: string): boolean {
    return this.#parts.world.node(name).directory.rottenNames().some(mayRefuse);
  }

  /**
   * When all is over: the node, which is down and may not start, gets an empty disk; whether it
   * did.
   */
  replaceRotten(name: string): Promise<boolean> {
    const destroy = () => this.#lose(name);
    const loss = { name, fate: 'lost', isOver: () => false, isCalm: true, destroy } as const;
    return this.#parts.atlas.maybeDestroy(loss);
  }

  /** One bit of one file of one node, if there is one of the kind that the dice ask for. */
  async #rot(): Promise<void> {
    const name = this.#someName();
    const { directory } = this.#parts.world.node(name);
    const place = drawRotPlace(directory, this.#random);
    if (place === undefined) return;
    await this.#parts.atlas.maybeSpoil({
      name,
      fate: isOfLog(place.name) ? 'rotten-log' : 'rotten',
      isOver: () => this.#isOver || !isStillThere(directory, place),
      destroy: () => {
        this.counts.bitsRotten += 1;
        directory.rot(place.name, place.offset, place.bit);
      },
    });
  }

  #failRead(): void {
    const { directory } = this.#parts.world.node(this.#someName());
    const names = directory.names();
    if (names.length > 0) directory.failNextRead(this.#random.pick(names));
  }

  #lose(name: string): void {
    this.counts.disksLost += 1;
    if (this.isRefusing(name)) this.counts.disksRotten += 1;
    this.wiped.add(name);
    this.#parts.world.node(name).wipeDisk();
  }

  #goBack(name: string, copy: DiskCopy): void {
    this.counts.disksRestored += 1;
    this.#parts.world.node(name).directory.restore(copy);
  }

  #later(ms: number, label: string, run: () => void): void {
    this.#parts.world.after(ms, label, () => {
      if (!this.#isOver) run();
    });
  }
}

type DiskCopy = ReturnType<SimDirectory['backup']>;
