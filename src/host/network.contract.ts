// What every Network promises, as tests; see disk.contract.ts for how they are registered. The
// contract promises little (frames may be lost), so it is checked on quiet links, on which an
// implementation delivers everything.

import { deepEqual, equal, notEqual, ok, rejects } from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '../base/errors.ts';
import type { Address } from '../base/ids.ts';
import type { Clock, Endpoint, Network, Receiver } from './host.ts';
import { FRAME_BYTES_MAX } from './host.ts';

/** Two nodes that reach each other. */
export interface NetworkPair {
  readonly here: Network;
  readonly there: Network;
  /** Addresses to bind on either side, with port 0. */
  readonly hereAddress: Address;
  readonly thereAddress: Address;
  readonly clock: Clock;
}

export type WithNetworks = (body: (pair: NetworkPair) => Promise<void>) => Promise<void>;

export function networkContract(kind: string, withNetworks: WithNetworks): void {
  for (const [promise, body] of Object.entries(promises)) {
    test(`${kind}: ${promise}`, () => withNetworks(body));
  }
}

/** Keeps what it hears. */
export class Listener implements Receiver {
  readonly frames: Buffer[] = [];
  readonly lost: Address[] = [];

  onFrame(frame: Buffer): void {
    this.frames.push(Buffer.from(frame));
  }

  onLost(peer: Address): void {
    this.lost.push(peer);
  }
}

/** Looks again every millisecond; fails after five seconds of the clock. */
export async function eventually(clock: Clock, isSo: () => boolean): Promise<void> {
  const from = clock.monotonicMs();
  while (!isSo()) {
    ok(clock.monotonicMs() - from < 5000, `within 5 s: ${isSo}`);
    await new Promise<void>((resolve) => clock.after(1, resolve));
  }
}

const promises: Record<string, (pair: NetworkPair) => Promise<void>> = {
  'frames arrive whole in both directions': async (pair) => {
    const [a, b] = [new Listener(), new Listener()];
    const { here, there } = await openBoth(pair, a, b);
    const frames = [0, 1, 100, 70_000, FRAME_BYTES_MAX].map((size) => Buffer.alloc(size, size));
    for (const frame of frames) here.send(there.address, frame);
    there.send(here.address, Buffer.from('and back'));
    await eventually(pair.clock, () => b.frames.length === 5 && a.frames.length === 1);
    deepEqual(sortedBySize(b.frames), frames);
    equal(a.frames[0]?.toString(), 'and back');
    await Promise.all([here.close(), there.close()]);
  },

  'frames of either lane arrive': async (pair) => {
    const b = new Listener();
    const { here, there } = await openBoth(pair, new Listener(), b);
    here.send(there.address, Buffer.from('data'));
    here.send(there.address, Buffer.from('gossip'), 'gossip');
    await eventually(pair.clock, () => b.frames.length === 2);
    deepEqual(b.frames.map(String).sort(), ['data', 'gossip']);
    await Promise.all([here.close(), there.close()]);
  },

  'thousands of frames sent in one turn all arrive, each once': async (pair) => {
    const b = new Listener();
    const { here, there } = await openBoth(pair, new Listener(), b);
    const count = 5000;
    for (let n = 0; n < count; n++) here.send(there.address, Buffer.from(`frame ${n}`));
    await eventually(pair.clock, () => b.frames.length === count);
    equal(new Set(b.frames.map(String)).size, count);
    await Promise.all([here.close(), there.close()]);
  },

  'many megabytes over many turns arrive unaltered': async (pair) => {
    const b = new Listener();
    const { here, there } = await openBoth(pair, new Listener(), b);
    const count = 600;
    for (let n = 0; n < count; n++) {
      here.send(there.address, Buffer.alloc(50_000 + n, n));
      if (n % 20 === 0) await new Promise<void>((resolve) => pair.clock.after(0, resolve));
    }
    await eventually(pair.clock, () => b.frames.length === count);
    for (const frame of b.frames) {
      ok(frame.equals(Buffer.alloc(frame.length, frame.length - 50_000)));
    }
    await Promise.all([here.close(), there.close()]);
  },

  'send copies: the sender may reuse its buffer at once': async (pair) => {
    const b = new Listener();
    const { here, there } = await openBoth(pair, new Listener(), b);
    const buffer = Buffer.from('first');
    here.send(there.address, buffer);
    buffer.fill('x');
    await eventually(pair.clock, () => b.frames.length === 1);
    equal(b.frames[0]?.toString(), 'first');
    await Promise.all([here.close(), there.close()]);
  },

  'port 0 becomes a real one, and an address is bound only once': async (pair) => {
    const { here, there } = await openBoth(pair, new Listener(), new Listener());
    ok(!here.address.endsWith(':0'));
    notEqual(here.address, there.address);
    const taken = pair.here.open(here.address, new Listener());
    await rejects(taken, (error) => {
      ok(hasCode(error, 'PORT_IN_USE'), String(error));
      ok(error.message.includes(here.address), error.message);
      return true;
    });
    await Promise.all([here.close(), there.close()]);
  },

  'a peer that does not listen is lost, but never within send': async (pair) => {
    const a = new Listener();
    const { here, there } = await openBoth(pair, a, new Listener());
    await there.close();
    for (let n = 0; n < 20; n++) {
      here.send(there.address, Buffer.from('anyone?'));
      equal(a.lost.length, 0, 'not within send');
    }
    await eventually(pair.clock, () => a.lost.length > 0);
    deepEqual(new Set(a.lost), new Set([there.address]));
    await here.close();
  },

  'a peer that closes is lost even when nothing is sent, and found again later': async (pair) => {
    const [a, b, later] = [new Listener(), new Listener(), new Listener()];
    const { here, there } = await openBoth(pair, a, b);
    here.send(there.address, Buffer.from('hello'));
    await eventually(pair.clock, () => b.frames.length === 1);
    await there.close();
    await eventually(pair.clock, () => a.lost.length > 0);
    const again = await pair.there.open(there.address, later);
    await eventually(pair.clock, () => {
      here.send(again.address, Buffer.from('welcome back'));
      return later.frames.length > 0;
    });
    await Promise.all([here.close(), again.close()]);
  },

  'a closed endpoint neither sends nor hears': async (pair) => {
    const [a, b] = [new Listener(), new Listener()];
    const { here, there } = await openBoth(pair, a, b);
    await here.close();
    await here.close();
    here.send(there.address, Buffer.from('from the grave'));
    there.send(here.address, Buffer.from('anyone?'));
    await eventually(pair.clock, () => b.lost.length > 0);
    deepEqual([a.frames, b.frames, a.lost], [[], [], []]);
    await there.close();
  },
};

interface Endpoints {
  readonly here: Endpoint;
  readonly there: Endpoint;
}

async function openBoth(pair: NetworkPair, a: Receiver, b: Receiver): Promise<Endpoints> {
  const here = await pair.here.open(pair.hereAddress, a);
  const there = await pair.there.open(pair.thereAddress, b);
  return { here, there };
}

function sortedBySize(frames: readonly Buffer[]): Buffer[] {
  return frames.toSorted((one, other) => one.length - other.length);
}
