// An open loop: requests are due at a fixed rate whatever became of those before, as those of
// many users are. SET and GET of random keys, over raw sockets, encoded beforehand: what the
// generator takes of the cores the nodes lack.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { encodeCommand } from '../../src/client/resp-connection.ts';
import { LoadFigures } from './load-figures.ts';
import { ReplyScanner } from './reply-scanner.ts';

export interface LoadPlan {
  readonly ports: readonly number[];
  readonly connectionsPerPort: number;
  readonly perSecond: number;
  readonly seconds: number;
  /** An answer that takes longer is of no use to whoever waits for it. */
  readonly deadlineMs: number;
}

export type LoadKind = 'get' | 'set';

/** By kind, in the order in which the requests were due. */
export type LoadResult = Readonly<Record<LoadKind, LoadFigures>>;

const KEYS = 10_000;
const VALUE = 'v'.repeat(100);
/** Between two looks at what is due: fewer and larger writes cost less. */
const TICK_MS = 4;
/** On one connection; beyond, a request counts as unanswered. */
const OPEN_MAX = 2_000;
/** After the last request, for what is under way. */
const DRAIN_MS = 2_000;

const SETS = Array.from({ length: KEYS }, (_, key) => encodeCommand(['SET', `key:${key}`, VALUE]));
const GETS = Array.from({ length: KEYS }, (_, key) => encodeCommand(['GET', `key:${key}`]));

/** Writes every key once, gently, through one node. */
export async function fillKeys(port: number): Promise<void> {
  const socket = await opened(port);
  for (let from = 0; from < KEYS; from += 100) {
    let missing = 100;
    const written = new Promise<void>((resolve, reject) => {
      const scanner = new ReplyScanner((kind) => {
        if (kind !== 'done') reject(new Error(`a key could not be written: ${scanner.lastError}`));
        missing -= 1;
        if (missing === 0) resolve();
      });
      socket.removeAllListeners('data').on('data', (chunk: Buffer) => scanner.push(chunk));
    });
    socket.write(Buffer.concat(SETS.slice(from, from + 100)));
    await written;
  }
  socket.destroy();
}

/** `dice`: 0 <= x < 1. */
export async function runLoad(plan: LoadPlan, dice: () => number): Promise<LoadResult> {
  const result = { get: new LoadFigures(), set: new LoadFigures() };
  const opening = plan.ports.flatMap((port) => {
    return Array.from({ length: plan.connectionsPerPort }, () => opened(port));
  });
  const sockets = await Promise.all(opening);
  const lines = sockets.map((socket) => new LoadConnection(socket, result, plan.deadlineMs));
  const startMs = performance.now();
  const total = plan.perSecond * plan.seconds;
  for (let sent = 0; sent < total; ) {
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    const due = Math.min(total, ((performance.now() - startMs) / 1_000) * plan.perSecond);
    for (; sent < due; sent++) {
      const dueMs = startMs + (sent * 1_000) / plan.perSecond;
      const line = lines[sent % lines.length] as LoadConnection;
      line.add(dice() < 0.5 ? 'get' : 'set', Math.floor(dice() * KEYS), dueMs);
    }
    for (const line of lines) line.flush();
  }
  for (const lateMs = performance.now() + DRAIN_MS; performance.now() < lateMs; ) {
    if (lines.every((line) => line.openCount === 0)) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  for (const line of lines) line.close();
  return result;
}

class LoadConnection {
  readonly #socket: Socket;
  readonly #result: LoadResult;
  /** What was sent and not answered, oldest first. */
  readonly #open: { kind: LoadKind; dueMs: number }[] = [];
  #first = 0;
  #batch: Buffer[] = [];

  constructor(socket: Socket, result: LoadResult, deadlineMs: number) {
    this.#socket = socket;
    this.#result = result;
    let nowMs = 0;
    const scanner = new ReplyScanner((reply) => {
      const asked = this.#open[this.#first++];
      if (asked === undefined) return;
      const figures = result[asked.kind];
      if (reply === 'done') figures.addDone(nowMs - asked.dueMs, deadlineMs);
      else if (reply === 'shed') figures.shed += 1;
      else figures.errors += 1;
      if (reply === 'error') figures.lastError = scanner.lastError;
    });
    socket.on('data', (chunk: Buffer) => {
      nowMs = performance.now();
      scanner.push(chunk);
      this.#forgetAnswered();
    });
    socket.on('error', () => undefined); // what is open stays unanswered
  }

  get openCount(): number {
    return this.#open.length - this.#first;
  }

  add(kind: LoadKind, key: number, dueMs: number): void {
    const figures = this.#result[kind];
    figures.due += 1;
    if (this.openCount >= OPEN_MAX || this.#socket.destroyed) {
      figures.unanswered += 1;
      return;
    }
    this.#open.push({ kind, dueMs });
    this.#batch.push((kind === 'get' ? GETS : SETS)[key] as Buffer);
  }

  flush(): void {
    if (this.#batch.length === 0) return;
    this.#socket.write(Buffer.concat(this.#batch));
    this.#batch = [];
  }

  close(): void {
    for (const { kind } of this.#open.slice(this.#first)) this.#result[kind].unanswered += 1;
    this.#socket.destroy();
  }

  #forgetAnswered(): void {
    if (this.#first < 1_000) return;
    this.#open.splice(0, this.#first);
    this.#first = 0;
  }
}

async function opened(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  return socket;
}
