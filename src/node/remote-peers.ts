// Questions to other nodes over the host's network, and answers to theirs. A question goes out as
// one encoded frame to everyone asked; what comes back is matched by its id. Whoever does not
// answer is reported as lost: at once when the way to it breaks, at the latest when the budget of
// the question is spent (a sweep every SWEEP_MS, no timer per question).

import { ByteWriter } from '../base/bytes.ts';
import { messageOf } from '../base/errors.ts';
import type { Address } from '../base/ids.ts';
import type { HybridTime } from '../causality/hybrid-clock.ts';
import {
  type Clock,
  type Endpoint,
  FRAME_BYTES_MAX,
  type Log,
  type Random,
  type Receiver,
} from '../host/host.ts';
import type { Reply, Request } from '../replication/messages.ts';
import type { Answer, MemberIndex, Peers, Question } from '../replication/peers.ts';
import type { ClusterMap } from './cluster-map.ts';
import { LagMeter } from './lag-meter.ts';
import { Once } from './once.ts';
import { type FrameHeader, readFrame, writeReplyFrame, writeRequestFrame } from './wire.ts';

const SWEEP_MS = 20;

export interface RemotePeersParts {
  readonly map: ClusterMap;
  readonly clock: Clock;
  /** A forwarded write that is later than this is not begun: its sender has given up on it. */
  readonly requestMs: number;
  readonly random: Random;
  readonly log: Log;
  /** Never throws or rejects. */
  readonly answer: (request: Request) => Reply | Promise<Reply>;
  readonly ownTime: () => HybridTime;
  readonly observeTime: (time: HybridTime) => void;
}

export interface PeerCounters {
  framesSent: number;
  framesReceived: number;
  framesRefused: number;
  questionsLost: number;
}

interface Pending {
  readonly question: Question;
  readonly waiting: Set<MemberIndex>;
  readonly deadlineMs: number;
  /** When onSlow is due; Infinity: never, or done. */
  slowMs: number;
}

export class RemotePeers implements Peers, Receiver {
  readonly counters: PeerCounters = {
    framesSent: 0,
    framesReceived: 0,
    framesRefused: 0,
    questionsLost: 0,
  };
  readonly #parts: RemotePeersParts;
  readonly #writer = new ByteWriter(4096);
  readonly #pending = new Map<number, Pending>();
  #endpoint: Endpoint | undefined;
  readonly #once = new Once();
  readonly #lags = new LagMeter();
  #lastId: number;
  #isSweeping = false;

  constructor(parts: RemotePeersParts) {
    this.#parts = parts;
    this.#lastId = parts.random.u32();
  }

  /** Frames go out through `endpoint` from now on. */
  attach(endpoint: Endpoint): void {
    this.#endpoint = endpoint;
  }

  /** Whoever still waits for an answer is told that none will come. */
  async close(): Promise<void> {
    const endpoint = this.#endpoint;
    this.#endpoint = undefined;
    for (const [id, { waiting }] of this.#pending) {
      for (const member of waiting) this.#settle(id, member, { kind: 'lost', wasSent: true });
    }
    await endpoint?.close();
  }

