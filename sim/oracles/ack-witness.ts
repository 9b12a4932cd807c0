// O5 and O6, the witness of acknowledgements: in the instant in which a client is told "ok" it
// looks at the platters of all nodes, past everything that the nodes believe of themselves.
//
//   O5  W nodes hold the write, or what replaced it, so that no power cut takes it back; so does
//       each primary that counted, and at least one, unless the node that named the write is none
//       itself and stood in for them all (write-quorum.ts).
//   O6  who counted as a fallback keeps its copy for somebody: hint-ledger.ts.
//
// Reading the disks of a whole cluster costs as much as a hundred writes: it looks at some only,
// and rather at what is written while a keyspace is emptied, and at what fallbacks hold.

import type { WriteReceipt } from '../../src/replication/request.ts';
import type { SimCluster } from '../cluster.ts';
import { type DiskImage, knows } from '../disk-image.ts';
import type { History, WriteRecord } from '../history.ts';
import type { SimWorld } from '../sim-host.ts';
import type { SimRandom } from '../sim-random.ts';
import type { DiskLooks } from './disk-looks.ts';
import type { HintLedger } from './hint-ledger.ts';

/** W of both keyspaces. */
const W = 2;
const ODD_LOOK_CHANCE = 0.3;
/** So long after a flush a write is one beside it. */
const FLUSH_LOOK_MS = 50;

/** What a client was told, with the names of the nodes that counted. */
interface Told {
  readonly write: WriteRecord;
  readonly counted: readonly string[];
  readonly fallbacks: readonly string[];
}

export interface WitnessParts {
  readonly world: SimWorld;
  readonly cluster: SimCluster;
  readonly history: History;
  readonly random: SimRandom;
  readonly looks: DiskLooks;
  readonly ledger: HintLedger;
}

export class AckWitness {
  readonly #parts: WitnessParts;
  readonly #lookChance: number;
  readonly #looking: Promise<void>[] = [];

  constructor(parts: WitnessParts, lookChance: number) {
    this.#parts = parts;
    this.#lookChance = lookChance;
  }

  /** To be called before anything else happens; `receipt` as it is then. */
  hear(write: WriteRecord, receipt: WriteReceipt): void {
    const { cluster, ledger, random } = this.#parts;
    const [counted, fallbacks] = [receipt.nodes, receipt.fallbacks].map((ids) => {
      return ids.map((id) => cluster.nameOf(id));
    }) as [string[], string[]];
    const { dot } = write;
    const name = `${write.keyspace}/${write.key}`;
    if (fallbacks.length > 0 && dot !== undefined) {
      const lacking = cluster.holders(name).filter((primary) => !counted.includes(primary));
      ledger.add({ write, name, dot, fallbacks, lacking });
    }
    const isOdd = this.#isBesideFlush(write) || fallbacks.length > 0;
    if (!random.chance(isOdd ? ODD_LOOK_CHANCE : this.#lookChance)) return;
    this.#looking.push(this.#look({ write, counted, fallbacks }));
  }

  /** Resolves when it has seen all that it wanted to see. */
  async finish(): Promise<void> {
    await Promise.all(this.#looking);
  }

  #isBesideFlush({ keyspace }: WriteRecord): boolean {
    const { world, history } = this.#parts;
    return history.flushes.some((flush) => {
      return flush.keyspace === keyspace && world.nowMs <= flush.lastMs + FLUSH_LOOK_MS;
    });
  }

  async #look(told: Told): Promise<void> {
    const { history, ledger, looks } = this.#parts;
    const debts = ledger.open();
    try {
      const disks = await looks.lookAtAll();
      history.looks += 1;
      history.broken.push(...this.#findings(told, disks));
      ledger.check(debts, disks);
    } catch (error) {
      history.broken.push(`unreadable: a power cut would leave a disk with ${error}`);
    }
  }

  #findings({ write, counted, fallbacks }: Told, disks: ReadonlyMap<string, DiskImage>): string[] {
    const { cluster } = this.#parts;
    const { keyspace, key, value, dot } = write;
    if (dot === undefined) return [];
    const name = `${keyspace}/${key}`;
    const holds = (node: string) => knows(disks.get(node)!, name, dot);
    const primaries = cluster.holders(name);
    const held = cluster.names.filter(holds);
    const isByPrimary = primaries.some(holds) || !primaries.includes(cluster.writerOf(dot));
    const liars = counted.filter((node) => !fallbacks.includes(node) && !holds(node));
    if (held.length >= W && isByPrimary && liars.length === 0) return [];
    const what = `${name} = ${value ?? 'a delete'} was acknowledged by [${counted}]`;
    return [`dishonest: ${what} while [${held}] had it durably`];
  }
}
