// Which disk may be destroyed now, so that nothing is lost by it that must not be.
//
// The store promises to survive the loss of N - max(R, W) disks of each preference list at a time:
// one of three. That is no licence to destroy one every minute: until the node on the new disk has
// been brought what it lost, the next loss is the second. So a disk is given up exactly when of
// each acknowledged write, or of what replaced it, enough other primaries of its key have a durable
// copy:
//
//   lost   one: the node knows that its disk is empty, and votes in no read before it is refilled
//   old    N - R + 1: nothing tells the node that it went back in time before somebody shows it;
//          until then it and one that the write has not reached yet are a quorum of R
//
// Of rot in a file nothing needs to be known but that all that the node has, acknowledged or not,
// stands elsewhere too, for its slots are dropped only then (replication/refill/damage-healer.ts):
//
//   rotten      one: what cannot be read says so, and a file that keeps a node from starting is
//               lost with its disk
//   rotten-log  N - R + 1: rot in the last batch cannot be told from a torn end (log-recovery.ts)
//
// And no second disk goes, and nothing rots, while a node has rot or is being refilled for whatever
// reason, or went down while it was: two such nodes of three count in reads when the third is not
// there (replication/refill/without-past.ts), and one that is refilled and one with rot wait for
// each other.
//
// Whether it is so is read from the disks themselves, as a power cut in that moment would leave
// them, and not from what the nodes say. The node is down meanwhile, for longer than any request
// lasts: what was acknowledged with its copy was acknowledged before we look.

import { isBehind } from '../../src/causality/siblings.ts';
import type { SimCluster } from '../cluster.ts';
import { type DiskImage, knows, objectOn } from '../disk-image.ts';
import type { History } from '../history.ts';
import type { DiskLooks } from '../oracles/disk-looks.ts';
import type { SimWorld } from '../sim-host.ts';

/** Of N = 3 with R = 2. */
const COPIES_LEFT_MIN = { lost: 1, old: 2, rotten: 1, 'rotten-log': 2 };

/** What becomes of a disk: it is replaced by an empty one, or by an old copy; or a file rots. */
export type DiskFate = keyof typeof COPIES_LEFT_MIN;
/** Longer than a client waits for an answer. */
const LOOK_MS = 2_000;
const LOOKS_MAX = 4;

export interface DiskLoss {
  readonly name: string;
  readonly fate: DiskFate;
  /** Whether nothing may be destroyed any more. */
  readonly isOver: () => boolean;
  readonly destroy: () => void;
  /** Nobody reads before all are full again: others may be refilled meanwhile. */
  readonly isCalm?: true;
}

export interface AtlasParts {
  readonly world: SimWorld;
  readonly cluster: SimCluster;
  readonly history: History;
  readonly looks: DiskLooks;
}

export class DiskAtlas {
  readonly #world: SimWorld;
  readonly #cluster: SimCluster;
  readonly #history: History;
  readonly #looks: DiskLooks;
  /** Names of nodes whose disks went, or that were being refilled, and were not seen full since. */
  readonly #hollow = new Set<string>();
  #lastTurn: Promise<unknown> = Promise.resolve();

  constructor({ world, cluster, history, looks }: AtlasParts) {
    this.#world = world;
    this.#cluster = cluster;
    this.#history = history;
    this.#looks = looks;
  }

  /**
   * Calls `destroy` as soon as the disk of the node, which is down, can be done without; looks
   * several times. Resolves with whether it was so.
   */
  async maybeDestroy(loss: DiskLoss): Promise<boolean> {
    for (let look = 0; look < LOOKS_MAX; look++) {
      await this.#world.sleep(LOOK_MS);
      if (await this.#lookInTurn(loss)) return true;
    }
    return false;
  }

  /** The same for something in it, which was there before: now or not at all, up or down. */
  maybeSpoil(loss: DiskLoss): Promise<boolean> {
    return this.#lookInTurn(loss);
  }

  /** One after the other: what one look counts on no other may destroy meanwhile. */
  #lookInTurn(loss: DiskLoss): Promise<boolean> {
    const turn = this.#lastTurn.then(() => this.#look(loss));
    this.#lastTurn = turn;
    return turn;
  }

  async #look({ name, fate, isOver, destroy, isCalm }: DiskLoss): Promise<boolean> {
    const isRefilled = this.#isAnotherHollow(name) || this.#isAnyRefilling();
    if (isOver() || (isRefilled && isCalm !== true)) return false;
    const isReplaced = fate === 'lost' || fate === 'old';
    const copiesMin = COPIES_LEFT_MIN[fate];
    const looking = isReplaced
      ? this.#isDispensable(name, copiesMin)
      : this.#isElsewhere(name, copiesMin);
    if (!(await looking) || isOver()) return false;
    this.#hollow.add(name);
    if (fate === 'lost') this.#looks.forget(name);
    // A copy of old may know of damage, and have its slots dropped.
    else this.#looks.spoil(name);
    destroy();
    return true;
  }

  /** The node is being refilled, for whatever reason, and is going down. */
  noteHollow(name: string): void {
    this.#hollow.add(name);
  }

  /** For whatever reason: it waits for what would rot, and what rots for nodes that are full. */
  #isAnyRefilling(): boolean {
    return this.#cluster.names.some((name) => this.#cluster.slotsRefilling(name));
  }

  #isAnotherHollow(lost: string): boolean {
    for (const name of this.#hollow) {
      if (!isSound(this.#cluster, this.#world, name)) continue;
      this.#hollow.delete(name);
      this.#looks.mend(name);
    }
    return [...this.#hollow].some((name) => name !== lost);
  }

  async #isDispensable(lost: string, copiesMin: number): Promise<boolean> {
    const acknowledged = this.#history.writes.filter((write) => write.outcome === 'ok');
    const images = await this.#looks.lookAtAll();
    return acknowledged.every(({ keyspace, key, dot }) => {
      const name = `${keyspace}/${key}`;
      const others = this.#cluster.holders(name).filter((holder) => holder !== lost);
      const left = others.filter((holder) => {
        return dot !== undefined && knows(images.get(holder) as DiskImage, name, dot);
      });
      return left.length >= copiesMin;
    });
  }

  /** Whether what the node has, all of it, is known to so many other primaries. */
  async #isElsewhere(spoiled: string, copiesMin: number): Promise<boolean> {
    const images = await this.#looks.lookAtAll();
    const own = images.get(spoiled) as DiskImage;
    return [...own.objects].every(([name, object]) => {
      const others = this.#cluster.holders(name).filter((holder) => holder !== spoiled);
      const equals = others.filter((holder) => {
        return !isBehind(objectOn(images.get(holder) as DiskImage, name), object);
      });
      return equals.length >= copiesMin;
    });
  }
}

/** Whether the node is up, with all that it should have, on a disk on which nothing rots. */
export function isSound(cluster: SimCluster, world: SimWorld, name: string): boolean {
  const metrics = cluster.node(name)?.metrics();
  if (metrics === undefined || world.node(name).directory.rottenNames().length > 0) return false;
  return metrics.slotsRefilling === 0 && metrics.engine.damaged.length === 0;
}
