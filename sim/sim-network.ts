// The network of a simulated world. The host of an address is the name of its node: `n1:7000`.
//
// Each ordered pair of nodes has a link with a quality of its own: delay with a tail, loss,
// duplicates, reordering; and it can be cut, one way or both. All of it may be changed while the
// world runs. A frame is lost when its link is cut as it is sent or as it arrives.
//
// A peer that crashed or does not listen is reported by onLost after a while, as a reset of the
// connection would be; a cut link is silent, as a cable pulled out.

import { assert } from '../src/base/assert.ts';
import { crc32 } from '../src/base/checksum.ts';
import { KvorumError } from '../src/base/errors.ts';
import { type Address, joinAddress, splitAddress } from '../src/base/ids.ts';
import { type Endpoint, FRAME_BYTES_MAX, type Network, type Receiver } from '../src/host/host.ts';
import type { SimEvents } from './sim-events.ts';
import { IN_LINE_MS, type SimLife } from './sim-life.ts';
import type { SimRandom } from './sim-random.ts';

export interface LinkQuality {
  /** No frame is faster. */
  readonly delayMsMin: number;
  /** Mean of what comes on top, exponentially distributed. */
  readonly delayMsMean: number;
  /** The chance that a frame takes up to `tailMs` longer still. */
  readonly tailChance: number;
  readonly tailMs: number;
  readonly lossChance: number;
  readonly duplicateChance: number;
  /** The chance that a frame may overtake those before it; the others wait in line. */
  readonly reorderChance: number;
  /** The chance that a node is told (onLost) of a peer that is not there. */
  readonly lossNoticeChance: number;
}

/** A calm data center: nothing is lost, nothing overtakes. */
export const QUIET_LINK: LinkQuality = {
  delayMsMin: 0.1,
  delayMsMean: 0.1,
  tailChance: 0,
  tailMs: 0,
  lossChance: 0,
  duplicateChance: 0,
  reorderChance: 0,
  lossNoticeChance: 1,
};

const FIRST_EPHEMERAL_PORT = 40_000;
const BIND_MS = 0.05;

interface Link {
  quality: Partial<LinkQuality>;
  isCut: boolean;
  lastArrivalMs: number;
}

export class SimNetwork {
  readonly #events: SimEvents;
  readonly #random: SimRandom;
  readonly #endpoints = new Map<Address, SimEndpoint>();
  readonly #links = new Map<string, Link>();
  readonly #isolated = new Set<string>();
  #quality = QUIET_LINK;
  #nextPort = FIRST_EPHEMERAL_PORT;

  constructor(events: SimEvents, random: SimRandom) {
    this.#events = events;
    this.#random = random;
  }

