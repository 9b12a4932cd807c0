// One request to the cluster: to the node that owns the key, to another when that one is away,
// again when it was refused for now, until the time is up.

import { KvorumError } from '../base/errors.ts';
import { type Address, asAddress } from '../base/ids.ts';
import { NodePool } from './node-pool.ts';
import { ReplyError, type RespValue } from './reply-parser.ts';
import { type Failure, failureOf, failureOfConnection, mayRetry } from './retry.ts';
import { SlotMap } from './slot-map.ts';

export interface ClusterOptions {
  readonly nodes: readonly Address[];
  readonly keyspace: string;
  readonly timeoutMs: number;
}

export interface Order {
  /** It goes to this key's owner; undefined: to any node. */
  readonly key: Buffer | undefined;
  readonly words: readonly (string | Buffer | number)[];
  readonly isRead: boolean;
  readonly signal: AbortSignal | undefined;
}

const PAUSE_MS_MIN = 20;
const PAUSE_MS_MAX = 500;

export class Cluster {
  readonly #options: ClusterOptions;
  readonly #pool: NodePool;
  #map = new SlotMap([]);
  #refreshing: Promise<void> | undefined;

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.#pool = new NodePool(options);
  }

  /** Rejects when none of the nodes answers. */
  async open(): Promise<void> {
    await this.send({ key: undefined, words: ['PING'], isRead: true, signal: undefined });
    await this.#refresh();
  }

  /** Rejects with the last failure when the time is up, or with the reason of the signal. */
  async send(order: Order): Promise<RespValue> {
    const endMs = performance.now() + this.#options.timeoutMs;
    for (let attempt = 0; ; attempt++) {
      order.signal?.throwIfAborted();
      const reply = await abortable(this.#try(order, attempt), order.signal);
      if (!isFailure(reply)) return reply;
      const pauseMs = Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** attempt);
      const isLate = performance.now() + pauseMs >= endMs;
      if (isLate || !mayRetry(reply, order.isRead)) throw reply.error;
      void this.#refresh();
      // At once to another node, then with growing pauses.
      if (attempt > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  close(): Promise<void> {
    return this.#pool.close();
  }

  async #try({ key, words }: Order, attempt: number): Promise<RespValue | Failure> {
    let address = this.#addressFor(key, attempt);
    for (let hops = 0; ; hops++) {
      const reply = await this.#ask(address, words);
      if (!(reply instanceof ReplyError)) return reply;
      if (reply.word !== 'MOVED' || hops > 0) return failureOf(reply);
      void this.#refresh();
      address = asAddress(reply.text.split(' ')[2] ?? '');
    }
  }

  async #ask(address: Address, words: Order['words']): Promise<RespValue | Failure> {
    let connection: Awaited<ReturnType<NodePool['connectionTo']>>;
    try {
      connection = await this.#pool.connectionTo(address);
    } catch (error) {
      return failureOfConnection(error, false);
    }
    try {
      return await connection.send(...words);
    } catch (error) {
      return failureOfConnection(error, true);
    }
  }

  /** The owner first; whoever comes next when that failed. */
  #addressFor(key: Buffer | undefined, attempt: number): Address {
    const owner = key && this.#map.ownerOf(key);
    if (owner !== undefined && attempt === 0) return owner;
    const known = this.#map.addresses.length > 0 ? this.#map.addresses : this.#options.nodes;
    const others = known.filter((each) => each !== owner);
    return (others[attempt % Math.max(1, others.length)] ?? known[0]) as Address;
  }

  #refresh(): Promise<void> {
    this.#refreshing ??= this.#readMap().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #readMap(): Promise<void> {
    for (const address of new Set([...this.#map.addresses, ...this.#options.nodes])) {
      const reply = await this.#ask(address, ['CLUSTER', 'SLOTS']);
      if (!Array.isArray(reply) || reply.length === 0) continue;
      this.#map = new SlotMap(reply);
      return;
    }
  }
}

function isFailure(reply: RespValue | Failure): reply is Failure {
  return typeof reply === 'object' && reply !== null && 'kind' in reply;
}

/** What was sent may be carried out all the same. */
function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** `nodes` as people write them: `127.0.0.1:7001` or `redis://127.0.0.1:7001`. */
export function addressesOf(nodes: readonly string[]): Address[] {
  if (nodes.length === 0) {
    const fix = "Give at least one: connect({ nodes: ['127.0.0.1:7001'] }).";
    throw new KvorumError('BAD_OPTION', 'there are no nodes to connect to', fix);
  }
  return nodes.map((each) => asAddress(each.replace(/^redis:\/\//, '').replace(/\/$/, '')));
}
