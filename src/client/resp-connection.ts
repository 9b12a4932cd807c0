// One connection that speaks the Redis protocol: commands out, replies back in order, any number
// of them under way. The seed of the TypeScript client; the command line and the tests use it.
//
// A connection that failed stays failed: every command under way is rejected with the same error,
// and nobody is told whether it was carried out, because nobody can know.

import { connect as connectSocket, type Socket } from 'node:net';
import { KvorumError, messageOf } from '../base/errors.ts';
import { type Address, splitAddress } from '../base/ids.ts';
import { ReplyError, ReplyParser, type RespValue } from './reply-parser.ts';

export interface ConnectionOptions {
  /** The server may be silent so long while an answer is due, and to the attempt to connect. */
  readonly timeoutMs?: number;
  /** 3: says HELLO 3 first. */
  readonly protocol?: 2 | 3;
  /** Messages that are no replies (RESP3). */
  readonly onPush?: (push: RespValue) => void;
}

interface Waiting {
  readonly resolve: (reply: RespValue) => void;
  readonly reject: (error: Error) => void;
}

const TIMEOUT_MS = 5_000;

export class RespConnection {
  readonly address: Address;
  readonly #socket: Socket;
  readonly #timeoutMs: number;
  readonly #waiting: Waiting[] = [];
  #failure: KvorumError | undefined;

  /** Rejects with UNREACHABLE or, when nobody answers in time, NO_ANSWER. */
  static async open(address: Address, options: ConnectionOptions = {}): Promise<RespConnection> {
    const { host, port } = splitAddress(address);
    const socket = connectSocket({ host, port, noDelay: true });
    const connection = new RespConnection(address, socket, options);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('close', () => reject(connection.#failure));
    });
    if (options.protocol === 3) {
      const hello = await connection.send('HELLO', '3');
      if (hello instanceof ReplyError) {
        await connection.close();
        throw new KvorumError('UNREACHABLE', hello.text, 'Connect with RESP2 instead.');
      }
    }
    return connection;
  }

  private constructor(address: Address, socket: Socket, options: ConnectionOptions) {
    this.address = address;
    this.#socket = socket;
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    const parser = new ReplyParser((reply) => this.#answer(reply), options.onPush);
    socket.setTimeout(this.#timeoutMs);
    socket.on('timeout', () => this.#onSilence());
    socket.on('error', (cause) => this.#fail(unreachable(address, messageOf(cause), cause)));
    socket.on('close', () => this.#fail(unreachable(address, 'it closed the connection')));
    socket.on('data', (chunk: Buffer) => {
      try {
        parser.push(chunk);
      } catch (cause) {
        this.#fail(unreachable(address, `it does not speak RESP: ${messageOf(cause)}`, cause));
      }
    });
  }

  /** False once it has failed or was closed: what is sent then never leaves. */
  get isOpen(): boolean {
    return this.#failure === undefined;
  }

  /**
   * The reply, an error reply included as a ReplyError. Rejects with UNREACHABLE or NO_ANSWER
   * when the connection failed before it came: the command may have been carried out.
   */
  send(...words: readonly (string | Buffer | number)[]): Promise<RespValue> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) this.#socket.setTimeout(this.#timeoutMs);
      this.#waiting.push({ resolve, reject });
      this.#socket.write(encodeCommand(words));
    });
  }

  /** Ends the connection; resolves when it is closed. */
  async close(): Promise<void> {
    this.#failure ??= new KvorumError('CLOSED', 'the connection was closed', 'Open a new one.');
    if (this.#socket.closed) return;
    const closed = new Promise<void>((resolve) => this.#socket.once('close', () => resolve()));
    this.#socket.destroy();
    await closed;
  }

  #answer(reply: RespValue): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) throw new Error('a reply that nobody asked for');
    waiting.resolve(reply);
  }

  #onSilence(): void {
    if (!this.#socket.connecting && this.#waiting.length === 0) return;
    const message = `${this.address} did not answer within ${this.#timeoutMs} ms`;
    this.#fail(new KvorumError('NO_ANSWER', message, 'See whether the node is overloaded.'));
  }

  #fail(error: KvorumError): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure);
    this.#socket.destroy();
  }
}

export function encodeCommand(words: readonly (string | Buffer | number)[]): Buffer {
  const parts: Buffer[] = [Buffer.from(`*${words.length}\r\n`)];
  for (const word of words) {
    const bytes = Buffer.isBuffer(word) ? word : Buffer.from(String(word));
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'));
  }
  return Buffer.concat(parts);
}

function unreachable(address: Address, why: string, cause?: unknown): KvorumError {
  const fix = 'Check the address, and that the node runs there.';
  return new KvorumError('UNREACHABLE', `cannot talk to ${address}: ${why}`, fix, cause);
}
