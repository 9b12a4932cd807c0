// The TypeScript client. It knows which node owns a key, keeps one connection to each, tries again
// what may be tried again, and gives contexts and siblings as values.
//
//   const kv = await connect({ nodes: ['127.0.0.1:7001'] });
//   await kv.put('greeting', 'hello');
//   const { value } = await kv.get('greeting');
//   await kv.close();

import { KvorumError } from '../base/errors.ts';
import { fanOut } from '../base/fan-out.ts';
import { addressesOf, Cluster } from './cluster.ts';
import { bytesGiven, refuseUnknown } from './given.ts';
import { type Context, type Read, readIn, type Written, writtenIn } from './kv-reply.ts';
import type { RespValue } from './reply-parser.ts';
import { KvorumSession, type SessionToken } from './session.ts';

export type { Context, Read, Written } from './kv-reply.ts';
export type { KvorumSession, SessionToken } from './session.ts';

export interface ConnectOptions {
  /** Some nodes of the cluster, `host:port` of their Redis ports: the rest is learnt from them. */
  readonly nodes: readonly string[];
  /** Name or number; `default`, number 0, without it. */
  readonly keyspace?: string;
  /** For a request with all its attempts; 5,000. */
  readonly timeoutMs?: number;
}

/** A key or a value: text, stored as UTF-8, or bytes. Anything else is refused with BAD_OPTION. */
export type Key = string | Uint8Array;

/**
 * How many replicas to wait for: so many, wherever they are, or one, quorum (more than half of
 * all), local-quorum (of those in the data center of the node that is asked), each-quorum (of those
 * in every data center), all.
 */
export type Level = number | 'one' | 'quorum' | 'local-quorum' | 'each-quorum' | 'all';

export interface ReadOptions {
  /** Answer only from a state that covers this one: see KvorumSession. */
  readonly after?: Context;
  /** Answers to wait for instead of the keyspace's R. */
  readonly r?: Level;
  readonly signal?: AbortSignal;
}

export type KeysOptions = Pick<ReadOptions, 'signal'>;

export interface WriteOptions {
  /** Of the read that this write replaces; without it, it replaces what its coordinator has. */
  readonly context?: Context;
  /** `unchanged`: only when nothing was written since `context` was read. */
  readonly condition?: 'absent' | 'present' | 'unchanged';
  /** Durable copies to wait for instead of the keyspace's W. */
  readonly w?: Level;
  readonly signal?: AbortSignal;
}

export interface PutOptions extends WriteOptions {
  /** Milliseconds until the value expires. */
  readonly ttlMs?: number;
}

export interface UpdateOptions extends Omit<PutOptions, 'context' | 'condition'> {
  /** How often it begins anew when others write at the same time; 20. */
  readonly attemptsMax?: number;
}

const TIMEOUT_MS = 5_000;
const ATTEMPTS_MAX = 20;
/** Of getMany() and putMany(): what keeps every connection busy and no queue long. */
const IN_FLIGHT_MAX = 256;
const SCAN_COUNT = 1_000;

const CONNECT_OPTIONS: readonly (keyof ConnectOptions)[] = ['nodes', 'keyspace', 'timeoutMs'];
const READ_OPTIONS: readonly (keyof ReadOptions)[] = ['after', 'r', 'signal'];
const WRITE_OPTIONS: readonly (keyof WriteOptions)[] = ['context', 'condition', 'w', 'signal'];
const PUT_OPTIONS: readonly (keyof PutOptions)[] = [...WRITE_OPTIONS, 'ttlMs'];
const UPDATE_OPTIONS: readonly (keyof UpdateOptions)[] = ['w', 'signal', 'ttlMs', 'attemptsMax'];

/** Rejects with UNREACHABLE when no node answers, or BAD_OPTION. */
export async function connect(options: ConnectOptions): Promise<KvorumClient> {
  refuseUnknown(options, CONNECT_OPTIONS);
  const cluster = new Cluster({
    nodes: addressesOf(options.nodes),
    keyspace: options.keyspace ?? '0',
    timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
  });
  try {
    await cluster.open();
  } catch (error) {
    await cluster.close();
    throw error;
  }
  return new KvorumClient(cluster);
}

/**
 * Every method rejects with a KvorumError: NOT_ENOUGH_REPLICAS (nothing was written),
 * INDETERMINATE (nobody knows), NO_ANSWER, UNREACHABLE, BAD_OPTION, …; or with the reason of its
 * signal, and then what was sent may be carried out all the same.
 */
