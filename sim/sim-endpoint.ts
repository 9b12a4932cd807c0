// One open address in a simulated world: what a life of a node sends and hears through.

import { assert } from '../src/base/assert.ts';
import type { Address } from '../src/base/ids.ts';
import { type Endpoint, FRAME_BYTES_MAX, type Receiver } from '../src/host/host.ts';
import type { SimLife } from './sim-life.ts';

const CLOSE_MS = 0.05;

/** The part of the network that an endpoint talks to. */
export interface Carrier {
  /** `frame` belongs to the carrier from here on. */
  transmit(from: SimEndpoint, to: Address, frame: Buffer): void;
  /** Nobody listens here any more. */
  drop(endpoint: SimEndpoint): void;
}

export class SimEndpoint implements Endpoint {
  readonly address: Address;
  readonly life: SimLife;
  /** Peers that would notice the end of a connection with this endpoint. */
  readonly spokenTo = new Set<Address>();
  /** Peers whose loss is on its way to the receiver. */
  readonly lossesDue = new Set<Address>();
  readonly #receiver: Receiver;
  readonly #carrier: Carrier;
  #isClosed = false;

  constructor(address: Address, receiver: Receiver, life: SimLife, carrier: Carrier) {
    this.address = address;
    this.#receiver = receiver;
    this.life = life;
    this.#carrier = carrier;
  }

  send(to: Address, frame: Uint8Array): void {
    assert(frame.length <= FRAME_BYTES_MAX, `a frame of ${frame.length} bytes is too long`);
    if (this.#isClosed || !this.life.isAlive) return;
    this.#carrier.transmit(this, to, Buffer.from(frame));
  }

  close(): Promise<void> {
    if (!this.#isClosed && this.life.isAlive) {
      this.#isClosed = true;
      this.#carrier.drop(this);
    }
    return this.life.perform(CLOSE_MS, `closed ${this.address}`, () => undefined);
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
