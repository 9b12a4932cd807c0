// The way to one peer: dialed at the first send, dialed again after a loss, at most one socket.
//
//        send             connected           error, end, bad answer, overflow
//   idle ----> connecting ---------> open ------------------------------------> waiting
//     ^                                                                           |
//     +---------------- the first send after the back-off dials again ------------+
//
// A frame leaves at once, in a write of its own; only while the dial or a write is under way frames
// collect in one buffer and then leave together. So at most two buffers exist: one in the kernel's
// hands, one that fills. Whatever is in them when the connection breaks is dropped, and onLost says
// so once; it is never called from within send().

import { connect, type Socket } from 'node:net';
import { messageOf } from '../base/errors.ts';
import { type Address, splitAddress } from '../base/ids.ts';
import { FrameReader, FrameWriter } from './frame-stream.ts';
import type { Lane, Log } from './host.ts';
import { PREAMBLE_BYTES_MAX, readPreamble } from './preamble.ts';

/** Queued for one peer before the connection counts as stuck: four of the largest frames. */
export const QUEUED_BYTES_MAX = 64 * 1024 * 1024;

/** A loopback or data-center dial takes under 1 ms; the first SYN is repeated after 1 s. */
const CONNECT_TIMEOUT_MS = 2000;

export const KEEP_ALIVE_MS = 5000;

const BACK_OFF_MS_MIN = 50;
const BACK_OFF_MS_MAX = 1000;

export interface OutgoingOptions {
  readonly peer: Address;
  readonly lane: Lane;
  /** The frame that opens a connection. */
  readonly preamble: Buffer;
  readonly log: Log;
  readonly onLost: (peer: Address) => void;
}

export class OutgoingConnection {
  readonly #options: OutgoingOptions;
  #socket: Socket | undefined;
  #isOpen = false;
  #isClosed = false;
  #writer: FrameWriter | undefined;
  #backOffMs = BACK_OFF_MS_MIN;
  #mayDialAtMs = 0;
  #isLossDue = false;

  constructor(options: OutgoingOptions) {
    this.#options = options;
  }

  /** Copies `frame`, and dials first where needed. */
  send(frame: Uint8Array): void {
    if (this.#isClosed) return;
    if (this.#socket === undefined && performance.now() < this.#mayDialAtMs) {
      this.#lose();
      return;
    }
    this.#writer ??= new FrameWriter();
    this.#writer.write(frame);
    if (this.#writer.length + (this.#socket?.writableLength ?? 0) > QUEUED_BYTES_MAX) {
      this.#break(`more than ${QUEUED_BYTES_MAX} bytes wait for it`);
      return;
    }
    this.#socket ??= this.#dial();
    this.#flush();
  }

  /** Sends what the kernel takes of the queue, and ends; onLost is not called any more. */
  close(): void {
    this.#flush();
    this.#isClosed = true;
    this.#socket?.destroy();
  }

  /** Writes what is queued, unless a write or the dial is under way. */
  #flush(): void {
    const [socket, writer] = [this.#socket, this.#writer];
    if (socket === undefined || !this.#isOpen || socket.writableLength > 0) return;
    if (writer === undefined || writer.length === 0) return;
    socket.write(writer.view(), this.#onWritten);
    // Most writes fit into the kernel's buffer: then the memory is ours again at once.
    if (socket.writableLength === 0) writer.clear();
    else writer.startAfresh();
  }

  readonly #onWritten = (error?: Error | null): void => {
    if (!error) this.#flush();
  };

  #dial(): Socket {
    const { peer, preamble } = this.#options;
    const socket = connect({
      ...splitAddress(peer),
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_MS,
      timeout: CONNECT_TIMEOUT_MS,
    });
    const lost = (why: string) => {
      if (this.#socket === socket) this.#break(why);
    };
    socket.on('connect', () => {
      socket.setTimeout(0);
      socket.write(preamble, this.#onWritten);
      this.#isOpen = true;
    });
    socket.on(
      'data',
      answerReader(() => this.#onAnswer(), lost),
    );
    socket.on('timeout', () => lost(`no connection within ${CONNECT_TIMEOUT_MS} ms`));
    socket.on('error', (error) => lost(error.message));
    socket.on('end', () => lost('it closed the connection'));
    socket.on('close', () => lost('the connection closed'));
    return socket;
  }

  #onAnswer(): void {
    this.#backOffMs = BACK_OFF_MS_MIN;
    this.#options.log.info('peer-connected', this.#way);
  }

  get #way() {
    return { peer: this.#options.peer, lane: this.#options.lane };
  }

  #break(why: string): void {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#isOpen = false;
    this.#writer = undefined;
    socket?.destroy();
    if (this.#isClosed) return;
    this.#mayDialAtMs = performance.now() + this.#backOffMs;
    this.#backOffMs = Math.min(this.#backOffMs * 2, BACK_OFF_MS_MAX);
    this.#options.log.info('peer-lost', { ...this.#way, why });
    this.#lose();
  }

  /** One notice for everything lost in this turn of the event loop. */
  #lose(): void {
    if (this.#isLossDue) return;
    this.#isLossDue = true;
    setImmediate(() => {
      this.#isLossDue = false;
      if (!this.#isClosed) this.#options.onLost(this.#options.peer);
    });
  }
}

/** Reads the one frame that a peer may send back: its preamble. */
function answerReader(onAnswer: () => void, lost: (why: string) => void): (chunk: Buffer) => void {
  let isAnswered = false;
  const reader = new FrameReader((frame) => {
    if (isAnswered) return lost('it sent frames the wrong way');
    readPreamble(frame);
    isAnswered = true;
    onAnswer();
  }, PREAMBLE_BYTES_MAX);
  return (chunk) => {
    try {
      reader.read(chunk);
    } catch (error) {
      lost(messageOf(error));
    }
  };
}
