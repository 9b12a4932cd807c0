// Writes or verifies any number of keys through several nodes at once, in pipelined batches. What
// was refused, or went down with a connection, is written again until somebody confirms it: when
// it is over, every key was acknowledged. A node that is away is asked again now and then.

import { ReplyError, type RespValue } from '../src/client/reply-parser.ts';
import { BatchConnection, type Command } from './batch-connection.ts';
import type { BulkKeys } from './bulk-keys.ts';

const BATCH = 128;
const CONNECTIONS_PER_PORT = 2;
/** After a refusal, and between two attempts to connect. */
const PAUSE_MS = 100;
/** A read that is answered by an error so often in a row counts as unanswered. */
const READ_ATTEMPTS = 20;

export interface Verdict {
  /** Read and right. */
  right: number;
  wrong: number;
  missing: number;
  unanswered: number;
  /** The first few of what is not right. */
  readonly examples: string[];
}

export class BulkLoad {
  readonly #keys: BulkKeys;
  readonly #ports: readonly number[];
  /** Numbers that were begun; from `count` on they are those of keys that are written again. */
  #next = 0;
  /** To be written again. */
  readonly #again: number[] = [];
  #underWay = 0;
  #acknowledged = 0;
  /** How often each error word was heard; BROKEN for connections. */
  readonly errors: Record<string, number> = {};
  /** While true it goes on beyond the last key, from the first one. */
  isHeldOpen = false;

  constructor(keys: BulkKeys, ports: readonly number[]) {
    this.#keys = keys;
    this.#ports = ports;
  }

  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Resolves when every key is acknowledged. */
  async write(): Promise<void> {
    const workers = this.#ports.flatMap((port) => Array(CONNECTIONS_PER_PORT).fill(port));
    await Promise.all(workers.map((port) => this.#writer(port)));
  }

  get #isDone(): boolean {
    const hasMore = this.#next < this.#keys.count || this.isHeldOpen;
    return !hasMore && this.#again.length === 0 && this.#underWay === 0;
  }

  #take(): number[] {
    if (this.#again.length > 0) return this.#again.splice(0, BATCH);
    const { count } = this.#keys;
    const end = this.isHeldOpen ? this.#next + BATCH : Math.min(count, this.#next + BATCH);
    const batch: number[] = [];
    for (; this.#next < end; this.#next++) batch.push(this.#next % count);
    return batch;
  }

  async #writer(port: number): Promise<void> {
    let connection: BatchConnection | undefined;
    while (!this.#isDone) {
      connection ??= await BatchConnection.open(port).catch(() => undefined);
      const batch = connection === undefined ? [] : this.#take();
      if (connection === undefined || batch.length === 0) {
        await pause();
        continue;
      }
      if (!(await this.#writeBatch(connection, batch))) {
        connection.close();
        connection = undefined;
      }
    }
    connection?.close();
  }

  /** Whether the connection is still good. */
  async #writeBatch(connection: BatchConnection, batch: readonly number[]): Promise<boolean> {
    const commands = batch.map((n): Command => ['SET', this.#keys.key(n), this.#keys.value(n)]);
    this.#underWay += 1;
    try {
      const replies = await connection.ask(commands);
      const refused = batch.filter((_, place) => !this.#isDoneBy(replies[place]));
      this.#again.push(...refused);
      this.#acknowledged += batch.length - refused.length;
      if (refused.length > 0) await pause();
      return true;
    } catch {
      this.#note('BROKEN');
      this.#again.push(...batch);
      return false;
    } finally {
      this.#underWay -= 1;
    }
  }

  #isDoneBy(reply: RespValue | undefined): boolean {
    if (reply === 'OK') return true;
    this.#note(reply instanceof ReplyError ? reply.word : String(reply));
    return false;
  }

  #note(word: string): void {
    this.errors[word] = (this.errors[word] ?? 0) + 1;
  }
}

/** Reads every key through one node; `onTurn` hears how many were read. */
export async function verifyThrough(
  port: number,
  keys: BulkKeys,
  onTurn: (done: number) => void = () => undefined,
): Promise<Verdict> {
  const verdict: Verdict = { right: 0, wrong: 0, missing: 0, unanswered: 0, examples: [] };
  let next = 0;
  const reader = async () => {
    const connection = await BatchConnection.open(port);
    while (next < keys.count) {
      const from = next;
      next = Math.min(keys.count, next + BATCH);
      const batch = Array.from({ length: next - from }, (_, place) => from + place);
      await verifyBatch(connection, keys, batch, verdict);
      onTurn(next);
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: CONNECTIONS_PER_PORT }, reader));
  return verdict;
}

async function verifyBatch(
  connection: BatchConnection,
  keys: BulkKeys,
  batch: readonly number[],
  verdict: Verdict,
): Promise<void> {
  let asked = batch;
  for (let attempt = 1; asked.length > 0; attempt++) {
    const replies = await connection.ask(asked.map((n): Command => ['GET', keys.key(n)]));
    const isLast = attempt === READ_ATTEMPTS;
    asked = asked.filter((n, place) => !judge(n, replies[place], keys, verdict, isLast));
    if (asked.length > 0) await pause();
  }
}

/** Whether that was the last word about key n. */
function judge(
  n: number,
  reply: RespValue | undefined,
  keys: BulkKeys,
  verdict: Verdict,
  isLast: boolean,
): boolean {
  if (Buffer.isBuffer(reply) && keys.isRight(n, reply)) {
    verdict.right += 1;
    return true;
  }
  if (reply instanceof ReplyError && !isLast) return false;
  const kind = Buffer.isBuffer(reply) ? 'wrong' : reply === null ? 'missing' : 'unanswered';
  verdict[kind] += 1;
  const what = reply instanceof ReplyError ? reply.text : kind;
  if (verdict.examples.length < 10) verdict.examples.push(`${keys.key(n)}: ${what}`);
  return true;
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}
