// A redis-server of its own for one test file: started on a free loopback port without
// persistence, asked in raw RESP, ended by its process id. Undefined where it is not installed.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';

const START_MS_MAX = 5000;

export class TestRedisServer {
  readonly #process: ChildProcess;
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #arrived: () => void = () => {};

  private constructor(process: ChildProcess, socket: Socket) {
    this.#process = process;
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#arrived();
    });
  }

  static async start(): Promise<TestRedisServer | undefined> {
    const port = await freePort();
    const options = `--port ${port} --bind 127.0.0.1 --save --appendonly no --dir ${tmpdir()}`;
    const child = spawn('redis-server', options.split(' '), { stdio: 'ignore' });
    const isMissing = await Promise.race([
      once(child, 'error').then(() => true),
      once(child, 'spawn').then(() => false),
    ]);
    if (isMissing) return undefined;
    return new TestRedisServer(child, await connected(port, Date.now() + START_MS_MAX));
  }

  /** The bytes of exactly one reply to a command. */
  async ask(words: readonly Buffer[]): Promise<Buffer> {
    this.#socket.write(commandBytes(words));
    while (true) {
      const end = replyEnd(this.#received, 0);
      if (end !== undefined) {
        const reply = this.#received.subarray(0, end);
        this.#received = this.#received.subarray(end);
        return reply;
      }
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
  }

  async stop(): Promise<void> {
    this.#socket.destroy();
    this.#process.kill();
    await once(this.#process, 'exit');
  }
}

/** Where the RESP2 reply at `from` ends; undefined: not all of it is here yet. */
export function replyEnd(bytes: Buffer, from: number): number | undefined {
  const lineEnd = bytes.indexOf('\r\n', from);
  if (lineEnd < 0) return undefined;
  const count = Number(bytes.toString('latin1', from + 1, lineEnd));
  let at = lineEnd + 2;
  const type = String.fromCharCode(bytes[from] as number);
  if (type === '$') {
    at += count < 0 ? 0 : count + 2;
    return at <= bytes.length ? at : undefined;
  }
  if (type !== '*') return at;
  for (let left = count; left > 0; left--) {
    const end = at < bytes.length ? replyEnd(bytes, at) : undefined;
    if (end === undefined) return undefined;
    at = end;
  }
  return at;
}

function commandBytes(words: readonly Buffer[]): Buffer {
  const parts: Buffer[] = [Buffer.from(`*${words.length}\r\n`)];
  for (const word of words) {
    parts.push(Buffer.from(`$${word.length}\r\n`), word, Buffer.from('\r\n'));
  }
  return Buffer.concat(parts);
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, 'close');
  return port;
}

async function connected(port: number, deadline: number): Promise<Socket> {
  while (true) {
    const socket = connect(port, '127.0.0.1');
    const isUp = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    if (isUp) return socket;
    if (Date.now() > deadline) throw new Error('redis-server did not start');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
