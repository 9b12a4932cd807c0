// A connection that sends many commands in one piece and hands over their replies together: what
// a bulk load needs, where a promise and a system call for each command would be most of the work.

import { connect, type Socket } from 'node:net';
import { ReplyParser, type RespValue } from '../src/client/reply-parser.ts';
import { encodeCommand } from '../src/client/resp-connection.ts';

/** Longer than any request may take. */
const TIMEOUT_MS = 60_000;

export type Command = readonly (string | Buffer)[];

export class BatchConnection {
  readonly #socket: Socket;
  #replies: RespValue[] = [];
  #awaited = 0;
  #resolve: (replies: RespValue[]) => void = () => undefined;
  #reject: (error: Error) => void = () => undefined;

  /** Rejects when nobody listens there. */
  static open(port: number): Promise<BatchConnection> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    return new Promise((resolve, reject) => {
      socket.once('error', reject);
      socket.once('connect', () => resolve(new BatchConnection(socket)));
    });
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    const parser = new ReplyParser((reply) => this.#answer(reply));
    socket.on('data', (chunk: Buffer) => parser.push(chunk));
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy());
    socket.on('error', () => undefined); // 'close' follows
    socket.on('close', () => this.#reject(new Error('the connection broke')));
  }

  /** One batch at a time. Rejects when the connection breaks: nobody knows what was done. */
  ask(commands: readonly Command[]): Promise<RespValue[]> {
    if (this.#socket.destroyed) return Promise.reject(new Error('the connection broke'));
    this.#replies = [];
    this.#awaited = commands.length;
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.#socket.write(Buffer.concat(commands.map((command) => encodeCommand(command))));
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #answer(reply: RespValue): void {
    this.#replies.push(reply);
    if (this.#replies.length === this.#awaited) this.#resolve(this.#replies);
  }
}
