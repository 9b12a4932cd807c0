// Questions to other nodes over the host's network, and answers to theirs. All that goes to one
// node in one turn of the event loop leaves in one frame (outbox.ts); an answer is matched to its
// question by an id. Whoever does not answer is reported as lost: at once when the way to it
// breaks, at the latest when the budget of the question is spent (a sweep every SWEEP_MS, no timer
// per question). What goes to several nodes of another data center is passed on there by one of
// them (docs/decisions/2026-11-25-one-crossing.md).

import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { messageOf } from '../base/errors.ts';
import type { Address } from '../base/ids.ts';
import { TurnEnd } from '../base/turn-end.ts';
import type { HybridTime } from '../causality/hybrid-clock.ts';
import type { Clock, Endpoint, Log, Random, Receiver } from '../host/host.ts';
import type { Outgoing } from '../membership/gossip.ts';
import type { GossipMessage } from '../membership/gossip-message.ts';
import type { Reply, Request } from '../replication/messages.ts';
import type { Answer, MemberIndex, PassedQuestion, Peers, Question } from '../replication/peers.ts';
import type { ClusterMap } from './cluster-map.ts';
import { LagMeter } from './lag-meter.ts';
import { Once } from './once.ts';
import { MESSAGE_BYTES_MAX, Outbox } from './outbox.ts';
import { isWaitingFor, type OpenQuestion, QuestionTable } from './question-table.ts';
import {
  type FrameHeader,
  type Message,
  type Relay,
  type Relayed,
  readHeader,
  readMessage,
  type Speaker,
  setTime,
  writeHeader,
  writeMessage,
} from './wire.ts';

const SWEEP_MS = 20;

/** A delegate has passed a request on within so many times his usual time to an answer … */
const RELAY_PATIENCE = 4;
/** … which is no shorter than this, and this while it is not known. */
const RELAY_MS_MIN = 40;
const RELAY_MS_UNKNOWN = 400;

export interface RemotePeersParts {
  readonly map: ClusterMap;
  readonly clock: Clock;
  /** A forwarded write that is later than this is not begun: its sender has given up on it. */
  readonly requestMs: number;
  readonly random: Random;
  readonly log: Log;
  /** Calls `reply` once, now or later. Never throws. */
  readonly answer: (request: Request, reply: (reply: Reply) => void) => void;
  readonly hearGossip: (member: MemberIndex, exchange: number, message: GossipMessage) => void;
  readonly ownTime: () => HybridTime;
  readonly observeTime: (time: HybridTime) => void;
}

export interface PeerCounters {
  framesSent: number;
  framesReceived: number;
  framesRefused: number;
  questionsLost: number;
  /** Questions that one of several was to pass on, and that were asked directly after all. */
  relaysRepeated: number;
  gossipBytesSent: number;
  gossipBytesReceived: number;
}

export class RemotePeers implements Peers, Receiver {
  readonly counters: PeerCounters = {
    framesSent: 0,
    framesReceived: 0,
    framesRefused: 0,
    questionsLost: 0,
    relaysRepeated: 0,
    gossipBytesSent: 0,
    gossipBytesReceived: 0,
  };
  readonly #parts: RemotePeersParts;
  readonly #message = new ByteWriter(4096);
  /** By member; those without one have not been spoken to. */
  readonly #outboxes: Outbox[] = [];
  readonly #turnEnd: TurnEnd<MemberIndex>;
  readonly #questions: QuestionTable;
  readonly #once = new Once();
  readonly #lags = new LagMeter();
  readonly #speaker: Speaker;
  #endpoint: Endpoint | undefined;
  #isSweeping = false;

  constructor(parts: RemotePeersParts) {
    this.#parts = parts;
    const { clusterTag, selfNumber: sender, epoch } = parts.map;
    this.#speaker = { clusterTag, sender, epoch };
    this.#questions = new QuestionTable(parts.random.u32());
    this.#turnEnd = new TurnEnd(parts.clock, (member) => this.#flush(member));
  }

