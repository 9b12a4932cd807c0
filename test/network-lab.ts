// A network for real node processes that can be cut, deafened and made slow and lossy: each node
// runs in a network namespace of its own (ip-netns(8)) with a cable to the test, which therefore
// reaches its client ports whatever happens. Its peer port is on a tunnel through that cable to a
// switch that the test plays itself (frame-relay.ts).
//
//   n1 ══ cable ══ test ══ cable ══ n2        ══  clients, over Redis protocol and HTTP
//    └─ tunnel ── relay ── tunnel ──┘         ──  frames between nodes
//
// Connections stay as they were when a way is cut, as when the cable between two switches breaks.
// It needs ip(8), VXLAN and the right to make namespaces (root): `labRefusal` says why it cannot be
// had.

import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { messageOf } from '../src/base/errors.ts';
import type { NodeSite } from './cluster-fixture.ts';
import { FrameRelay, hardwareAddress, type Weather } from './frame-relay.ts';

const run = promisify(execFile);

export interface NetworkLab {
  /** For startCluster(). */
  readonly sites: readonly NodeSite[];
  /** Only nodes of the same group reach each other; `[[0, 1, 2]]` heals everything. */
  cut(groups: readonly (readonly number[])[]): void;
  /** What `from` sends to `to` gets lost from now on; the other direction stays as it was. */
  deafen(from: number, to: number): void;
  /** Ends what deafen() began. */
  hear(from: number, to: number): void;
  /** Loss and delay of all frames between nodes from now on. */
  setWeather(weather: Weather): void;
  readonly framesLost: number;
}

/** So that a frame of a tunnel, with what is around it, is one packet of its cable. */
const CABLE_MTU = 9_000;
const TUNNEL_MTU = 8_900;

/** Why there can be no lab here; undefined: there can. */
export async function labRefusal(): Promise<string | undefined> {
  const name = `kvorum-try-${randomInt(2 ** 31)}`;
  try {
    await ip('netns', 'add', name);
    await ip('-n', name, 'link', 'add', 'peer', 'type', 'vxlan', 'id', '1', 'dstport', '4789');
    return undefined;
  } catch (error) {
    return `network namespaces cannot be made here: ${messageOf(error).trim()}`;
  } finally {
    await ip('netns', 'delete', name).catch(() => undefined);
  }
}

/** It goes when the test is over. */
export async function networkLab(owner: TestContext, nodes: number): Promise<NetworkLab> {
  const lab = new Lab(nodes);
  owner.after(() => lab.remove());
  await lab.make();
  return lab;
}

class Lab implements NetworkLab {
  readonly sites: readonly NodeSite[];
  readonly #name = `kv${randomInt(2 ** 24).toString(16)}`;
  /** 198.18.0.0/15 is set aside for tests of networks: RFC 2544, appendix C.2.2. */
  readonly #subnet = `198.18.${randomInt(256)}`;
  #relay: FrameRelay | undefined;

  constructor(nodes: number) {
    this.sites = Array.from({ length: nodes }, (_, node) => ({
      host: `${this.#subnet}.${4 * node + 2}`,
      peerHost: peerHost(node),
      launcher: ['ip', 'netns', 'exec', this.#namespace(node)],
    }));
  }

  async make(): Promise<void> {
    this.#relay = await FrameRelay.open(this.sites.map(({ host }) => host));
    for (const node of this.sites.keys()) await this.#makeSite(node, this.#relay.port);
  }

  async #makeSite(node: number, relayPort: number): Promise<void> {
    const site = this.sites[node] as NodeSite;
    const own = this.#namespace(node);
    const cable = this.#cable(node);
    const ourEnd = `${this.#subnet}.${4 * node + 1}`;
    const mtu = ['mtu', String(CABLE_MTU)];
    await ip('netns', 'add', own);
    await ip('-n', own, 'link', 'set', 'lo', 'up');
    const farEnd = ['peer', 'name', 'client', ...mtu, 'netns', own];
    await ip('link', 'add', cable, ...mtu, 'type', 'veth', ...farEnd);
    await ip('address', 'add', `${ourEnd}/30`, 'dev', cable);
    await ip('link', 'set', cable, 'up');
    await ip('-n', own, 'address', 'add', `${site.host}/30`, 'dev', 'client');
    await ip('-n', own, 'link', 'set', 'client', 'up');
    const ends = ['local', site.host, 'remote', ourEnd, 'dstport', String(relayPort)];
    const frames = ['address', hardwareAddress(node), 'mtu', String(TUNNEL_MTU)];
    await ip('-n', own, 'link', 'add', 'peer', ...frames, 'type', 'vxlan', 'id', '1', ...ends);
    await ip('-n', own, 'address', 'add', `${site.peerHost}/24`, 'dev', 'peer');
    // One segment at a time: nobody below would cut larger ones.
    await ip('-n', own, 'link', 'set', 'peer', 'up', 'gso_max_segs', '1');
  }

  cut(groups: readonly (readonly number[])[]): void {
    for (const from of this.sites.keys()) {
      const side = groups.find((group) => group.includes(from)) ?? [];
      for (const to of this.sites.keys()) this.#relay?.setWay(from, to, side.includes(to));
    }
  }

  deafen(from: number, to: number): void {
    this.#relay?.setWay(from, to, false);
  }

  hear(from: number, to: number): void {
    this.#relay?.setWay(from, to, true);
  }

  setWeather(weather: Weather): void {
    if (this.#relay !== undefined) this.#relay.weather = weather;
  }

  get framesLost(): number {
    return this.#relay?.lost ?? 0;
  }

  /** What a lab that was only half made does not have is none of its cares. */
  async remove(): Promise<void> {
    this.#relay?.close();
    const nodes = [...this.sites.keys()];
    // A namespace outlives its name while a socket in it is closing, and so would the cable.
    const cables = nodes.map((node) => ip('link', 'delete', this.#cable(node)));
    const namespaces = nodes.map((node) => ip('netns', 'delete', this.#namespace(node)));
    await Promise.allSettled([...cables, ...namespaces]);
  }

  /** The end of it that is ours. */
  #cable(node: number): string {
    return `${this.#name}${node}`;
  }

  #namespace(node: number): string {
    return `${this.#name}-n${node + 1}`;
  }
}

function peerHost(node: number): string {
  return `198.19.0.${node + 1}`;
}

async function ip(...words: readonly string[]): Promise<void> {
  await run('ip', words);
}
