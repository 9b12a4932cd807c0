// Clients that write and read a cluster until they are told to stop, and hold every answer
// against the ledger. A writer owns its keys; it goes round its nodes, a batch of pipelined
// commands to each, so that successive writes of a key may come through different coordinators.
//
// What a client was told other than "done" is kept with the node that it came through: tests say
// through which nodes nothing else may have been heard.

import { randomInt } from 'node:crypto';
import { messageOf } from '../src/base/errors.ts';
import { ReplyError, type RespValue } from '../src/client/reply-parser.ts';
import { RespConnection } from '../src/client/resp-connection.ts';
import type { RunningCluster, RunningNode } from './cluster-fixture.ts';
import type { Attempt, Fate, Ledger } from './ledger.ts';

export interface Complaint {
  /** Index of the node. */
  readonly node: number;
  /** GET, SET or DEL; CONNECT when there was nobody. */
  readonly command: string;
  readonly text: string;
}

export interface LoadOptions {
  readonly cluster: RunningCluster;
  readonly ledger: Ledger;
  /** For each writer the nodes that it goes round. */
  readonly writers: readonly (readonly number[])[];
  /** For each reader its node. */
  readonly readers?: readonly number[];
  readonly keysPerWriter?: number;
  /** What its keys begin with, where several loads share a ledger. */
  readonly prefix?: string;
}

const BATCH = 16;
const KEYS_PER_WRITER = 64;
/** Longer than any request may take: silence is for the node to end, not for the client. */
export const PATIENT = { timeoutMs: 60_000 } as const;
/** Error words that promise that nothing was written. */
const REFUSALS = ['NOREPLICAS', 'LOADING'];

export class Load {
  /** Writes and reads that were answered by an error, or not at all. */
  readonly complaints: Complaint[] = [];
  /** Reads that showed what nobody may see. */
  readonly lies: string[] = [];
  reads = 0;
  readonly #options: LoadOptions;
  readonly #keys: readonly (readonly string[])[];
  readonly #running: Promise<unknown>;
  #isStopping = false;

  constructor(options: LoadOptions) {
    this.#options = options;
    const { writers, readers = [], keysPerWriter = KEYS_PER_WRITER, prefix = '' } = options;
    this.#keys = writers.map((_, writer) => {
      return Array.from({ length: keysPerWriter }, (_, i) => `${prefix}w${writer}-k${i}`);
    });
    const writing = writers.map((nodes, writer) => this.#write(nodes, this.#keys[writer] ?? []));
    this.#running = Promise.all([...writing, ...readers.map((node) => this.#read(node))]);
  }

  /** Resolves when so many more writes are acknowledged; rejects when nobody writes any more. */
  async more(acknowledged: number): Promise<void> {
    const allEnded = this.#running.then(() => {
      throw new Error(`all clients have ended: ${JSON.stringify(this.complaints.slice(-3))}`);
    });
    await Promise.race([this.#options.ledger.more(acknowledged), allEnded]);
  }

  /** Resolves when every client has the answers to what it had sent. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#running;
  }

  /** What clients of these nodes were told other than "done". */
  complaintsOf(...nodes: readonly number[]): Complaint[] {
    return this.complaints.filter(({ node }) => nodes.includes(node));
  }

  /** A writer of one node ends with its connection; one of several goes on with the others. */
  async #write(nodes: readonly number[], keys: readonly string[]): Promise<void> {
    const connections = new Map<number, RespConnection>();
    for (let turn = 0; !this.#isStopping; turn++) {
      const node = nodes[turn % nodes.length] as number;
      const connection = connections.get(node) ?? (await this.#connect(node));
      if (connection === undefined && nodes.length === 1) return;
      if (connection === undefined) continue;
      connections.set(node, connection);
      const batch = Array.from({ length: BATCH }, (_, i) => keyAt(keys, turn * BATCH + i));
      if (!(await this.#writeBatch(node, connection, new Set(batch)))) connections.delete(node);
    }
    await Promise.all([...connections.values()].map((connection) => connection.close()));
  }

  /** Whether the connection is still good. */
  async #writeBatch(
    node: number,
    connection: RespConnection,
    keys: ReadonlySet<string>,
  ): Promise<boolean> {
    const { ledger } = this.#options;
    let isGood = true;
    const write = async (attempt: Attempt) => {
      const { reply, failure } = await answerTo(connection, attempt.words);
      const fate = failure === undefined ? fateOf(reply) : 'open';
      ledger.settle(attempt, fate);
      const text = failure ?? (reply instanceof ReplyError ? reply.text : undefined);
      const [command = ''] = attempt.words;
      if (text !== undefined) this.complaints.push({ node, command, text });
      if (failure !== undefined) isGood = false;
    };
    await Promise.all([...keys].map((key) => write(ledger.begin(key))));
    return isGood;
  }

  async #read(node: number): Promise<void> {
    const keys = this.#keys.flat();
    const connection = await this.#connect(node);
    while (!this.#isStopping && connection !== undefined) {
      const chosen = Array.from({ length: BATCH }, () => keyAt(keys, randomInt(keys.length)));
      const isGood = await Promise.all(chosen.map((key) => this.#readOne(node, connection, key)));
      if (isGood.includes(false)) break;
    }
    await connection?.close();
  }

  async #readOne(node: number, connection: RespConnection, key: string): Promise<boolean> {
    const { ledger } = this.#options;
    const floor = ledger.floor(key);
    const { reply, failure } = await answerTo(connection, ['GET', key]);
    const text = failure ?? (reply instanceof ReplyError ? reply.text : undefined);
    if (text !== undefined) this.complaints.push({ node, command: 'GET', text });
    else {
      this.reads += 1;
      const lie = ledger.wrong(key, floor, reply as Buffer | null);
      if (lie !== undefined) this.lies.push(`through n${node + 1}: ${lie}`);
    }
    return failure === undefined;
  }

  async #connect(node: number): Promise<RespConnection | undefined> {
    const { nodes } = this.#options.cluster;
    const { address } = nodes[node] as RunningNode;
    try {
      return await RespConnection.open(address, PATIENT);
    } catch (error) {
      this.complaints.push({ node, command: 'CONNECT', text: messageOf(error) });
      return undefined;
    }
  }
}

/** What is wrong with the keys of the ledger as they are read through one node, all at once. */
export async function wrongThrough(
  cluster: RunningCluster,
  node: number,
  ledger: Ledger,
): Promise<string[]> {
  const connection = await cluster.connect(node, PATIENT);
  const check = async (key: string) => {
    const reply = await connection.send('GET', key);
    if (reply instanceof ReplyError) return `${key}: ${reply.text}`;
    return ledger.wrong(key, ledger.floor(key), reply as Buffer | null);
  };
  const wrong = await Promise.all(ledger.keys.map(check));
  await connection.close();
  return wrong.filter((each) => each !== undefined);
}

async function answerTo(
  connection: RespConnection,
  words: readonly string[],
): Promise<{ readonly reply?: RespValue; readonly failure?: string }> {
  try {
    return { reply: await connection.send(...words) };
  } catch (error) {
    return { failure: messageOf(error) };
  }
}

/** 0 is DEL's answer when there was nothing to delete: nothing was written. */
function fateOf(reply: RespValue | undefined): Fate {
  if (reply === 'OK' || reply === 1) return 'acknowledged';
  if (reply === 0) return 'refused';
  return reply instanceof ReplyError && REFUSALS.includes(reply.word) ? 'refused' : 'open';
}

function keyAt(keys: readonly string[], index: number): string {
  return keys[index % keys.length] as string;
}
