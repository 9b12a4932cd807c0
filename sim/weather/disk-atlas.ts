// Which disk may be destroyed now, so that nothing is lost by it that must not be.
//
// The store promises to survive the loss of N - max(R, W) disks of each preference list at a time:
// one of three. That is no licence to destroy one every minute: until the node on the new disk has
// been brought what it lost, the next loss is the second. Nor is one copy on another disk enough
// while a node with an empty disk answers reads: it and one that a write has not reached yet are a
// quorum of two that knows nothing. So a disk is given up exactly when, without it,
//
//   of each acknowledged write, or of what replaced it, so many primaries of its key have a durable
//   copy that every read quorum meets one: N - R + 1.
//
// Whether it is so is read from the disks themselves, as a power cut in that moment would leave
// them, and not from what the nodes say. The node is down meanwhile, for longer than any request
// lasts: what was acknowledged with its copy was acknowledged before we look.

import type { SimCluster } from '../cluster.ts';
import { type DiskImage, knows } from '../disk-image.ts';
import type { History } from '../history.ts';
import type { SimWorld } from '../sim-host.ts';

/** Of N = 3 with R = 2. */
const COPIES_LEFT_MIN = 2;
/** Longer than a client waits for an answer. */
const LOOK_MS = 2_000;
const LOOKS_MAX = 4;

export class DiskAtlas {
  readonly #world: SimWorld;
  readonly #cluster: SimCluster;
  readonly #history: History;

  constructor(world: SimWorld, cluster: SimCluster, history: History) {
    this.#world = world;
    this.#cluster = cluster;
    this.#history = history;
  }

  /** Whether the disk of the node, which is down, may be destroyed now; looks several times. */
  async givesUp(name: string, isOver: () => boolean): Promise<boolean> {
    for (let look = 0; look < LOOKS_MAX && !isOver(); look++) {
      await this.#world.sleep(LOOK_MS);
      if (await this.#isDispensable(name)) return true;
    }
    return false;
  }

  async #isDispensable(lost: string): Promise<boolean> {
    const acknowledged = this.#history.writes.filter((write) => write.outcome === 'ok');
    const images = await this.#cluster.allDurableContents();
    return acknowledged.every(({ keyspace, key, dot }) => {
      const name = `${keyspace}/${key}`;
      const others = this.#cluster.holders(name).filter((holder) => holder !== lost);
      const left = others.filter((holder) => {
        return dot !== undefined && knows(images.get(holder) as DiskImage, name, dot);
      });
      return left.length >= COPIES_LEFT_MIN;
    });
  }
}
