// A network for real node processes that can be cut: each node runs in a network namespace of its
// own (ip-netns(8)), its peer port on a bridge that all nodes share, its client ports on a cable to
// the test, which therefore reaches every node whatever happens between them.
//
//   n1 ── bridge 0 ── n2      cut([[0], [1, 2]]): the cables of n2 and n3 move to bridge 1. Frames
//            │                between the sides vanish, connections stay as they were, as when
//            n3               the cable between two switches breaks
//
// It needs ip(8) and the right to make namespaces (root): `labRefusal` says why it cannot be had.

import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { messageOf } from '../src/base/errors.ts';
import type { NodeSite } from './cluster-fixture.ts';

const run = promisify(execFile);

export interface NetworkLab {
  /** For startCluster(). */
  readonly sites: readonly NodeSite[];
  /** Only nodes of the same group reach each other; `[[0, 1, 2]]` heals everything. */
  cut(groups: readonly (readonly number[])[]): Promise<void>;
  /** What `from` sends to `to` gets lost from now on; the other direction stays as it was. */
  deafen(from: number, to: number): Promise<void>;
  /** Ends what deafen() began. */
  hear(from: number, to: number): Promise<void>;
}

/** Hardware address that nobody has. */
const NOBODY = '02:00:00:00:00:01';

/** Why there can be no lab here; undefined: there can. */
export async function labRefusal(): Promise<string | undefined> {
  const name = `kvorum-try-${randomInt(2 ** 31)}`;
  try {
    await ip('netns', 'add', name);
    await ip('-n', name, 'link', 'add', 'br0', 'type', 'bridge');
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

  constructor(nodes: number) {
    this.sites = Array.from({ length: nodes }, (_, node) => ({
      host: `${this.#subnet}.${4 * node + 2}`,
      peerHost: peerHost(node),
      launcher: ['ip', 'netns', 'exec', this.#namespace(node)],
    }));
  }

  async make(): Promise<void> {
    await ip('netns', 'add', this.#switch);
    for (const [node, site] of this.sites.entries()) {
      const [bridge, own] = [`br${node}`, this.#namespace(node)];
      const [cable, port] = [this.#cable(node), `p${node}`];
      await this.#atSwitch('link', 'add', bridge, 'type', 'bridge');
      await this.#atSwitch('link', 'set', bridge, 'up');
      await ip('netns', 'add', own);
      await ip('-n', own, 'link', 'set', 'lo', 'up');
      await ip('link', 'add', cable, 'type', 'veth', 'peer', 'name', 'client', 'netns', own);
      await ip('address', 'add', `${this.#subnet}.${4 * node + 1}/30`, 'dev', cable);
      await ip('link', 'set', cable, 'up');
      await ip('-n', own, 'address', 'add', `${site.host}/30`, 'dev', 'client');
      await ip('-n', own, 'link', 'set', 'client', 'up');
      await this.#atSwitch(
        'link',
        'add',
        port,
        'type',
        'veth',
        'peer',
        'name',
        'peer',
        'netns',
        own,
      );
      await this.#atSwitch('link', 'set', port, 'up');
      await ip('-n', own, 'address', 'add', `${site.peerHost}/24`, 'dev', 'peer');
      await ip('-n', own, 'link', 'set', 'peer', 'up');
    }
    await this.cut([this.sites.keys().toArray()]);
  }

  async cut(groups: readonly (readonly number[])[]): Promise<void> {
    for (const [bridge, group] of groups.entries()) {
      for (const node of group) {
        await this.#atSwitch('link', 'set', `p${node}`, 'master', `br${bridge}`);
      }
    }
  }

  async deafen(from: number, to: number): Promise<void> {
    const entry = [peerHost(to), 'lladdr', NOBODY, 'dev', 'peer', 'nud', 'permanent'];
    await ip('-n', this.#namespace(from), 'neighbour', 'replace', ...entry);
  }

  async hear(from: number, to: number): Promise<void> {
    await ip('-n', this.#namespace(from), 'neighbour', 'delete', peerHost(to), 'dev', 'peer');
  }

  /** What a lab that was only half made does not have is none of its cares. */
  async remove(): Promise<void> {
    const nodes = [...this.sites.keys()];
    const names = [...nodes.map((node) => this.#namespace(node)), this.#switch];
    // A namespace outlives its name while a socket in it is closing, and so would the cable.
    const cables = nodes.map((node) => ip('link', 'delete', this.#cable(node)));
    await Promise.allSettled([...cables, ...names.map((name) => ip('netns', 'delete', name))]);
  }

  get #switch(): string {
    return `${this.#name}-switch`;
  }

  /** The end of it that is ours. */
  #cable(node: number): string {
    return `${this.#name}${node}`;
  }

  #namespace(node: number): string {
    return `${this.#name}-n${node + 1}`;
  }

  #atSwitch(...words: readonly string[]): Promise<void> {
    return ip('-n', this.#switch, ...words);
  }
}

function peerHost(node: number): string {
  return `198.19.0.${node + 1}`;
}

async function ip(...words: readonly string[]): Promise<void> {
  await run('ip', words);
}
