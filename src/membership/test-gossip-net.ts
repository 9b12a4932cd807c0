// Many gossip cores on one virtual clock, and between them a network that loses, doubles and delays
// as it is told: for the tests of membership, and for `npm run bench -- gossip`. One seed decides
// everything.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { GOSSIP_TICK_MS, Gossip, type Outgoing } from './gossip.ts';
import { messageBytes } from './gossip-message.ts';
import type { GossipPreset } from './gossip-preset.ts';
import { IDLE } from './heartbeat.ts';

export interface GossipNetOptions {
  readonly nodes: number;
  readonly preset: GossipPreset;
  /** Whole numbers from 0 up to, but not including, `below`. */
  readonly dice: (below: number) => number;
  /** Shares of all messages, 0 … 1. */
  readonly lossRate?: number;
  readonly duplicateRate?: number;
  /** Whole milliseconds, below LATEST_MS. */
  readonly delayMsMax?: number;
}

/** Messages are delivered within so many slots of a millisecond. */
const LATEST_MS = 1_024;

/** How finely chances are told apart. */
const DICE_SIDES = 1_000_000;

export class GossipNet {
  readonly nodes: (Gossip | undefined)[] = [];
  /** Sent, by node. */
  readonly bytes: Float64Array;
  readonly #options: GossipNetOptions;
  readonly #slots: (() => void)[][] = Array.from({ length: LATEST_MS }, () => []);
  readonly #phases: number[] = [];
  readonly #cuts = new Set<string>();
  nowMs = 0;

  constructor(options: GossipNetOptions) {
    this.#options = options;
    this.bytes = new Float64Array(options.nodes);
    for (let index = 0; index < options.nodes; index++) {
      this.#phases.push(options.dice(GOSSIP_TICK_MS));
      this.start(index, 1);
    }
  }

  start(index: number, generation: number): void {
    const { nodes, preset, dice } = this.#options;
    this.nodes[index] = new Gossip({
      members: Array.from({ length: nodes }, (_, member) => 1_000 + member),
      self: index,
      generation,
      epoch: 1,
      preset,
      dice,
      nowMs: this.nowMs,
    });
  }

  /** Without a word, and without a broken connection. */
  silence(index: number): void {
    this.nodes[index] = undefined;
  }

  leave(index: number): void {
    this.#send(index, this.nodes[index]?.leave() ?? []);
    this.nodes[index] = undefined;
  }

  /** Nothing gets from `from` to `to` any more. */
  cut(from: number, to: number): void {
    this.#cuts.add(`${from}>${to}`);
  }

  heal(): void {
    this.#cuts.clear();
  }

  /** Calls `atSecond` after each whole second. */
  run(ms: number, atSecond = () => {}): void {
    const untilMs = this.nowMs + ms;
    while (this.nowMs < untilMs) {
      this.#step();
      if (this.nowMs % 1_000 === 0) atSecond();
    }
  }

  /** Milliseconds until it is so, looked at every ten; at most `msMax`. */
  until(isSo: () => boolean, msMax: number): number {
    const fromMs = this.nowMs;
    while (!isSo() && this.nowMs - fromMs < msMax) this.run(10);
    return this.nowMs - fromMs;
  }

  #step(): void {
    this.nowMs += 1;
    const slot = this.nowMs % LATEST_MS;
    const due = this.#slots[slot] as (() => void)[];
    this.#slots[slot] = [];
    for (const deliver of due) deliver();
    const phase = this.nowMs % GOSSIP_TICK_MS;
    for (const [index, node] of this.nodes.entries()) {
      if (node === undefined || this.#phases[index] !== phase) continue;
      this.#send(
        index,
        node.tick({ nowMs: this.nowMs, wallMs: this.nowMs }, () => IDLE),
      );
    }
  }

  #send(from: number, list: readonly Outgoing[]): void {
    for (const outgoing of list) {
      this.bytes[from] = (this.bytes[from] as number) + messageBytes(outgoing.message);
      this.#deliver(from, outgoing);
      if (this.#chance(this.#options.duplicateRate ?? 0)) this.#deliver(from, outgoing);
    }
  }

  #deliver(from: number, { to, exchange, message }: Outgoing): void {
    if (this.#chance(this.#options.lossRate ?? 0) || this.#cuts.has(`${from}>${to}`)) return;
    const delayMs = 1 + this.#options.dice(this.#options.delayMsMax ?? 1);
    this.#slots[(this.nowMs + delayMs) % LATEST_MS]?.push(() => {
      const replies = this.nodes[to]?.hear(from, exchange, message, this.nowMs);
      if (replies !== undefined) this.#send(to, replies);
    });
  }

  #chance(rate: number): boolean {
    return rate > 0 && this.#options.dice(DICE_SIDES) < rate * DICE_SIDES;
  }
}