  /** The network as one life of a node sees it. */
  seenBy(life: SimLife): Network {
    return {
      open: (address, receiver) =>
        life.perform(BIND_MS, `listens on ${address}`, () => this.#bind(address, receiver, life)),
    };
  }

  /** The quality of every link that has none of its own. */
  setQuality(quality: Partial<LinkQuality>): void {
    this.#quality = { ...QUIET_LINK, ...quality };
  }

  /** The quality of one link, in one direction, where it differs from the general one. */
  setLink(from: string, to: string, quality: Partial<LinkQuality>): void {
    this.#link(from, to).quality = quality;
  }

  /** From now on nothing gets from `from` to `to`; the way back stays open. */
  cut(from: string, to: string): void {
    this.#link(from, to).isCut = true;
    this.#events.note(`cut ${from}>${to}`);
  }

  heal(from: string, to: string): void {
    this.#link(from, to).isCut = false;
    this.#events.note(`heal ${from}>${to}`);
  }

  /** Cuts every link between the two groups, both ways. */
  partition(group: readonly string[], others: readonly string[]): void {
    for (const one of group) {
      for (const other of others) {
        if (one === other) continue;
        this.cut(one, other);
        this.cut(other, one);
      }
    }
  }

  /** Cuts a node off from all others, those to come included, until rejoin() or healAll(). */
  isolate(node: string): void {
    this.#isolated.add(node);
    this.#events.note(`isolate ${node}`);
  }

  rejoin(node: string): void {
    this.#isolated.delete(node);
    this.#events.note(`rejoin ${node}`);
  }

  /** Heals every link, and gives every link the general quality again. */
  healAll(): void {
    for (const link of this.#links.values()) {
      link.isCut = false;
      link.quality = {};
    }
    this.#isolated.clear();
    this.#events.note('heal all');
  }

  isCut(from: string, to: string): boolean {
    if (from !== to && (this.#isolated.has(from) || this.#isolated.has(to))) return true;
    return this.#link(from, to).isCut;
  }

  /** The addresses on which somebody listens. */
  listening(): Address[] {
    return [...this.#endpoints.keys()];
  }

  /** The life ended: its endpoints are gone, and who spoke to them may be told. */
  crash(life: SimLife): void {
    for (const endpoint of [...this.#endpoints.values()]) {
      if (endpoint.life === life) this.drop(endpoint);
    }
  }

  drop(gone: SimEndpoint): void {
    this.#endpoints.delete(gone.address);
    for (const endpoint of this.#endpoints.values()) {
      if (endpoint.spokenTo.delete(gone.address)) this.#noticeLoss(endpoint, gone.address);
    }
  }

  transmit(from: SimEndpoint, to: Address, frame: Buffer): void {
    const link = this.#link(from.life.node, nodeOf(to));
    const quality = { ...this.#quality, ...link.quality };
    from.spokenTo.add(to);
    const isLost = this.#random.chance(quality.lossChance);
    const copies = this.#random.chance(quality.duplicateChance) ? 2 : 1;
    if (isLost || this.isCut(from.life.node, nodeOf(to))) {
      this.#events.note(`lost ${describe(from, to, frame)}`);
      return;
    }
    for (let copy = 0; copy < copies; copy++) {
      const delayMs = this.#delayMs(link, quality);
      const label = `frame ${describe(from, to, frame)}`;
      this.#events.after(delayMs, label, () => this.#arrive(from, to, frame));
    }
  }

  #arrive(from: SimEndpoint, to: Address, frame: Buffer): void {
    if (this.isCut(from.life.node, nodeOf(to))) return;
    const endpoint = this.#endpoints.get(to);
    if (endpoint === undefined) this.#noticeLoss(from, to);
    else endpoint.life.deliver(() => endpoint.hear(frame));
  }

  #bind(address: Address, receiver: Receiver, life: SimLife): Endpoint {
    const { host, port } = splitAddress(address);
    if (host !== life.node) {
      const fix = `Use ${life.node}, with a port.`;
      throw new KvorumError('BAD_OPTION', `${life.node} cannot listen on ${address}`, fix);
    }
    const bound = joinAddress(host, port === 0 ? this.#nextPort++ : port);
    if (this.#endpoints.has(bound)) {
      const fix = 'Stop the process that uses the port, or choose another one.';
      throw new KvorumError('PORT_IN_USE', `cannot listen on ${bound}: it is in use`, fix);
    }
    const endpoint = new SimEndpoint(bound, receiver, life, this);
    this.#endpoints.set(bound, endpoint);
    return endpoint;
  }

  #delayMs(link: Link, quality: LinkQuality): number {
    const random = this.#random;
    let delayMs = quality.delayMsMin + random.exponential(quality.delayMsMean);
    if (random.chance(quality.tailChance)) delayMs += random.unit() * quality.tailMs;
    if (random.chance(quality.reorderChance)) return delayMs;
    const nowMs = this.#events.nowMs;
    link.lastArrivalMs = Math.max(nowMs + delayMs, link.lastArrivalMs + IN_LINE_MS);
    return link.lastArrivalMs - nowMs;
  }

  /** Tells `endpoint`, some time later, that the way to `peer` broke: one notice at a time. */
  #noticeLoss(endpoint: SimEndpoint, peer: Address): void {
    const [from, to] = [nodeOf(peer), endpoint.life.node];
    const quality = { ...this.#quality, ...this.#link(from, to).quality };
    const isTold = this.#random.chance(quality.lossNoticeChance);
    if (!isTold || this.isCut(from, to) || endpoint.lossesDue.has(peer)) return;
    endpoint.lossesDue.add(peer);
    const delayMs = quality.delayMsMin + this.#random.exponential(quality.delayMsMean);
    endpoint.life.after(delayMs, `loses ${peer}`, () => endpoint.lose(peer));
  }

  #link(from: string, to: string): Link {
    const name = `${from}>${to}`;
    let link = this.#links.get(name);
    if (link === undefined) {
      link = { quality: {}, isCut: false, lastArrivalMs: 0 };
      this.#links.set(name, link);
    }
    return link;
  }
}

class SimEndpoint implements Endpoint {
  readonly address: Address;
  readonly life: SimLife;
  /** Peers that would notice the end of a connection with this endpoint. */
  readonly spokenTo = new Set<Address>();
  /** Peers whose loss is on its way to the receiver. */
  readonly lossesDue = new Set<Address>();
  readonly #receiver: Receiver;
  readonly #network: SimNetwork;
  #isClosed = false;

  constructor(address: Address, receiver: Receiver, life: SimLife, network: SimNetwork) {
    this.address = address;
    this.#receiver = receiver;
    this.life = life;
    this.#network = network;
  }

  send(to: Address, frame: Uint8Array): void {
    assert(frame.length <= FRAME_BYTES_MAX, `a frame of ${frame.length} bytes is too long`);
    if (this.#isClosed || !this.life.isAlive) return;
    this.#network.transmit(this, to, Buffer.from(frame));
  }

  close(): Promise<void> {
    if (!this.#isClosed && this.life.isAlive) {
      this.#isClosed = true;
      this.#network.drop(this);
    }
    return this.life.perform(BIND_MS, `closed ${this.address}`, () => undefined);
  }

  /** The receiver gets memory that is wiped after the call: who keeps a view is found out. */
  hear(frame: Buffer): void {
    if (this.#isClosed) return;
    const view = Buffer.from(frame);
    this.#receiver.onFrame(view);
    view.fill(0xdb);
  }

  lose(peer: Address): void {
    this.lossesDue.delete(peer);
    if (!this.#isClosed) this.#receiver.onLost(peer);
  }
}

function nodeOf(address: Address): string {
  return splitAddress(address).host;
}

function describe(from: SimEndpoint, to: Address, frame: Buffer): string {
  return `${from.address}>${to} ${frame.length} ${crc32(frame)}`;
}
