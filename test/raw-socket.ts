// A client without manners: bytes out as they are, bytes in as they come.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

const PATIENCE_MS = 30_000;

export class RawSocket {
  readonly #socket: Socket;
  readonly #closed: Promise<unknown>;
  #received = Buffer.alloc(0);
  #isClosed = false;

  /** Resolves when it is connected. */
  static async open(port: number): Promise<RawSocket> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    return new RawSocket(socket);
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    this.#closed.then(() => {
      this.#isClosed = true;
    });
    socket.on('error', () => undefined); // a reset is a close, too
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  send(bytes: string | Buffer): this {
    this.#socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
    return this;
  }

  /** The next line that comes, without its end. */
  async line(): Promise<string> {
    for (;;) {
      const end = this.#received.indexOf('\r\n');
      if (end >= 0) {
        const line = this.#received.toString('latin1', 0, end);
        this.#received = this.#received.subarray(end + 2);
        return line;
      }
      if (this.#isClosed) throw new Error(`closed after ${this.#received.length} bytes`);
      const late = AbortSignal.timeout(PATIENCE_MS);
      await Promise.race([once(this.#socket, 'data', { signal: late }), this.#closed]);
    }
  }

  /** Resolves when the other side has closed, to everything unread that it said. */
  async untilClosed(): Promise<string> {
    const late = AbortSignal.timeout(PATIENCE_MS);
    const tooLate = once(late, 'abort').then(() => {
      throw new Error(`it is still open after ${PATIENCE_MS} ms`);
    });
    await Promise.race([this.#closed, tooLate]);
    return this.#received.toString('latin1');
  }

  /** It will send no more. */
  end(): void {
    this.#socket.end();
  }

  /** With a reset, which keeps no port in TIME_WAIT: some tests open thousands. */
  close(): void {
    this.#socket.resetAndDestroy();
  }
}
