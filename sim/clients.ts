// Clients of a simulated run. Each works through its operations one after the other against any
// node that is up, and writes down what it asked for and what it was told.
//
// Keys `a` … `d` of the siblings keyspace are shared, with contexts from reads or with none seen;
// `own-…` belongs to one client, who never writes without having read: it must not meet siblings
// other than those of its own writes with unknown outcome, or that fallbacks had a part in. Keys of
// the latest keyspace get plain Redis writes.

import type { KeyspaceNumber } from '../src/base/ids.ts';
import type { Later } from '../src/base/later.ts';
import { decodeContext, encodeContext } from '../src/causality/context.ts';
import type { VersionVector } from '../src/causality/version-vector.ts';
import type { Node } from '../src/node/node.ts';
import type { Change, ConsistencyLevel, GetOutcome } from '../src/node/store.ts';
import { slotOf } from '../src/ring/slot.ts';
import { LATEST, SIBLINGS, type SimCluster } from './cluster.ts';
import type { History, WriteRecord } from './history.ts';
import type { AckWitness } from './oracles/ack-witness.ts';
import type { ReadWitness } from './oracles/read-witness.ts';
import { FEW_KEYS, type SharedKeys } from './shared-keys.ts';
import { WALL_MS_AT_START } from './sim-clock.ts';
import type { SimWorld } from './sim-host.ts';
import type { SimRandom } from './sim-random.ts';

export interface ClientOptions {
  readonly name: string;
  readonly operations: number;
  readonly thinkMsMean: number;
  readonly keys?: SharedKeys;
  /** The chance that an operation empties a keyspace; 0.01. */
  readonly flushChance?: number;
  /** See each acknowledgement, and each answer to a read, in its instant. */
  readonly acks?: AckWitness;
  readonly answers?: ReadWitness;
  /** Names of the nodes that it may ask; all. */
  readonly asks?: readonly string[];
  /** At which it reads and writes now and then, instead of those of the keyspace. */
  readonly levels?: readonly ConsistencyLevel[] | undefined;
  /** What the client really sends of the context that it claims to have seen: for canaries. */
  readonly sends?: (context: VersionVector) => VersionVector;
}

const FLUSH_CHANCE = 0.01;
const WRITES_BESIDE = 3;
const PATIENCE_MS = 1_500;
/** Three questions in a row. */
const FLUSH_MS_MAX = 10_000;

export class SimClient {
  readonly #world: SimWorld;
  readonly #cluster: SimCluster;
  readonly #history: History;
  readonly #options: ClientOptions;
  readonly #random: SimRandom;
  readonly #levelDice: SimRandom;
  readonly #ownKey: string;
  readonly #keys: SharedKeys;
  #ownUnknown = 0;

  constructor(world: SimWorld, cluster: SimCluster, history: History, options: ClientOptions) {
    this.#world = world;
    this.#cluster = cluster;
    this.#history = history;
    this.#options = options;
    this.#random = world.random.fork(`client ${options.name}`);
    this.#levelDice = this.#random.fork('levels');
    this.#ownKey = `own-${options.name}`;
    this.#keys = options.keys ?? FEW_KEYS;
  }

  async run(): Promise<void> {
    const { operations, thinkMsMean, flushChance = FLUSH_CHANCE } = this.#options;
    for (let step = 0; step < operations; step++) {
      await this.#world.sleep(this.#random.exponential(thinkMsMean));
      const node = this.#someNode();
      if (node === undefined) continue;
      const dice = this.#random.unit();
      if (this.#random.chance(flushChance)) await this.#flush(node);
      else if (dice < 0.35) await this.#updateShared(node);
      else if (dice < 0.6) await this.#updateOwn(node);
      else await this.#useLatest(node);
    }
  }

  #someNode(): Node | undefined {
    const names = this.#options.asks ?? this.#cluster.names;
    const nodes = names.flatMap((name) => this.#cluster.node(name) ?? []);
    return nodes.length === 0 ? undefined : this.#random.pick(nodes);
  }

  async #updateShared(node: Node): Promise<void> {
    const key = this.#random.pick(this.#keys.siblings);
    if (this.#random.chance(0.3)) {
      await this.#put(node, SIBLINGS, key, []);
      return;
    }
    const read = await this.#get(node, SIBLINGS, key);
    if (read === undefined || read.kind === 'no-answer') return;
    const { context } = read;
    const isDelete = read.kind === 'found' && this.#random.chance(0.2);
    if (isDelete) await this.#delete(node, SIBLINGS, key, context);
    else await this.#put(node, SIBLINGS, key, context);
  }

