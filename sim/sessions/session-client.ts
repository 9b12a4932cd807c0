// A client that keeps a session: for each key the context of what it has seen, as the text that an
// application would keep. It goes to another node with each request, hands the text back with
// every read and write, and writes down what it knew and what it was shown. Half of its reads ask
// one replica only: without the session such a read may be older than what the client wrote.

import type { KeyspaceNumber } from '../../src/base/ids.ts';
import { decodeContext, encodeContext } from '../../src/causality/context.ts';
import {
  EMPTY_VECTOR,
  mergeVectors,
  type VersionVector,
} from '../../src/causality/version-vector.ts';
import type { Node } from '../../src/node/node.ts';
import { patiently } from '../clients.ts';
import { LATEST, SIBLINGS, type SimCluster } from '../cluster.ts';
import type { History, WriteRecord } from '../history.ts';
import type { AckWitness } from '../oracles/ack-witness.ts';
import type { ReadWitness } from '../oracles/read-witness.ts';
import { FEW_KEYS } from '../shared-keys.ts';
import type { SimWorld } from '../sim-host.ts';
import type { SimRandom } from '../sim-random.ts';

export interface SessionOptions {
  readonly name: string;
  readonly operations: number;
  readonly thinkMsMean: number;
  /** What the client really hands back of what it claims to have seen: for canaries. */
  readonly after?: (context: VersionVector) => VersionVector | undefined;
  /** See each acknowledgement, and each answer to a read, in its instant. */
  readonly acks?: AckWitness;
  readonly answers?: ReadWitness;
}

interface SeenKey {
  /** As text; undefined: nothing was seen of it. */
  token: string | undefined;
  readonly written: WriteRecord[];
}

export class SessionClient {
  readonly #world: SimWorld;
  readonly #cluster: SimCluster;
  readonly #history: History;
  readonly #options: SessionOptions;
  readonly #random: SimRandom;
  readonly #session = new Map<string, SeenKey>();

  constructor(world: SimWorld, cluster: SimCluster, history: History, options: SessionOptions) {
    this.#world = world;
    this.#cluster = cluster;
    this.#history = history;
    this.#options = options;
    this.#random = world.random.fork(`session ${options.name}`);
  }

  async run(): Promise<void> {
    for (let step = 0; step < this.#options.operations; step++) {
      await this.#world.sleep(this.#random.exponential(this.#options.thinkMsMean));
      const nodes = this.#cluster.running();
      if (nodes.length === 0) continue;
      const node = this.#random.pick(nodes);
      const isLatest = this.#random.chance(0.5);
      const keyspace = isLatest ? LATEST : SIBLINGS;
      const key = this.#random.pick(isLatest ? FEW_KEYS.latest : FEW_KEYS.siblings);
      if (this.#random.chance(0.6)) await this.#read(node, keyspace, key);
      else await this.#write(node, keyspace, key);
    }
  }

  async #read(node: Node, keyspace: KeyspaceNumber, key: string): Promise<void> {
    const seen = this.#seen(keyspace, key);
    const known = contextIn(seen, keyspace);
    const claim = this.#options.after ?? ((context: VersionVector) => context);
    const r = this.#random.chance(0.5) ? 1 : undefined;
    const request = { keyspace, key: Buffer.from(key), r, after: claim(known) };
    const read = { keyspace, key, startMs: this.#world.nowMs, isQuorum: r === undefined };
    this.#history.reads += 1;
    const outcome = await patiently(this.#world, this.#history, node.get(request));
    if (outcome === undefined || outcome.kind === 'no-answer') {
      this.#history.readsFailed += 1;
      return;
    }
    const values = outcome.kind === 'found' ? outcome.values.map(({ value }) => `${value}`) : [];
    if (outcome.kind === 'found') this.#history.show(outcome);
    this.#options.answers?.hear(read, outcome);
    const { context } = outcome;
    const written = [...seen.written];
    this.#history.sessionReads.push({ keyspace, key, known, context, values, written });
    remember(seen, keyspace, context);
  }

  async #write(node: Node, keyspace: KeyspaceNumber, key: string): Promise<void> {
    const seen = this.#seen(keyspace, key);
    const context = contextIn(seen, keyspace);
    const value = this.#history.freshValue();
    const startMs = this.#world.nowMs;
    const record = this.#history.begin({ keyspace, key, value, seen: context, startMs });
    const change = { kind: 'put', value: Buffer.from(value), expiresAt: 'default' } as const;
    const request = { keyspace, key: Buffer.from(key), change, context };
    const outcome = await patiently(this.#world, this.#history, node.write(request));
    this.#history.conclude(record, outcome, this.#world.nowMs);
    if (outcome?.kind !== 'ok') return;
    this.#options.acks?.hear(record, outcome.receipt);
    seen.written.push(record);
    remember(seen, keyspace, outcome.context);
  }

  #seen(keyspace: KeyspaceNumber, key: string): SeenKey {
    const name = `${keyspace}/${key}`;
    const seen = this.#session.get(name) ?? { token: undefined, written: [] };
    this.#session.set(name, seen);
    return seen;
  }
}

function contextIn({ token }: SeenKey, keyspace: KeyspaceNumber): VersionVector {
  return token === undefined ? EMPTY_VECTOR : decodeContext(token, keyspace);
}

function remember(seen: SeenKey, keyspace: KeyspaceNumber, context: VersionVector): void {
  const known = mergeVectors(contextIn(seen, keyspace), context);
  seen.token = encodeContext(known, keyspace);
}
