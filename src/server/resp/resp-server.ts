// The Redis protocol door of one node: listens, gives each client a Connection, keeps the counts
// that INFO shows, sweeps away half commands, and drains before it closes.
//
// It listens before the node is ready, so that clients read LOADING, which they wait on, and not
// a refused connection, which they report.

import { randomInt } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { KvorumError, messageOf } from '../../base/errors.ts';
import { type Address, joinAddress, splitAddress } from '../../base/ids.ts';
import { TurnEnd } from '../../base/turn-end.ts';
import type { Clock, Log, Timer } from '../../host/host.ts';
import type { Store } from '../../node/store.ts';
import { findCommand } from './command-table.ts';
import { Connection, type ConnectionParts, type Drops } from './connection.ts';
import { KnownNames } from './known-names.ts';
import { sayLastWords } from './last-words.ts';
import { DEFAULT_RESP_LIMITS } from './limits.ts';
import type { CommandSet } from './pipeline.ts';
import { runCommand } from './run-command.ts';
import {
  freshCounters,
  type Redirect,
  type RespCounters,
  type RespLimits,
  type RespServerInfo,
} from './server-info.ts';
import type { Session } from './session.ts';
import { WaitingLine } from './waiting-line.ts';

export interface RespServerOptions {
  /** Port 0: any free one; RespServer.address says which. */
  readonly address: Address;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits?: Partial<RespLimits>;
  readonly redirect?: Redirect;
  readonly commands?: CommandSet;
  /** Until it says true, commands without the flag `loading` answer LOADING. */
  isReady?(): boolean;
}

export interface RespServer {
  readonly address: Address;
  readonly info: RespServerInfo;
  readonly drops: Readonly<Drops>;
  /** Connections whose next command waits for a place on the node. */
  readonly waiting: number;
  /** Stops accepting, answers what is in flight, closes; after two seconds come what may. */
  close(): Promise<void>;
}

const ALL_COMMANDS: CommandSet = { find: findCommand, run: runCommand };
const TOO_MANY_CLIENTS = '-ERR max number of clients reached\r\n';
/** Refused clients that are given time to read why; beyond, they are only closed. */
const REFUSED_AT_ONCE_MAX = 128;
const DRAIN_MS = 2_000;
const SWEEPS_PER_HALF_COMMAND = 4;
/** As Redis' tcp-keepalive. */
const KEEP_ALIVE_MS = 300_000;

/** Rejects with PORT_IN_USE, or BAD_OPTION where this machine has no such address. */
export async function startRespServer(options: RespServerOptions): Promise<RespServer> {
  const server = new ListeningServer(options);
  await server.listen(options.address);
  return server;
}

class ListeningServer implements RespServer, RespServerInfo {
  readonly clock: Clock;
  readonly startedAtMs: number;
  readonly redirect: Redirect;
  readonly limits: RespLimits;
  readonly counters: RespCounters = freshCounters();
  readonly drops: Drops = { protocolErrors: 0, halfCommands: 0, slowReaders: 0 };
  readonly #server: Server;
  readonly #log: Log;
  readonly #parts: ConnectionParts;
  readonly #connections = new Set<Connection>();
  #nextId = 1;
  #refusedNow = 0;
  #address = '' as Address;
  #sweepTimer: Timer | undefined;
  #isClosing = false;

  constructor(options: RespServerOptions) {
    this.clock = options.clock;
    this.#log = options.log;
    this.startedAtMs = options.clock.wallMs();
    this.redirect = options.redirect ?? 'auto';
    this.limits = { ...DEFAULT_RESP_LIMITS, ...options.limits };
    const turnEnd = new TurnEnd<Connection>(options.clock, (connection) => connection.flush());
    this.#parts = {
      store: options.store,
      server: this,
      commands: options.commands ?? ALL_COMMANDS,
      clock: options.clock,
      log: options.log,
      drops: this.drops,
      line: new WaitingLine(options.store, options.clock),
      names: new KnownNames(),
      found: new WeakMap(),
      hashSeed: randomInt(2 ** 32),
      isReady: () => options.isReady?.() ?? true,
      flushLater: (connection) => turnEnd.add(connection),
      onClosed: (connection) => this.#connections.delete(connection),
    };
    const socketOptions = {
      noDelay: true,
      // A client that says it is done still wants the answers to what it sent.
      allowHalfOpen: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_MS,
    };
    this.#server = createServer(socketOptions, (socket) => this.#accept(socket));
  }

  get address(): Address {
    return this.#address;
  }

  get port(): number {
    return splitAddress(this.#address).port;
  }

  get info(): RespServerInfo {
    return this;
  }

  get waiting(): number {
    return this.#parts.line.size;
  }

  isReady(): boolean {
    return this.#parts.isReady();
  }

  *sessions(): Iterable<Session> {
    for (const connection of this.#connections) yield connection.session;
  }

  connectionCount(): number {
    return this.#connections.size;
  }

  async listen(address: Address): Promise<void> {
    const { host, port } = splitAddress(address);
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (cause) => reject(listenError(address, cause)));
      this.#server.listen({ host, port }, resolve);
    });
    this.#server.removeAllListeners('error');
    this.#server.on('error', (thrown) => {
      this.#log.warn('accept-failed', { reason: messageOf(thrown) });
    });
    const bound = this.#server.address();
    const boundPort = bound !== null && typeof bound === 'object' ? bound.port : port;
    this.#address = joinAddress(host, boundPort);
    this.#sweepLater();
  }

  async close(): Promise<void> {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#sweepTimer?.cancel();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connection of this.#connections) connection.end();
    const deadline = this.clock.after(DRAIN_MS, () => {
      for (const connection of this.#connections) connection.destroy();
    });
    await closed;
    deadline.cancel();
  }

  #accept(socket: Socket): void {
    if (this.#connections.size >= this.limits.connectionsMax) {
      this.#refuse(socket);
      return;
    }
    this.counters.connectionsAccepted++;
    this.#connections.add(new Connection(this.#nextId++, socket, this.#parts));
  }

  #refuse(socket: Socket): void {
    this.counters.connectionsRefused++;
    socket.on('error', () => socket.destroy());
    if (this.#isClosing || this.#refusedNow >= REFUSED_AT_ONCE_MAX) {
      socket.destroy();
      return;
    }
    this.#refusedNow++;
    socket.on('close', () => this.#refusedNow--);
    sayLastWords(socket, TOO_MANY_CLIENTS, this.clock);
  }

  #sweepLater(): void {
    const everyMs = this.limits.halfCommandMs / SWEEPS_PER_HALF_COMMAND;
    this.#sweepTimer = this.clock.after(everyMs, () => {
      const nowMs = this.clock.monotonicMs();
      for (const connection of this.#connections) connection.sweep(nowMs);
      this.#sweepLater();
    });
  }
}

function listenError(address: Address, cause: unknown): KvorumError {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === 'EADDRINUSE') {
    const fix = 'Stop the process that has it, or choose another with --listen.';
    return new KvorumError('PORT_IN_USE', `something already listens on ${address}`, fix, cause);
  }
  const fix = 'Choose an address of this machine and a port that you may bind with --listen.';
  return new KvorumError('BAD_OPTION', `cannot listen on ${address}: ${code}`, fix, cause);
}
