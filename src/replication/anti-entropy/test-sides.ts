// Two replicas of one keyspace that share all slots and compare themselves, for tests and the
// bench: each is an engine with its replica and its side of the comparison. What they say to each
// other is encoded and decoded as on the wire, and counted, but crosses no socket.

import { ByteReader, ByteWriter } from '../../base/bytes.ts';
import type { NodeId } from '../../base/ids.ts';
import type { Clock } from '../../host/host.ts';
import { silentLog } from '../../host/node-log.ts';
import type { Engine } from '../../storage/engine.ts';
import type { ClusterView } from '../cluster-view.ts';
import { HintBook } from '../hints/hint-book.ts';
import { DEFAULT_KEYSPACE } from '../keyspace.ts';
import { listOwnKeys } from '../listing/own-keys.ts';
import { readReply, readRequest, writeReply, writeRequest } from '../message-format.ts';
import type { Reply, Request } from '../messages.ts';
import { OwnActor } from '../own-actor.ts';
import type { Asking, MemberIndex, Question } from '../peers.ts';
import { DeadSlots } from '../reaping/dead-slots.ts';
import { FloorBook } from '../reaping/floor-book.ts';
import { RefillBook } from '../refill/refill-book.ts';
import { Replica } from '../replica.ts';
import { refusal } from '../responder.ts';
import { Comparison, type ComparisonParts } from './comparison.ts';

const SEED = 7;
const KEYSPACE = DEFAULT_KEYSPACE;
/** A frame's header and checksum, when each message travels in one of its own. */
export const FRAME_BYTES = 30;
const REQUEST_MS = 60_000;

/** What is said between two sides, by the kind of the request, both ways. */
export class Traffic {
  readonly bytesByKind = new Map<Request['kind'], number>();
  messages = 0;

  add(kind: Request['kind'], bytes: number): void {
    this.messages += 1;
    this.bytesByKind.set(kind, this.bytesOf(kind) + bytes + FRAME_BYTES);
  }

  bytesOf(...kinds: readonly Request['kind'][]): number {
    return kinds.reduce((sum, kind) => sum + (this.bytesByKind.get(kind) ?? 0), 0);
  }

  get bytes(): number {
    return this.bytesOf(...this.bytesByKind.keys());
  }
}

export class Side {
  readonly self: MemberIndex;
  readonly engine: Engine;
  readonly clock: Clock;
  readonly view: ClusterView;
  readonly refill: RefillBook;
  readonly replica: Replica;
  /** Of everything that this side asks. */
  traffic = new Traffic();
  #comparison: Comparison | undefined;

  constructor(self: MemberIndex, engine: Engine, clock: Clock) {
    this.self = self;
    this.engine = engine;
    this.clock = clock;
    this.view = viewOf(self);
    this.refill = new RefillBook({ engine, view: this.view, keyspaces: [KEYSPACE] });
    this.replica = new Replica({
      ...{ engine, clock, log: silentLog, digestSeed: SEED },
      actor: new OwnActor(engine, self + 1, this.refill),
      hints: new HintBook(engine, clock),
      floors: new FloorBook(engine, () => []),
      dead: new DeadSlots(engine, clock),
    });
  }

  /** What it says to `other` and hears from it. */
  meet(other: Side): ComparisonParts {
    const peers: Asking = { ask: (members, question) => this.#ask(other, members, question) };
    const { engine, replica, refill, clock, view } = this;
    const parts = { engine, replica, refill, clock, peers, view };
    const comparing = { ...parts, requestMs: REQUEST_MS, digestSeed: SEED };
    this.#comparison = new Comparison(comparing);
    return comparing;
  }

  get comparison(): Comparison {
    if (this.#comparison === undefined) throw new Error('it has not met the other side');
    return this.#comparison;
  }

  async #ask(other: Side, members: readonly MemberIndex[], { request, onAnswer }: Question) {
    const { kind } = request;
    const heard = this.#crossed(kind, request, writeRequest, readRequest);
    const reply = await other.#answer(heard).catch(refusal);
    for (const member of members) {
      onAnswer(member, this.#crossed(kind, reply, writeReply, readReply));
    }
  }

  #crossed<T>(
    kind: Request['kind'],
    value: T,
    write: (w: ByteWriter, value: T) => void,
    read: (r: ByteReader) => T,
  ): T {
    const w = new ByteWriter();
    write(w, value);
    this.traffic.add(kind, w.length);
    return read(new ByteReader(w.copy()));
  }

  async #answer(request: Request): Promise<Reply> {
    const { comparison, replica } = this;
    switch (request.kind) {
      case 'compare-digests':
        return comparison.digestsFor(request);
      case 'compare-buckets':
        return comparison.bucketsFor(request);
      case 'compare-keys':
        return comparison.keysFor(request);
      case 'list-slots':
        return listOwnKeys(this, request);
      case 'read-object':
        return { kind: 'object', object: await replica.read(KEYSPACE, request) };
      case 'store-copy': {
        const merged = await replica.merge(KEYSPACE, request, request.object);
        await replica.whenKept(KEYSPACE, merged);
        return { kind: 'stored', context: merged.context };
      }
      default:
        throw new Error(`nobody asks ${request.kind} here`);
    }
  }
}

function viewOf(self: MemberIndex): ClusterView {
  return {
    ...{ self, epoch: 1, memberCount: 2 },
    keyspace: () => KEYSPACE,
    primaries: () => [0, 1],
    fallbacks: () => [],
    isAlive: () => true,
    isSlow: () => false,
    isDiskFull: () => false,
    leader: () => 0,
    dataCenterOf: () => 'dc1',
    nodeId: (member) => `a${member}`.repeat(20) as NodeId,
    nodeNumber: (member) => member + 1,
    memberNumbered: (number) => number - 1,
  };
}
