// A cluster in several data centers with slow links between them, for directed tests: what crosses
// the links, and what happens when a data center is gone.

import { ByteReader } from '../src/base/bytes.ts';
import type { Node } from '../src/node/node.ts';
import type { WriteOutcome, WriteRequest } from '../src/node/store.ts';
import { readHeader, readMessage } from '../src/node/wire.ts';
import type { HintLimits } from '../src/replication/hints/hint-book.ts';
import { DEFAULT_KEYSPACE, type Keyspace } from '../src/replication/keyspace.ts';
import type { ConsistencyLevel } from '../src/replication/levels/consistency-level.ts';
import { LATEST, SimCluster } from './cluster.ts';
import { SimWorld } from './sim-host.ts';

export interface PlacesOptions {
  /** How many nodes stand in each: `n1`, `n2` … in that order; three in each of two. */
  readonly sites?: Readonly<Record<string, number>>;
  /** Where it differs from one that has a copy on each of them, and local quorums. */
  readonly keyspace?: Partial<Keyspace>;
  readonly antiEntropyMs?: number;
  readonly hintLimits?: HintLimits;
}

/** Longer than any run: what is compared in the background is not counted then. */
export const NEVER_MS = 3_600_000;
/** One way over a link. */
export const LINK_MS = 4;
const LOCAL = { ...DEFAULT_KEYSPACE, r: 'local-quorum', w: 'local-quorum' } as const;

export class SimPlaces {
  readonly world: SimWorld;
  readonly cluster: SimCluster;
  /** What crossed a link, `east>west relay`, and how often; of gossip and replies nothing. */
  readonly crossings = new Map<string, number>();
  readonly #siteOf = new Map<string, string>();

  constructor(seed: number, options: PlacesOptions = {}) {
    const { sites = { east: 3, west: 3 }, keyspace, antiEntropyMs = 700, hintLimits } = options;
    const dataCenters = Object.entries(sites).flatMap(([site, size]) => Array(size).fill(site));
    const size = dataCenters.length;
    const keyspaces = [{ ...LOCAL, n: size, copies: sites, ...keyspace }];
    const about = { keyspaces, dataCenters, antiEntropyMs };
    this.world = new SimWorld(seed);
    this.cluster = new SimCluster(this.world, size, {
      ...about,
      ...(hintLimits && { hintLimits }),
    });
    for (const [index, name] of this.cluster.names.entries()) {
      this.#siteOf.set(name, dataCenters[index]);
    }
    this.world.network.onFrame = (from, to, frame) => this.#count(from, to, frame);
  }

  /** The nodes of a data center, or of all others. */
  in(site: string): string[] {
    return this.cluster.names.filter((name) => this.#siteOf.get(name) === site);
  }

  outside(site: string): string[] {
    return this.cluster.names.filter((name) => this.#siteOf.get(name) !== site);
  }

  async start(): Promise<void> {
    const { names } = this.cluster;
    for (const one of names) {
      for (const other of names) {
        if (this.#siteOf.get(one) === this.#siteOf.get(other)) continue;
        this.world.network.setLink(one, other, { delayMsMin: LINK_MS });
      }
    }
    await this.world.settle(Promise.all(names.map((name) => this.cluster.start(name))));
    await this.seeEachOther();
    // Until they know how long answers over the links take.
    await this.world.runFor(3_000);
    this.crossings.clear();
  }

  async seeEachOther(): Promise<void> {
    const { names } = this.cluster;
    await this.world.runUntil(() =>
      names.every((name) => this.cluster.node(name)?.metrics().membersAlive === names.length),
    );
  }

  node(name: string): Node {
    return this.cluster.node(name) as Node;
  }

  put(name: string, key: string, value: string, w?: ConsistencyLevel): Promise<WriteOutcome> {
    const change = { kind: 'put', value: Buffer.from(value), expiresAt: 0 } as const;
    const request: WriteRequest = { keyspace: LATEST, key: Buffer.from(key), change, w };
    return this.world.settle(this.node(name).write(request));
  }

  async value(name: string, key: string, r?: ConsistencyLevel): Promise<string | undefined> {
    const request = { keyspace: LATEST, key: Buffer.from(key), r };
    const read = await this.world.settle(this.node(name).get(request));
    if (read.kind === 'no-answer') return read.kind;
    return read.kind === 'found' ? String(read.values[0]?.value) : undefined;
  }

  /** Nothing under way, and nobody away. */
  async cutOff(names: readonly string[], how: 'crash' | 'cut'): Promise<void> {
    const others = this.cluster.names.filter((name) => !names.includes(name));
    if (how === 'cut') this.world.network.partition(names, others);
    else for (const name of names) this.cluster.crash(name);
    await this.world.runUntil(() =>
      others.every((name) => this.node(name).metrics().membersAlive === others.length),
    );
  }

  async bringBack(names: readonly string[], how: 'crash' | 'cut'): Promise<void> {
    if (how === 'cut') this.world.network.healAll();
    else await this.world.settle(Promise.all(names.map((name) => this.cluster.start(name))));
    await this.seeEachOther();
  }

  /** Every hint is delivered, and every pair of replicas found nothing to tell each other. */
  async converge(): Promise<void> {
    const { cluster, world } = this;
    await world.runUntil(
      () => cluster.running().every((node) => node.metrics().hintsPending.size === 0),
      60_000,
    );
    const since = cluster.running().map((node) => node.wallMs());
    await world.runUntil(
      () =>
        cluster.running().every((node, place) => {
          const states = [...node.metrics().sync.values()];
          return states.every(({ inSyncMs }) => inSyncMs >= (since[place] as number));
        }),
      120_000,
    );
  }

  #count(from: string, to: string, frame: Buffer): void {
    const [here, there] = [from, to].map((name) => this.#siteOf.get(name));
    if (here === there) return;
    for (const what of kindsIn(frame)) {
      const name = `${here}>${there} ${what}`;
      this.crossings.set(name, (this.crossings.get(name) ?? 0) + 1);
    }
  }
}

/** Of the requests in it. */
export function kindsIn(frame: Buffer): string[] {
  const r = new ByteReader(Buffer.from(frame));
  readHeader(r);
  const kinds: string[] = [];
  while (r.left > 0) {
    const message = readMessage(r);
    if (message.kind === 'request') kinds.push(message.request.kind);
    else if (message.kind === 'relay' || message.kind === 'relayed') kinds.push(message.kind);
  }
  return kinds;
}
