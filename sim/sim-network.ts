// The network of a simulated world. The host of an address is the name of its node: `n1:7000`.
//
// Each ordered pair of nodes has a link with a quality of its own: delay with a tail, loss,
// duplicates, reordering; and it can be cut, one way or both. All of it may be changed while the
// world runs. A frame is lost when its link is cut as it is sent or as it arrives.
//
// A peer that crashed or does not listen is reported by onLost after a while, as a reset of the
// connection would be; a cut link is silent, as a cable pulled out.

import { crc32 } from '../src/base/checksum.ts';
import { KvorumError } from '../src/base/errors.ts';
import { type Address, joinAddress, splitAddress } from '../src/base/ids.ts';
import type { Endpoint, Network, Receiver } from '../src/host/host.ts';
import { type Carrier, SimEndpoint } from './sim-endpoint.ts';
import type { SimEvents } from './sim-events.ts';
import type { SimLife } from './sim-life.ts';
import { type LinkQuality, QUIET_LINK, SimLink } from './sim-link.ts';
import type { SimRandom } from './sim-random.ts';

const FIRST_EPHEMERAL_PORT = 40_000;
const BIND_MS = 0.05;

export class SimNetwork implements Carrier {
  readonly #events: SimEvents;
  readonly #random: SimRandom;
  readonly #endpoints = new Map<Address, SimEndpoint>();
  readonly #links = new Map<string, SimLink>();
  readonly #isolated = new Set<string>();
  /** Told of every frame that somebody sends, whatever becomes of it. */
  onFrame: ((from: string, to: string, frame: Buffer) => void) | undefined;
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
    this.#link(from, to).own = quality;
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

  /** Cuts every link from one group to the other; the way back stays open. */
  cutAll(group: readonly string[], others: readonly string[]): void {
    for (const from of group) for (const to of others) if (from !== to) this.cut(from, to);
  }

  /** Cuts every link between the two groups, both ways. */
  partition(group: readonly string[], others: readonly string[]): void {
    this.cutAll(group, others);
    this.cutAll(others, group);
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
      link.own = {};
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
    const [fromNode, toNode] = [from.life.node, nodeOf(to)];
    this.onFrame?.(fromNode, toNode, frame);
    const link = this.#link(fromNode, toNode);
    const quality = this.#qualityOf(link);
    const what = `${from.address}>${to} ${frame.length} ${crc32(frame)}`;
    from.spokenTo.add(to);
    const isLost = this.#random.chance(quality.lossChance);
    const copies = this.#random.chance(quality.duplicateChance) ? 2 : 1;
    if (isLost || this.isCut(fromNode, toNode)) {
      this.#events.note(`lost ${what}`);
      return;
    }
    for (let copy = 0; copy < copies; copy++) {
      const delayMs = link.drawDelayMs(quality, this.#events.nowMs, this.#random);
      this.#events.after(delayMs, `frame ${what}`, () => this.#arrive(from, to, frame));
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

  /** Tells `endpoint`, some time later, that the way to `peer` broke: one notice at a time. */
  #noticeLoss(endpoint: SimEndpoint, peer: Address): void {
    const [from, to] = [nodeOf(peer), endpoint.life.node];
    const quality = this.#qualityOf(this.#link(from, to));
    const isTold = this.#random.chance(quality.lossNoticeChance);
    if (!isTold || this.isCut(from, to) || endpoint.lossesDue.has(peer)) return;
    endpoint.lossesDue.add(peer);
    const delayMs = quality.delayMsMin + this.#random.exponential(quality.delayMsMean);
    endpoint.life.after(delayMs, `loses ${peer}`, () => endpoint.lose(peer));
  }

  #qualityOf(link: SimLink): LinkQuality {
    return { ...this.#quality, ...link.own };
  }

  #link(from: string, to: string): SimLink {
    const name = `${from}>${to}`;
    let link = this.#links.get(name);
    if (link === undefined) {
      link = new SimLink();
      this.#links.set(name, link);
    }
    return link;
  }
}

/** The host of an address; names of nodes have no brackets. */
function nodeOf(address: Address): string {
  return address.slice(0, address.lastIndexOf(':'));
}