  /** Frames go out through `endpoint` from now on. */
  attach(endpoint: Endpoint): void {
    this.#endpoint = endpoint;
  }

  /** Whoever still waits for an answer is told that none will come. */
  async close(): Promise<void> {
    const endpoint = this.#endpoint;
    this.#endpoint = undefined;
    for (const { id, members } of this.#questions.list()) this.#loseAll(id, members);
    await endpoint?.close();
  }

  ask(members: readonly MemberIndex[], question: Question): void {
    const { map, clock } = this.#parts;
    const { id } = this.#questions.open(members, question, clock.monotonicMs());
    this.#message.clear();
    const { request } = question;
    writeMessage(this.#message, { kind: 'request', questionId: id, request });
    const isSendable = this.#message.length <= MESSAGE_BYTES_MAX && this.#endpoint !== undefined;
    for (const member of members) {
      if (isSendable && map.isAlive(member)) this.#say(member);
      else queueMicrotask(() => this.#settle(id, member, { kind: 'lost', wasSent: false }));
    }
    this.#sweepSoon();
  }

  askThrough(members: readonly MemberIndex[], question: PassedQuestion): void {
    const { map, clock } = this.#parts;
    const alive = members.filter((member) => map.isAlive(member));
    const { detector } = map.gossip;
    const delegate = alive.find((member) => !detector.isSlow(member)) ?? alive[0];
    if (delegate === undefined || alive.length === 1) {
      this.ask(members, question);
      return;
    }
    const nowMs = clock.monotonicMs();
    const usualMs = detector.answerMs(delegate);
    const waitMs = usualMs === undefined ? RELAY_MS_UNKNOWN : RELAY_PATIENCE * usualMs;
    const relay = { delegate, question, untilMs: nowMs + Math.max(RELAY_MS_MIN, waitMs) };
    const { id } = this.#questions.open(members, question, nowMs, relay);
    const others = alive.filter((member) => member !== delegate);
    const targets = others.map((member) => map.nodeNumber(member));
    this.#message.clear();
    const { request } = question;
    writeMessage(this.#message, { kind: 'relay', questionId: id, targets, request });
    const isSendable = this.#message.length <= MESSAGE_BYTES_MAX && this.#endpoint !== undefined;
    if (isSendable) this.#say(delegate);
    const unasked = isSendable ? members.filter((member) => !alive.includes(member)) : members;
    for (const member of unasked) {
      queueMicrotask(() => this.#settle(id, member, { kind: 'lost', wasSent: false }));
    }
    this.#sweepSoon();
  }

  /** A frame of its own, on a way of its own: it never waits behind data. */
  gossip({ to, exchange, message }: Outgoing): void {
    const address = this.#parts.map.members[to]?.peerAddress;
    if (address === undefined || this.#endpoint === undefined) return;
    const w = this.#message;
    w.clear();
    writeHeader(w, this.#speaker);
    setTime(w, this.#parts.ownTime());
    writeMessage(w, { kind: 'gossip', questionId: exchange, gossip: message });
    this.counters.gossipBytesSent += w.length;
    this.#endpoint.send(address, w.view(), 'gossip');
  }

  /** What a frame that was refused half-way had said before stands. */
  onFrame(frame: Buffer): void {
    this.counters.framesReceived += 1;
    try {
      // A copy: keys and values in it are views, and may have to wait for the disk.
      const r = new ByteReader(Buffer.from(frame));
      const header = readHeader(r);
      const member = this.#memberOf(header);
      if (member === undefined) return;
      this.#parts.observeTime(header.time);
      let isAnswer = false;
      while (r.left > 0) {
        const message = readMessage(r);
        if (!isAnswer && this.#isAnswer(message, member)) {
          this.#hear(member);
          isAnswer = true;
        }
        this.#take(member, header.sender, message);
        if (message.kind === 'gossip') this.counters.gossipBytesReceived += frame.length;
      }
    } catch (error) {
      this.counters.framesRefused += 1;
      this.#parts.log.warn('frame refused', { why: messageOf(error) });
    }
  }

  onLost(peer: Address): void {
    const { map, clock } = this.#parts;
    const member = map.memberAt(peer);
    if (member === undefined) return;
    map.gossip.detector.broke(member, clock.monotonicMs());
    for (const open of this.#questions.list()) {
      if (open.relay?.delegate === member) this.#askDirectly(open);
      this.#settle(open.id, member, { kind: 'lost', wasSent: true });
    }
  }

  /** Undefined: a stranger. */
  #memberOf(header: FrameHeader): MemberIndex | undefined {
    const { map, log } = this.#parts;
    const member = map.memberNumbered(header.sender);
    if (header.clusterTag === map.clusterTag && member !== undefined) return member;
    this.counters.framesRefused += 1;
    log.warn('frame of a stranger refused', { sender: header.sender });
    return undefined;
  }

  #take(member: MemberIndex, sender: number, message: Message): void {
    const { questionId } = message;
    if (message.kind === 'reply') {
      this.#settle(questionId, member, message.reply);
      return;
    }
    if (message.kind === 'gossip') {
      this.#hearGossip(member, questionId, message.gossip);
      return;
    }
    if (message.kind === 'relayed') {
      this.#takeRelayed(message);
      return;
    }
    const { request } = message;
    if (message.kind === 'relay') this.#passOn(message, sender);
    const refused = this.#refusal(member, request);
    if (request.kind === 'coordinate-write' && !this.#once.isFirst(sender, questionId)) return;
    const reply = (answer: Reply) => this.#reply(member, questionId, answer);
    if (refused === undefined) this.#parts.answer(request, reply);
    else reply(refused);
  }

  /** To those who stand nearer to us than to the one who asks. */
  #passOn({ questionId, targets, request }: Relay, asker: number): void {
    const { map } = this.#parts;
    this.#message.clear();
    writeMessage(this.#message, { kind: 'relayed', questionId, asker, request });
    if (this.#message.length > MESSAGE_BYTES_MAX) return;
    for (const target of targets) {
      const member = map.memberNumbered(target);
      if (member !== undefined && member !== map.self && map.isAlive(member)) this.#say(member);
    }
  }

  #takeRelayed({ questionId, asker, request }: Relayed): void {
    const member = this.#parts.map.memberNumbered(asker);
    if (member === undefined || member === this.#parts.map.self) return;
    this.#parts.answer(request, (answer) => this.#reply(member, questionId, answer));
  }

  /** Whoever has not answered, and perhaps has not heard the question. */
  #askDirectly(open: OpenQuestion): void {
    const { id, relay, members } = open;
    if (relay === undefined) return;
    open.relay = undefined;
    this.counters.relaysRepeated += 1;
    this.#message.clear();
    const { request } = relay.question;
    writeMessage(this.#message, { kind: 'request', questionId: id, request });
    for (const member of members) {
      if (!isWaitingFor(open, member)) continue;
      if (this.#parts.map.isAlive(member)) this.#say(member);
      else this.#settle(id, member, { kind: 'lost', wasSent: true });
    }
  }

  /** Whether it proves that our own words have reached him. */
  #isAnswer({ kind, questionId }: Message, member: MemberIndex): boolean {
    return kind === 'reply' && !this.#questions.isRelayed(questionId, member);
  }

  /** Only replies to what we asked ourselves clear a name: the way is open in both directions. */
  #hear(member: MemberIndex): void {
    const { map, clock } = this.#parts;
    map.gossip.detector.answered(member, clock.monotonicMs());
  }

  #hearGossip(member: MemberIndex, exchange: number, message: GossipMessage): void {
    const { clock, hearGossip } = this.#parts;
    if (message.kind === 'digest') this.#lags.note(member, message.sentMs, clock.wallMs());
    hearGossip(member, exchange, message);
  }

  /** A write that lay here while we were paused would undo what others were told since. */
  #refusal(member: MemberIndex, request: Request): Reply | undefined {
    const nowMs = this.#parts.clock.wallMs();
    if (request.kind !== 'coordinate-write') return undefined;
    const lateMs = this.#lags.lateMs(member, request.sentMs, nowMs);
    if (lateMs <= this.#parts.requestMs) return undefined;
    const why = `the write came ${Math.round(lateMs)} ms late, when its sender had given up`;
    return { kind: 'refused', code: 'NOT_ENOUGH_REPLICAS', why, fix: 'Send it again.' };
  }

  #reply(member: MemberIndex, questionId: number, reply: Reply): void {
    this.#message.clear();
    writeMessage(this.#message, { kind: 'reply', questionId, reply });
    if (this.#message.length <= MESSAGE_BYTES_MAX) this.#say(member);
    else this.#reply(member, questionId, tooLarge(this.#message.length));
  }

  /** Sends #message to `member`, with what else he is told in this turn. */
  #say(member: MemberIndex): void {
    const outbox = this.#outboxes[member] ?? this.#outboxTo(member);
    if (outbox.isEmpty) this.#turnEnd.add(member);
    outbox.add(this.#message);
    if (outbox.isFull) this.#flush(member);
  }

  #outboxTo(member: MemberIndex): Outbox {
    const outbox = new Outbox(this.#speaker);
    this.#outboxes[member] = outbox;
    return outbox;
  }

  #flush(member: MemberIndex): void {
    const outbox = this.#outboxes[member];
    const address = this.#parts.map.members[member]?.peerAddress;
    if (outbox === undefined || outbox.isEmpty || address === undefined) return;
    const frame = outbox.take(this.#parts.ownTime());
    this.counters.framesSent += 1;
    this.#endpoint?.send(address, frame);
  }

  #settle(id: number, member: MemberIndex, answer: Answer): void {
    const question = this.#questions.settle(id, member);
    if (question === undefined) return;
    if (answer.kind === 'lost') this.counters.questionsLost += 1;
    question.onAnswer(member, answer);
  }

  #loseAll(id: number, members: readonly MemberIndex[]): void {
    for (const member of members) this.#settle(id, member, { kind: 'lost', wasSent: true });
  }

  #sweepSoon(): void {
    if (this.#isSweeping) return;
    this.#isSweeping = true;
    this.#parts.clock.after(SWEEP_MS, () => {
      this.#isSweeping = false;
      this.#sweep();
      if (this.#questions.size > 0) this.#sweepSoon();
    });
  }

  #sweep(): void {
    const nowMs = this.#parts.clock.monotonicMs();
    for (const open of this.#questions.list()) {
      if (open.slowMs <= nowMs) {
        open.slowMs = Number.POSITIVE_INFINITY;
        open.question.onSlow?.();
      }
      if (open.relay !== undefined && open.relay.untilMs <= nowMs) this.#askDirectly(open);
      if (open.deadlineMs > nowMs) continue;
      this.#blame(open, nowMs);
      this.#loseAll(open.id, open.members);
    }
  }

  /** Whoever let a question run out is suspected for it. */
  #blame(open: OpenQuestion, nowMs: number): void {
    const { detector } = this.#parts.map.gossip;
    const askedMs = open.deadlineMs - open.question.budgetMs;
    const asked = open.relay === undefined ? open.members : [open.relay.delegate];
    for (const member of asked) {
      if (isWaitingFor(open, member)) detector.failed(member, askedMs, nowMs);
    }
  }
}

function tooLarge(bytes: number): Reply {
  const why = `the answer has ${bytes} bytes, and a message at most ${MESSAGE_BYTES_MAX}`;
  const fix = 'Ask for less at once, or split the value over several keys.';
  return { kind: 'refused', code: 'VALUE_TOO_LARGE', why, fix };
}
