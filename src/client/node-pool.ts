// The connections of a client: one to each node that it has talked to, shared by all requests under
// way. Each has chosen the client's keyspace before anything else is sent.

import { KvorumError } from '../base/errors.ts';
import type { Address } from '../base/ids.ts';
import { ReplyError } from './reply-parser.ts';
import { RespConnection } from './resp-connection.ts';
import { failureOf } from './retry.ts';

export interface PoolOptions {
  /** Name or number. */
  readonly keyspace: string;
  readonly timeoutMs: number;
}

export class NodePool {
  readonly #options: PoolOptions;
  readonly #connections = new Map<Address, Promise<RespConnection>>();
  #isClosed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Rejects with UNREACHABLE, NO_ANSWER, CLOSED, or what the node says of the keyspace. */
  connectionTo(address: Address): Promise<RespConnection> {
    if (this.#isClosed) return Promise.reject(closed());
    const known = this.#connections.get(address);
    if (known !== undefined) return this.#openedBy(known, address);
    const opening = this.#open(address);
    this.#connections.set(address, opening);
    opening.catch(() => this.#forget(address, opening));
    return opening;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const closing = [...this.#connections.values()].map(async (opening) => {
      const connection = await opening.catch(() => undefined);
      await connection?.close();
    });
    await Promise.all(closing);
  }

  async #openedBy(opening: Promise<RespConnection>, address: Address): Promise<RespConnection> {
    const connection = await opening;
    if (connection.isOpen) return connection;
    this.#forget(address, opening);
    return this.connectionTo(address);
  }

  #forget(address: Address, opening: Promise<RespConnection>): void {
    if (this.#connections.get(address) === opening) this.#connections.delete(address);
  }

  async #open(address: Address): Promise<RespConnection> {
    const { keyspace, timeoutMs } = this.#options;
    const connection = await RespConnection.open(address, { timeoutMs, protocol: 3 });
    const selected = await connection.send('SELECT', keyspace);
    if (!(selected instanceof ReplyError)) return connection;
    await connection.close();
    throw failureOf(selected).error;
  }
}

function closed(): KvorumError {
  return new KvorumError('CLOSED', 'the client was closed', 'Make another with connect().');
}
