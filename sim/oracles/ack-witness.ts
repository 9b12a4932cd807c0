// O5 and O6, the witness of acknowledgements: in the instant in which a client is told "ok" it
// looks at the platters of all nodes, past everything that the nodes believe of themselves.
//
//   O5  W nodes hold the write, or what replaced it, so that no power cut takes it back; one of
//       them is a primary of the key, unless fallbacks did all of it (write-quorum.ts).
//   O6  who counted as a fallback keeps its copy for somebody: it has a hint, or all primaries
//       know the write already.
//
// Reading the disks of a whole cluster costs as much as a hundred writes: it looks at some only.

import type { WriteReceipt } from '../../src/replication/request.ts';
import type { SimCluster } from '../cluster.ts';
import { type DiskImage, knows } from '../disk-image.ts';
import type { History, WriteRecord } from '../history.ts';
import type { SimRandom } from '../sim-random.ts';

/** W of both keyspaces. */
const W = 2;

/** What a client was told, with the names of the nodes that counted. */
interface Told {
  readonly write: WriteRecord;
  readonly counted: readonly string[];
  readonly fallbacks: readonly string[];
}

export class AckWitness {
  readonly #cluster: SimCluster;
  readonly #history: History;
  readonly #random: SimRandom;
  readonly #lookChance: number;
  readonly #looking: Promise<void>[] = [];

  constructor(cluster: SimCluster, history: History, random: SimRandom, lookChance: number) {
    this.#cluster = cluster;
    this.#history = history;
    this.#random = random;
    this.#lookChance = lookChance;
  }

  /** To be called before anything else happens; `receipt` as it is then. */
  hear(write: WriteRecord, receipt: WriteReceipt): void {
    if (!this.#random.chance(this.#lookChance)) return;
    const [counted, fallbacks] = [receipt.nodes, receipt.fallbacks].map((ids) => {
      return ids.map((id) => this.#cluster.nameOf(id));
    }) as [string[], string[]];
    this.#looking.push(this.#look({ write, counted, fallbacks }));
  }

  /** Resolves when it has seen all that it wanted to see. */
  async finish(): Promise<void> {
    await Promise.all(this.#looking);
  }

  async #look(told: Told): Promise<void> {
    try {
      const disks = await this.#cluster.allDurableContents();
      this.#history.looks += 1;
      this.#history.broken.push(...this.#findings(told, disks));
    } catch (error) {
      this.#history.broken.push(`unreadable: a power cut would leave a disk with ${error}`);
    }
  }

  #findings({ write, counted, fallbacks }: Told, disks: ReadonlyMap<string, DiskImage>): string[] {
    const { keyspace, key, value, dot } = write;
    const name = `${keyspace}/${key}`;
    const holds = (node: string) => dot !== undefined && knows(disks.get(node)!, name, dot);
    const primaries = this.#cluster.holders(name);
    const held = this.#cluster.names.filter(holds);
    const findings: string[] = [];
    const what = `${name} = ${value ?? 'a delete'}`;
    const isByPrimary = primaries.some(holds) || fallbacks.length === counted.length;
    if (held.length < W || !isByPrimary) {
      findings.push(`dishonest: ${what} was acknowledged while [${held}] had it durably`);
    }
    const isEverywhere = primaries.every(holds);
    for (const node of fallbacks) {
      if (isEverywhere || disks.get(node)!.hinted.has(name)) continue;
      findings.push(`unaccounted: ${node} counted for ${what}, and has no hint that it lacks`);
    }
    return findings;
  }
}