  async #updateOwn(node: Node): Promise<void> {
    const read = await this.#get(node, SIBLINGS, this.#ownKey);
    if (read === undefined || read.kind === 'no-answer') return;
    const siblings = read.kind === 'found' ? read.values.length : 0;
    if (siblings > 1 + this.#ownUnknown) {
      const why = `false siblings: ${this.#ownKey} shows ${siblings} to its only writer`;
      this.#history.broken.push(`${why}, of whose writes ${this.#ownUnknown} are unknown`);
    }
    const record = await this.#put(node, SIBLINGS, this.#ownKey, read.context);
    const isUncertain = record.outcome === 'unknown' || record.isSloppy;
    if (isUncertain || read.receipt.fallbacks.length > 0) this.#ownUnknown += 1;
  }

  async #useLatest(node: Node): Promise<void> {
    const key = this.#random.pick(this.#keys.latest);
    const dice = this.#random.unit();
    if (dice < 0.4) await this.#get(node, LATEST, key);
    else if (dice < 0.9) await this.#put(node, LATEST, key, undefined);
    else await this.#delete(node, LATEST, key, undefined);
  }

  async #flush(node: Node): Promise<void> {
    const keyspace = this.#random.pick([LATEST, SIBLINGS]);
    const startMs = this.#world.nowMs;
    const record = { keyspace, startMs, lastMs: startMs + FLUSH_MS_MAX, isDone: false };
    this.#history.flushes.push(record);
    const flushed = this.#patiently(node.flush(keyspace));
    if (this.#random.chance(0.7)) await this.#writeBeside(keyspace);
    const isDone = await flushed;
    if (isDone !== undefined) Object.assign(record, { isDone, lastMs: this.#world.nowMs });
  }

  /** Something of what is being flushed, or was just now, is written again. */
  async #writeBeside(keyspace: KeyspaceNumber): Promise<void> {
    for (let write = 0; write < WRITES_BESIDE; write++) {
      await this.#world.sleep(this.#random.exponential(1));
      const node = this.#someNode();
      if (node === undefined) return;
      const isLatest = keyspace === LATEST;
      const key = this.#random.pick(isLatest ? this.#keys.latest : this.#keys.siblings);
      await this.#put(node, keyspace, key, isLatest ? undefined : []);
    }
  }

  async #get(node: Node, keyspace: KeyspaceNumber, key: string): Promise<GetOutcome | undefined> {
    this.#history.reads += 1;
    const request = { keyspace, key: Buffer.from(key), r: this.#someLevel() };
    const read = { keyspace, key, startMs: this.#world.nowMs, isQuorum: true };
    const outcome = await this.#patiently(node.get(request));
    if (outcome === undefined || outcome.kind === 'no-answer') this.#history.readsFailed += 1;
    if (outcome?.kind === 'found') this.#history.show(outcome);
    if (outcome !== undefined) this.#options.answers?.hear(read, outcome);
    return outcome;
  }

  #put(node: Node, keyspace: KeyspaceNumber, key: string, seen: VersionVector | undefined) {
    const value = this.#history.freshValue();
    const expiresAt = key === this.#ownKey ? 0 : this.#someExpiry();
    const change = { kind: 'put', value: Buffer.from(value), expiresAt } as const;
    return this.#write(node, { keyspace, key, value, expiresAt, seen }, change);
  }

  /** Never, as a rule; else within seconds, by clocks that are right. */
  #someExpiry(): number {
    if (this.#random.chance(0.8)) return 0;
    return Math.floor(WALL_MS_AT_START + this.#world.nowMs) + this.#random.between(1, 3_000);
  }

  #delete(node: Node, keyspace: KeyspaceNumber, key: string, seen: VersionVector | undefined) {
    return this.#write(
      node,
      { keyspace, key, value: undefined, expiresAt: 0, seen },
      { kind: 'delete' },
    );
  }

  async #write(
    node: Node,
    write: Pick<WriteRecord, 'keyspace' | 'key' | 'value' | 'expiresAt' | 'seen'>,
    change: Change,
  ): Promise<WriteRecord> {
    const { keyspace, seen } = write;
    const { target } = node.route(keyspace, slotOf(Buffer.from(write.key)));
    const isForwarded = this.#cluster.node(target.name) !== node;
    const begun = { startMs: this.#world.nowMs, isForwarded };
    const record = this.#history.begin({ ...write, ...begun });
    const context = seen && handedBack(this.#options.sends?.(seen) ?? seen, keyspace);
    const w = this.#someLevel();
    const request = { keyspace, key: Buffer.from(write.key), change, context, w };
    const outcome = await this.#patiently(node.write(request));
    this.#history.conclude(record, outcome, this.#world.nowMs);
    if (outcome?.kind === 'ok') this.#options.acks?.hear(record, outcome.receipt);
    return record;
  }

  /** Undefined: as the keyspace says. */
  #someLevel(): ConsistencyLevel | undefined {
    const { levels } = this.#options;
    return levels && this.#levelDice.chance(0.3) ? this.#levelDice.pick(levels) : undefined;
  }

  #patiently<T>(outcome: Later<T>): Promise<T | undefined> {
    return patiently(this.#world, this.#history, outcome);
  }
}

/** The promise of a node that crashes never settles: give up after a while. */
export function patiently<T>(
  world: SimWorld,
  history: History,
  outcome: Later<T>,
): Promise<T | undefined> {
  const failed = Promise.resolve(outcome).catch((error: unknown) => {
    history.broken.push(`a request rejected: ${String(error)}`);
    return undefined;
  });
  return Promise.race([failed, world.sleep(PATIENCE_MS).then(() => undefined)]);
}

/** A client holds a context as text. */
function handedBack(context: VersionVector, keyspace: KeyspaceNumber): VersionVector {
  return decodeContext(encodeContext(context, keyspace), keyspace);
}
