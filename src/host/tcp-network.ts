// The real network: TCP between nodes, one connection in each direction and lane that is used, so
// that gossip does not queue behind what clients cause.
//
// A node sends over the connections that it dialed (outgoing-connection.ts) and hears over those
// that it accepted; an answer therefore goes over the answerer's own. That spares the two ends an
// agreement on who dials when both do.
//
// Nothing here allocates per frame except the view that the receiver sees. What a stranger sends is
// logged and ends his connection, never the process; until he has shown that he is a node he gets
// little memory, and no more than a few like him are waited for.

import { createServer, type Server, type Socket } from 'node:net';
import { KvorumError, messageOf } from '../base/errors.ts';
import { type Address, joinAddress, splitAddress } from '../base/ids.ts';
import { FrameReader } from './frame-stream.ts';
import type { Endpoint, Lane, Log, Network, Receiver } from './host.ts';
import { errnoOf } from './node-disk-file.ts';
import { KEEP_ALIVE_MS, OutgoingConnection } from './outgoing-connection.ts';
import { PREAMBLE_BYTES_MAX, preambleOf, readPreamble } from './preamble.ts';

/** A node that connects speaks first and at once; who does not is no node. */
const PREAMBLE_TIMEOUT_MS = 5000;

/** Who have not shown that they are nodes: when one more comes the first of them must go. */
const STRANGERS_MAX = 256;

/** Two lanes from each of a thousand nodes, and as many connections that broke unnoticed. */
const CONNECTIONS_MAX = 4096;

export function tcpNetwork(options: { readonly log: Log }): Network {
  return {
    async open(address, receiver) {
      const server = createServer({
        noDelay: true,
        keepAlive: true,
        keepAliveInitialDelay: KEEP_ALIVE_MS,
      });
      const bound = await listen(server, address);
      return new TcpEndpoint(bound, server, receiver, options.log);
    },
  };
}

class TcpEndpoint implements Endpoint {
  readonly address: Address;
  readonly #server: Server;
  readonly #receiver: Receiver;
  readonly #log: Log;
  readonly #preamble: Buffer;
  readonly #incoming = new Set<Socket>();
  /** Of the incoming, oldest first. */
  readonly #strangers = new Set<Socket>();
  readonly #outgoing: Readonly<Record<Lane, Map<Address, OutgoingConnection>>> = {
    data: new Map(),
    gossip: new Map(),
  };
  #closed: Promise<void> | undefined;

  constructor(address: Address, server: Server, receiver: Receiver, log: Log) {
    this.address = address;
    this.#server = server;
    this.#receiver = receiver;
    this.#log = log;
    this.#preamble = preambleOf(address);
    server.maxConnections = CONNECTIONS_MAX;
    server.on('connection', (socket) => this.#accept(socket));
    server.on('error', (error) => log.error('peer-server-failed', { why: error.message }));
  }

  send(to: Address, frame: Uint8Array, lane: Lane = 'data'): void {
    if (this.#closed !== undefined) return;
    const connection = this.#outgoing[lane].get(to) ?? this.#connectionTo(to, lane);
    connection.send(frame);
  }

  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      this.#server.close(() => resolve());
      for (const connections of Object.values(this.#outgoing)) {
        for (const connection of connections.values()) connection.close();
      }
      for (const socket of this.#incoming) socket.destroy();
    });
    return this.#closed;
  }

  #connectionTo(peer: Address, lane: Lane): OutgoingConnection {
    const connection = new OutgoingConnection({
      peer,
      lane,
      preamble: this.#preamble,
      log: this.#log,
      onLost: (lost) => this.#receiver.onLost(lost),
    });
    this.#outgoing[lane].set(peer, connection);
    return connection;
  }

  #accept(socket: Socket): void {
    const from = joinAddress(socket.remoteAddress ?? '', socket.remotePort ?? 0);
    let sender: Address | undefined;
    const refuse = (why: string) => {
      this.#log.warn('connection-refused', { from, sender, why });
      socket.destroy();
    };
    const reader = new FrameReader((frame) => {
      if (socket.destroyed) return;
      if (sender !== undefined) return this.#receiver.onFrame(frame);
      sender = this.#greet(socket, frame);
    }, PREAMBLE_BYTES_MAX);
    this.#incoming.add(socket);
    this.#letWait(socket);
    socket.setTimeout(PREAMBLE_TIMEOUT_MS);
    socket.on('timeout', () => refuse(`it said nothing for ${PREAMBLE_TIMEOUT_MS} ms`));
    socket.on('error', (error) => this.#log.info('connection-broke', { from, why: error.message }));
    socket.on('close', () => {
      this.#incoming.delete(socket);
      this.#strangers.delete(socket);
    });
    socket.on('data', (chunk: Buffer) => {
      try {
        reader.read(chunk);
      } catch (error) {
        if (!isStrangersFault(error)) throw error;
        refuse(messageOf(error));
      }
    });
  }

  #letWait(stranger: Socket): void {
    this.#strangers.add(stranger);
    if (this.#strangers.size <= STRANGERS_MAX) return;
    const [oldest] = this.#strangers;
    this.#strangers.delete(oldest as Socket);
    oldest?.destroy();
  }

  #greet(socket: Socket, frame: Buffer): Address {
    const sender = readPreamble(frame);
    this.#strangers.delete(socket);
    socket.setTimeout(0);
    socket.write(this.#preamble);
    return sender;
  }
}

/** A failure of our own receiver must surface; bytes that make no sense are the sender's. */
function isStrangersFault(error: unknown): boolean {
  return error instanceof KvorumError;
}

function listen(server: Server, address: Address): Promise<Address> {
  const { host, port } = splitAddress(address);
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(listenError(address, error)));
    server.listen({ host, port }, () => {
      server.removeAllListeners('error');
      const bound = server.address();
      const boundPort = bound !== null && typeof bound === 'object' ? bound.port : port;
      resolve(joinAddress(host, boundPort));
    });
  });
}

function listenError(address: Address, cause: unknown): KvorumError {
  const why = `cannot listen on ${address}: ${messageOf(cause)}`;
  switch (errnoOf(cause)) {
    case 'EADDRINUSE': {
      const fix = 'Stop the process that uses the port, or choose another one.';
      return new KvorumError('PORT_IN_USE', why, fix, cause);
    }
    case 'EMFILE':
    case 'ENFILE':
      return new KvorumError('IO_ERROR', why, 'Raise the limit of open files (ulimit -n).', cause);
    default: {
      const fix = 'Give an address of this machine and a port that this user may open.';
      return new KvorumError('BAD_OPTION', why, fix, cause);
    }
  }
}