  ask(members: readonly MemberIndex[], question: Question): void {
    const { map, clock } = this.#parts;
    this.#lastId = (this.#lastId + 1) >>> 0;
    const id = this.#lastId;
    const nowMs = clock.monotonicMs();
    const deadlineMs = nowMs + question.budgetMs;
    const slowMs = nowMs + (question.slowAfterMs ?? Number.POSITIVE_INFINITY);
    this.#pending.set(id, { question, waiting: new Set(members), deadlineMs, slowMs });
    this.#writer.clear();
    writeRequestFrame(this.#writer, this.#header(id), question.request);
    const frame = this.#writer.view();
    const isSendable = frame.length <= FRAME_BYTES_MAX && this.#endpoint !== undefined;
    for (const member of members) {
      const isOpen = map.isAlive(member) || question.request.kind === 'ping';
      if (isSendable && isOpen) this.#send(member, frame);
      else queueMicrotask(() => this.#settle(id, member, { kind: 'lost', wasSent: false }));
    }
    this.#sweepSoon();
  }

  onFrame(frame: Buffer): void {
    this.counters.framesReceived += 1;
    try {
      this.#take(readFrame(Buffer.from(frame)));
    } catch (error) {
      this.counters.framesRefused += 1;
      this.#parts.log.warn('frame refused', { why: messageOf(error) });
    }
  }

  onLost(peer: Address): void {
    const { map, clock, log } = this.#parts;
    const member = map.memberAt(peer);
    if (member === undefined) return;
    const name = map.members[member]?.name;
    if (map.liveness.lost(member, clock.monotonicMs())) log.warn('node lost', { node: name });
    for (const id of this.#pending.keys()) {
      this.#settle(id, member, { kind: 'lost', wasSent: true });
    }
  }

  #take(frame: ReturnType<typeof readFrame>): void {
    const { map, clock, log, observeTime } = this.#parts;
    const member = map.memberNumbered(frame.header.sender);
    if (frame.header.clusterTag !== map.clusterTag || member === undefined) {
      this.counters.framesRefused += 1;
      log.warn('frame of a stranger refused', { sender: frame.header.sender });
      return;
    }
    observeTime(frame.header.time);
    if (frame.kind === 'request') {
      const { questionId, sender } = frame.header;
      const refused = this.#refusal(member, frame.request);
      const isWrite = frame.request.kind === 'coordinate-write';
      if (isWrite && !this.#once.isFirst(sender, questionId)) return;
      if (refused === undefined) this.#answer(member, questionId, frame.request);
      else this.#reply(member, questionId, refused);
      return;
    }
    // Only replies clear a name: they prove that the way is open in both directions.
    if (map.liveness.heard(member, clock.monotonicMs())) {
      log.info('node alive', { node: map.members[member]?.name });
    }
    this.#settle(frame.header.questionId, member, frame.reply);
  }

  /** A write that lay here while we were paused would undo what others were told since. */
  #refusal(member: MemberIndex, request: Request): Reply | undefined {
    const nowMs = this.#parts.clock.wallMs();
    if (request.kind === 'ping') this.#lags.note(member, request.sentMs, nowMs);
    if (request.kind !== 'coordinate-write') return undefined;
    const lateMs = this.#lags.lateMs(member, request.sentMs, nowMs);
    if (lateMs <= this.#parts.requestMs) return undefined;
    const why = `the write came ${Math.round(lateMs)} ms late, when its sender had given up`;
    return { kind: 'refused', code: 'NOT_ENOUGH_REPLICAS', why, fix: 'Send it again.' };
  }

  #answer(member: MemberIndex, questionId: number, request: Request): void {
    const reply = this.#parts.answer(request);
    if (reply instanceof Promise) reply.then((each) => this.#reply(member, questionId, each));
    else this.#reply(member, questionId, reply);
  }

  #reply(member: MemberIndex, questionId: number, reply: Reply): void {
    this.#writer.clear();
    writeReplyFrame(this.#writer, this.#header(questionId), reply);
    const frame = this.#writer.view();
    if (frame.length <= FRAME_BYTES_MAX) this.#send(member, frame);
    else this.#reply(member, questionId, tooLarge(frame.length));
  }

  #send(member: MemberIndex, frame: Buffer): void {
    const address = this.#parts.map.members[member]?.peerAddress;
    if (address === undefined) return;
    this.counters.framesSent += 1;
    this.#endpoint?.send(address, frame);
  }

  #settle(id: number, member: MemberIndex, answer: Answer): void {
    const pending = this.#pending.get(id);
    if (pending === undefined || !pending.waiting.delete(member)) return;
    if (pending.waiting.size === 0) this.#pending.delete(id);
    if (answer.kind === 'lost') this.counters.questionsLost += 1;
    pending.question.onAnswer(member, answer);
  }

  #header(questionId: number): FrameHeader {
    const { map, ownTime } = this.#parts;
    return {
      clusterTag: map.clusterTag,
      sender: map.selfNumber,
      epoch: map.epoch,
      time: ownTime(),
      questionId,
    };
  }

  #sweepSoon(): void {
    if (this.#isSweeping) return;
    this.#isSweeping = true;
    this.#parts.clock.after(SWEEP_MS, () => {
      this.#isSweeping = false;
      this.#sweep();
      if (this.#pending.size > 0) this.#sweepSoon();
    });
  }

  #sweep(): void {
    const nowMs = this.#parts.clock.monotonicMs();
    for (const [id, pending] of this.#pending) {
      if (pending.slowMs <= nowMs) {
        pending.slowMs = Number.POSITIVE_INFINITY;
        pending.question.onSlow?.();
      }
      if (pending.deadlineMs > nowMs) continue;
      for (const member of pending.waiting) {
        this.#settle(id, member, { kind: 'lost', wasSent: true });
      }
    }
  }
}

function tooLarge(bytes: number): Reply {
  const why = `the answer has ${bytes} bytes, and a frame at most ${FRAME_BYTES_MAX}`;
  const fix = 'Ask for less at once, or split the value over several keys.';
  return { kind: 'refused', code: 'VALUE_TOO_LARGE', why, fix };
}
