// One client's socket: bytes in to the parser, commands to the pipeline, replies out. Everything
// here is about how much may wait where:
//
//   socket ──pause──▶ inbox ──▶ parser ──▶ pipeline (≤ inFlightMax) ──▶ writer ──▶ socket
//
// - Nothing more is parsed when too many commands are in flight or too many bytes wait to be sent,
//   until below half of the first or when the second is drained: a client that does not read its
//   replies cannot make us produce more of them. Reading pauses behind a full inbox.
// - Nor is it while the node has no place for the next command (waiting-line.ts). What was read too
//   long ago by then is refused, with all that came in the same chunk.
// - A reader whose queue still holds outputBytesMax when more comes, or that takes nothing for
//   halfCommandMs while it holds us up, is closed.
// - Words are views of the chunks; Node hands out fresh memory for each, so they may live as long
//   as their command.
//
// Output leaves in one write: at the end of the chunk when everything was answered synchronously,
// otherwise at the end of this turn of the event loop, together with what else was finished in it.

import type { Socket } from 'node:net';
import { joinAddress } from '../../base/ids.ts';
import type { Clock } from '../../host/host.ts';
import { Inbox } from './inbox.ts';
import type { KnownNames } from './known-names.ts';
import { sayLastWords } from './last-words.ts';
import { Pipeline, type PipelineParts } from './pipeline.ts';
import { RespParser } from './resp-parser.ts';
import { RespWriter } from './resp-writer.ts';
import { newSession, type Session } from './session.ts';
import type { Waiter, WaitingLine } from './waiting-line.ts';

export interface ConnectionParts
  extends Pick<
    PipelineParts,
    'store' | 'server' | 'commands' | 'log' | 'isReady' | 'hashSeed' | 'found'
  > {
  readonly clock: Clock;
  readonly names: KnownNames;
  readonly drops: Drops;
  readonly line: WaitingLine;
  /** Asks for a flush() at the end of this turn of the event loop. */
  flushLater(connection: Connection): void;
  onClosed(connection: Connection): void;
}

/** Connections that we closed, by reason. */
export interface Drops {
  protocolErrors: number;
  halfCommands: number;
  slowReaders: number;
}

/** Answers that wait for those before them, for each command that may be under way. */
const ANSWERS_PER_COMMAND = 16;
/** Output of one chunk leaves earlier once it has grown to so much. */
const SEND_EARLY_BYTES = 64 * 1024;
const NOTHING = Buffer.alloc(0);

export class Connection implements Waiter {
  readonly session: Session;
  readonly #socket: Socket;
  readonly #parts: ConnectionParts;
  readonly #inbox = new Inbox();
  readonly #parser: RespParser;
  readonly #writer = new RespWriter();
  readonly #pipeline: Pipeline;
  readonly #backlogBytesMax: number;
  /** Parsed, and waits for a place on this node. */
  #next: readonly Buffer[] | undefined;
  #waitsTo: 'read' | 'write' = 'write';
  /** Of the chunk that is parsed now. */
  #receivedMs = 0;
  /** What it brings is refused where others have all places. */
  #isRefusing = false;
  #isInLine = false;
  #isFlushAsked = false;
  /** Nothing more is executed for now. */
  #isPaused = false;
  #isReading = true;
  #isBacklogged = false;
  /** The client will send no more. */
  #hasClientEnded = false;
  /** Nothing more is parsed; it closes when everything so far is answered. */
  #isEnding = false;
  #isOver = false;
  /** Commands so far at the sweep that first saw the present half command; -1: there is none. */
  #halfAfter = -1;
  #halfSinceMs = 0;