export class KvorumClient {
  readonly #cluster: Cluster;

  /** Only connect() makes one. */
  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  async get(key: Key, options: ReadOptions = {}): Promise<Read> {
    refuseUnknown(options, READ_OPTIONS);
    const { after, r, signal } = options;
    const wanted = [...option('R', r), ...option('AFTER', after)];
    return readIn(await this.#send('KV.GET', key, wanted, signal));
  }

  async put(key: Key, value: Key, options: PutOptions = {}): Promise<Written> {
    refuseUnknown(options, PUT_OPTIONS);
    const { ttlMs, signal } = options;
    const wanted = [bytesGiven('value', value), ...option('TTL', ttlMs), ...wishes(options)];
    return writtenIn(await this.#send('KV.PUT', key, wanted, signal));
  }

  async delete(key: Key, options: WriteOptions = {}): Promise<Written> {
    refuseUnknown(options, WRITE_OPTIONS);
    return writtenIn(await this.#send('KV.DEL', key, wishes(options), options.signal));
  }

  /**
   * Reads the key, lets `change` make one value of all that are there, and writes it unless others
   * wrote meanwhile: then it begins anew. So siblings become one, and no write is lost. `change`
   * returns undefined to leave the key as it is; it may be called several times.
   *
   *   await kv.update('cart', (carts) => JSON.stringify(union(carts.map(parse))));
   */
  async update(
    key: Key,
    change: (values: readonly Buffer[]) => Key | undefined | Promise<Key | undefined>,
    updateOptions: UpdateOptions = {},
  ): Promise<Written> {
    refuseUnknown(updateOptions, UPDATE_OPTIONS);
    const { attemptsMax = ATTEMPTS_MAX, ...options } = updateOptions;
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const { values, context } = await this.get(key, { signal: options.signal });
      const value = await change(values);
      if (value === undefined) return { isApplied: false };
      const put = { ...options, context, condition: 'unchanged' } as const;
      const written = await this.put(key, value, put);
      if (written.isApplied) return written;
    }
    const message = `others wrote to the key ${attemptsMax} times meanwhile`;
    throw new KvorumError('NOT_ENOUGH_REPLICAS', message, 'Nothing was written: try again later.');
  }

  /** In the order of `keys`; each is read on its own. Rejects when one of them does. */
  getMany(keys: readonly Key[], options: ReadOptions = {}): Promise<Read[]> {
    return fanOut(keys, IN_FLIGHT_MAX, (key) => this.get(key, options));
  }

  /** Each on its own, not as one transaction: rejects when one does, and others may be written. */
  putMany(entries: Iterable<readonly [Key, Key]>, options: PutOptions = {}): Promise<Written[]> {
    return fanOut([...entries], IN_FLIGHT_MAX, ([key, value]) => {
      return this.put(key, value, options);
    });
  }

  /** Every key that is there all the time once, others perhaps; `pattern` as in SCAN: `user:*`. */
  async *keys(pattern?: string, options: KeysOptions = {}): AsyncGenerator<Buffer, void> {
    refuseUnknown(options, ['signal']);
    const { signal } = options;
    const match = pattern === undefined ? [] : ['MATCH', pattern];
    let cursor = '0';
    do {
      const words = ['SCAN', cursor, ...match, 'COUNT', SCAN_COUNT];
      const page = await this.#cluster.send({ key: undefined, words, isRead: true, signal });
      const [next, keys] = page as [Buffer, Buffer[]];
      cursor = String(next);
      yield* keys;
    } while (cursor !== '0');
  }

  /** Reads that are never older than what `token`, of another session, and this one have seen. */
  session(token?: SessionToken): KvorumSession {
    return new KvorumSession(this, token);
  }

  /** What is under way is rejected. */
  close(): Promise<void> {
    return this.#cluster.close();
  }

  #send(
    command: 'KV.GET' | 'KV.PUT' | 'KV.DEL',
    key: Key,
    wanted: readonly (string | Buffer | number)[],
    signal: AbortSignal | undefined,
  ): Promise<RespValue> {
    const bytes = bytesGiven('key', key);
    const words = [command, bytes, ...wanted];
    return this.#cluster.send({ key: bytes, words, isRead: command === 'KV.GET', signal });
  }
}

function wishes({ context, condition, w }: WriteOptions): (string | number)[] {
  return [...option('CONTEXT', context), ...option('IF', condition), ...option('W', w)];
}

function option(name: string, value: string | number | undefined): (string | number)[] {
  return value === undefined ? [] : [name, value];
}
