// A switch for a network of real processes, made of software so that it can be as bad as a test
// wants. Each node sends its Ethernet frames here inside UDP datagrams (VXLAN, RFC 7348: eight
// bytes before the frame), and gets those that are meant for it; the kernels at both ends do the
// rest, so that a lost frame is a lost packet of a real TCP connection.
//
//   node ── vxlan ──> relay: is the way open? lost? late? ──> vxlan ── node

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { sealTcp } from './tcp-checksum.ts';

export interface Weather {
  /** Share of frames that get lost, 0 … 1. */
  readonly lossRate: number;
  /** How long a frame is under way at least, and by how much that varies, in milliseconds. */
  readonly delayMs: number;
  readonly jitterMs: number;
}

export const FAIR: Weather = { lossRate: 0, delayMs: 0, jitterMs: 0 };

const HEADER_BYTES = 8;
/** First byte of a hardware address: its last bit says that the frame is for everybody. */
const GROUP_BIT = 1;
/** Where the number of a node stands in the hardware addresses of hardwareAddress(). */
const NUMBER_AT = HEADER_BYTES + 5;

export class FrameRelay {
  readonly #socket: Socket;
  /** Address of each node, outside the tunnel. */
  readonly #hosts: readonly string[];
  readonly #closed = new Set<string>();
  #weather = FAIR;
  /** Frames that were given to nobody, by chance or because the way was cut. */
  lost = 0;

  private constructor(socket: Socket, hosts: readonly string[]) {
    this.#socket = socket;
    this.#hosts = hosts;
    socket.on('message', (datagram, { address }) => this.#take(datagram, hosts.indexOf(address)));
    // A node that is gone: its host says so, and nobody cares.
    socket.on('error', () => undefined);
  }

  static async open(hosts: readonly string[]): Promise<FrameRelay> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 8 * 1024 ** 2 });
    socket.bind(0);
    await once(socket, 'listening');
    return new FrameRelay(socket, hosts);
  }

  get port(): number {
    return (this.#socket.address() as AddressInfo).port;
  }

  close(): void {
    this.#socket.close();
  }

  /** From now on, for every frame. */
  set weather(weather: Weather) {
    this.#weather = weather;
  }

  setWay(from: number, to: number, isOpen: boolean): void {
    if (isOpen) this.#closed.delete(`${from}>${to}`);
    else this.#closed.add(`${from}>${to}`);
  }

  #take(datagram: Buffer, from: number): void {
    sealTcp(datagram.subarray(HEADER_BYTES));
    const isForAll = ((datagram[HEADER_BYTES] as number) & GROUP_BIT) !== 0;
    const only = (datagram[NUMBER_AT] as number) - 1;
    for (const to of this.#hosts.keys()) {
      if (to !== from && (isForAll || to === only)) this.#pass(datagram, from, to);
    }
  }

  #pass(datagram: Buffer, from: number, to: number): void {
    const { lossRate, delayMs, jitterMs } = this.#weather;
    if (this.#closed.has(`${from}>${to}`) || Math.random() < lossRate) {
      this.lost += 1;
      return;
    }
    const lateMs = delayMs + Math.random() * jitterMs;
    if (lateMs === 0) this.#send(datagram, to);
    else setTimeout(() => this.#send(datagram, to), lateMs);
  }

  #send(datagram: Buffer, to: number): void {
    this.#socket.send(datagram, this.port, this.#hosts[to], () => undefined);
  }
}

/** Of the node with that index: locally administered (IEEE 802), the number in its last byte. */
export function hardwareAddress(node: number): string {
  return `02:00:00:00:00:${(node + 1).toString(16).padStart(2, '0')}`;
}