  constructor(id: number, socket: Socket, parts: ConnectionParts) {
    this.#socket = socket;
    this.#parts = parts;
    this.#parser = new RespParser(parts.server.limits, parts.names);
    this.session = newSession({
      id,
      remoteAddress: joinAddress(socket.remoteAddress ?? '?', socket.remotePort ?? 0),
      localAddress: joinAddress(socket.localAddress ?? '?', socket.localPort ?? 0),
      connectedAtMs: parts.clock.wallMs(),
    });
    this.#pipeline = new Pipeline({
      ...parts,
      session: this.session,
      writer: this.#writer,
      onProgress: () => this.#askFlush(),
    });
    const quarter = parts.server.limits.outputBytesMax / 4;
    // Below its high water mark a socket does not tell when it has drained.
    this.#backlogBytesMax = Math.max(quarter, socket.writableHighWaterMark);
    this.#listen();
  }

  get waitsTo(): 'read' | 'write' {
    return this.#waitsTo;
  }

  /** A client that sends nothing more waits for its answers, and so cannot overload anybody. */
  isOverdue(nowMs: number): boolean {
    const { waitMsMax, silentWaitMsMax } = this.#parts.server.limits;
    const isSilent = this.#inbox.newestMs - this.#receivedMs < waitMsMax;
    return nowMs - this.#receivedMs >= (isSilent ? silentWaitMsMax : waitMsMax);
  }

  /** There may be a place for what waits, or it has waited for too long. */
  goOn(): void {
    this.#isInLine = false;
    this.#pump();
  }

  /** Sends what was answered and goes on with what had to wait. */
  flush(): void {
    this.#isFlushAsked = false;
    if (this.#isOver) return;
    this.#send();
    this.#pump();
  }

  /** Answers what is in flight, then closes; what the client still sends is dropped. */
  end(): void {
    this.#isEnding = true;
    this.#askFlush();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Closes it when the same command has been unfinished for too long. */
  sweep(nowMs: number): void {
    const { halfCommandMs } = this.#parts.server.limits;
    if (this.#isEnding || this.#isPaused || !this.#parser.isHalfway) {
      this.#halfAfter = -1;
    } else if (this.#halfAfter !== this.session.commandCount) {
      this.#halfAfter = this.session.commandCount;
      this.#halfSinceMs = nowMs;
    } else if (nowMs - this.#halfSinceMs >= halfCommandMs) {
      this.#parts.drops.halfCommands++;
      this.#breakOff(`ERR Protocol error: unfinished command (no more than ${halfCommandMs} ms)`);
      this.flush();
    }
  }

  #listen(): void {
    const socket = this.#socket;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('end', () => {
      this.#hasClientEnded = true;
      this.#askFlush();
    });
    socket.on('drain', () => {
      this.#isBacklogged = false;
      socket.setTimeout(0);
      this.#pump();
    });
    socket.on('timeout', () => this.#dropSlowReader());
    // A broken connection is no event for us; 'close' follows.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#isOver = true;
      this.#parts.line.leave(this);
      this.#pipeline.close();
      this.#parts.onClosed(this);
    });
  }

  #receive(chunk: Buffer): void {
    if (this.#isEnding) return;
    this.session.bytesIn += chunk.length;
    this.session.lastActiveMs = this.#parts.clock.wallMs();
    this.#parts.server.counters.bytesIn += chunk.length;
    this.#inbox.push(chunk, this.#parts.clock.monotonicMs());
    this.#pump();
  }

  /** Executes what was received as far as the bounds allow, then sends what is answered. */
  #pump(): void {
    if (this.#isOver) return;
    if (this.#isPaused && this.#mayResume()) this.#isPaused = false;
    if (!this.#isPaused) this.#execute();
    this.#read(!this.#isPaused || !this.#inbox.isFull);
    if (this.#pipeline.inFlight > 0) {
      if (this.#writer.length > 0) this.#askFlush();
      return;
    }
    this.#send();
    if (this.#isEnding) this.#close();
  }

  #execute(): void {
    const { inFlightMax } = this.#parts.server.limits;
    const pipeline = this.#pipeline;
    while (!this.#isEnding) {
      if (this.#isBacklogged || this.#isFull(inFlightMax)) {
        this.#isPaused = true;
        return;
      }
      const args = this.#next ?? this.#parser.next();
      if (args === undefined) {
        if (this.#parser.error === undefined && this.#parseMore()) continue;
        break;
      }
      if (this.#mustWait(args)) {
        this.#waitWith(args);
        return;
      }
      this.#next = undefined;
      pipeline.execute(args, this.#isRefusing);
      if (this.session.isQuitting) this.#isEnding = true;
      if (this.#writer.length >= SEND_EARLY_BYTES) this.#send();
    }
    if (this.#parser.error !== undefined && !this.#isEnding) {
      this.#parts.drops.protocolErrors++;
      this.#breakOff(this.#parser.error);
    }
    if (this.#hasClientEnded || this.session.isQuitting) this.#isEnding = true;
  }

  #parseMore(): boolean {
    const chunk = this.#inbox.shift();
    if (chunk === undefined) return false;
    this.#receivedMs = chunk.receivedMs;
    this.#isRefusing = false;
    this.#parser.push(chunk.bytes);
    return true;
  }

  #mustWait(args: readonly Buffer[]): boolean {
    const { gate } = this.#parts.store;
    if (this.#isRefusing || !gate.isFull('read')) return false;
    const place = this.#pipeline.placeOf(args);
    if (place === undefined || !gate.isFull(place)) return false;
    this.#waitsTo = place;
    this.#isRefusing = this.isOverdue(this.#parts.clock.monotonicMs());
    return !this.#isRefusing;
  }

  #waitWith(args: readonly Buffer[]): void {
    this.#next = args;
    this.#isPaused = true;
    this.#isInLine = true;
    this.#parts.line.join(this);
  }

  #read(isWanted: boolean): void {
    if (isWanted === this.#isReading) return;
    this.#isReading = isWanted;
    if (isWanted) {
      this.#socket.resume();
    } else {
      this.#socket.pause();
      this.#inbox.pauseReading(this.#parts.clock.monotonicMs());
    }
  }

  #mayResume(): boolean {
    if (this.#isInLine) return false;
    const { inFlightMax } = this.#parts.server.limits;
    return !this.#isBacklogged && !this.#isFull(inFlightMax / 2);
  }

  /** Refusals that wait for their turn cost next to nothing: reading on is cheaper than a queue. */
  #isFull(inFlightMax: number): boolean {
    const { inFlight, unfinished } = this.#pipeline;
    return unfinished >= inFlightMax || inFlight >= ANSWERS_PER_COMMAND * inFlightMax;
  }

  /** The last reply that this client gets. */
  #breakOff(why: string): void {
    this.#pipeline.refuse(why);
    this.#isEnding = true;
  }

  #askFlush(): void {
    if (this.#isFlushAsked || this.#isOver) return;
    this.#isFlushAsked = true;
    this.#parts.flushLater(this);
  }

  #send(): void {
    const { limits, counters } = this.#parts.server;
    if (this.#writer.length === 0 || this.#isOver) return;
    const socket = this.#socket;
    if (socket.writableLength > limits.outputBytesMax) {
      this.#dropSlowReader();
      return;
    }
    const batch = this.#writer.take();
    this.session.bytesOut += batch.length;
    counters.bytesOut += batch.length;
    socket.write(batch);
    if (this.#isBacklogged || socket.writableLength <= this.#backlogBytesMax) return;
    this.#isBacklogged = true;
    socket.setTimeout(limits.halfCommandMs);
  }

  #dropSlowReader(): void {
    this.#parts.drops.slowReaders++;
    const { id, remoteAddress } = this.session;
    const waitingBytes = this.#socket.writableLength;
    this.#parts.log.warn('slow-reader-closed', { client: id, remoteAddress, waitingBytes });
    this.#isOver = true;
    this.#socket.destroy();
  }

  #close(): void {
    this.#isOver = true;
    sayLastWords(this.#socket, NOTHING, this.#parts.clock);
  }
}
