// What it costs two replicas of 10⁶ keys to find and level K of them that differ, beside sending
// the list of all keys with their versions.
//
//   npm run bench -- anti-entropy [--keys 1000000] [--write]
//
// Two engines on the disk of this machine, each with its replica and its side of the comparison;
// what they say to each other is encoded and decoded as on the wire, and counted, but crosses no
// socket. Processor time is that of both sides and all their threads. The keys that differ are new
// versions that one side has and the other lacks, spread over all slots.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { showProgress } from '../bin/progress.js';
import { ByteReader, ByteWriter } from '../src/base/bytes.ts';
import type { ClusterId, NodeId } from '../src/base/ids.ts';
import type { Later } from '../src/base/later.ts';
import { actorOf } from '../src/causality/dot.ts';
import { encodeObject } from '../src/causality/object-format.ts';
import { nodeClock } from '../src/host/node-clock.ts';
import { openNodeDisk } from '../src/host/node-disk.ts';
import { nodeJobs } from '../src/host/node-jobs.ts';
import { silentLog } from '../src/host/node-log.ts';
import { nodeRandom } from '../src/host/node-random.ts';
import { AntiEntropy } from '../src/replication/anti-entropy/anti-entropy.ts';
import { Comparison } from '../src/replication/anti-entropy/comparison.ts';
import { SyncTimes } from '../src/replication/anti-entropy/sync-times.ts';
import type { ClusterView } from '../src/replication/cluster-view.ts';
import { HintBook } from '../src/replication/hints/hint-book.ts';
import { DEFAULT_KEYSPACE } from '../src/replication/keyspace.ts';
import { listOwnKeys } from '../src/replication/listing/own-keys.ts';
import {
  readReply,
  readRequest,
  writeReply,
  writeRequest,
} from '../src/replication/message-format.ts';
import type { KeyAt, Reply, Request } from '../src/replication/messages.ts';
import { OwnActor } from '../src/replication/own-actor.ts';
import type { Asking, MemberIndex, Question } from '../src/replication/peers.ts';
import { DeadSlots } from '../src/replication/reaping/dead-slots.ts';
import { FloorBook } from '../src/replication/reaping/floor-book.ts';
import { RefillBook } from '../src/replication/refill/refill-book.ts';
import { type Merged, Replica } from '../src/replication/replica.ts';
import { slotOf } from '../src/ring/slot.ts';
import type { Engine } from '../src/storage/engine.ts';
import { openEngine } from '../src/storage/open-engine.ts';
import { STORAGE_JOBS } from '../src/storage/storage-jobs.ts';
import { FiguresPage } from './figures-page.ts';

type Print = (line: string) => void;

const DIFFERING = [0, 1, 10, 1_000, 100_000];
const VALUE = Buffer.alloc(100, 'v');
const SEED = 7;
const KEYSPACE = DEFAULT_KEYSPACE;
/** A frame's header and checksum, when each message travels in one of its own. */
const FRAME_BYTES = 30;
/** Of a key: what reconciliation has to name at least. */
const KEY_BYTES = 16;

interface Traffic {
  messages: number;
  bytes: number;
}

class Side {
  readonly self: MemberIndex;
  readonly engine: Engine;
  readonly replica: Replica;
  readonly clock = nodeClock();
  readonly refill: RefillBook;
  readonly #close: () => Promise<void>;
  comparison: Comparison | undefined;

  private constructor(self: MemberIndex, engine: Engine, close: () => Promise<void>) {
    this.self = self;
    this.engine = engine;
    this.#close = close;
    const { clock } = this;
    this.refill = new RefillBook({ engine, view: viewOf(self), keyspaces: [KEYSPACE] });
    this.replica = new Replica({
      ...{ engine, clock, log: silentLog, digestSeed: SEED },
      actor: new OwnActor(engine, self + 1, this.refill),
      hints: new HintBook(engine, clock),
      floors: new FloorBook(engine, () => []),
      dead: new DeadSlots(engine, clock),
    });
  }

  static async open(directory: string, self: MemberIndex): Promise<Side> {
    const own = join(directory, String(self));
    const jobs = nodeJobs({ directory: own, modules: STORAGE_JOBS });
    const disk = await openNodeDisk(own);
    const host = { disk, jobs, clock: nodeClock(), log: silentLog, random: nodeRandom() };
    const owner = {
      clusterId: 'ae'.repeat(16) as ClusterId,
      nodeId: `a${self}`.repeat(20) as NodeId,
    };
    const engine = await openEngine(host, owner);
    return new Side(self, engine, () => engine.close().then(() => jobs.close()));
  }

  /** A side that compares itself with `other`, and counts what is said. */
  compare(other: Side, traffic: Traffic, periodMs: number): AntiEntropy {
    const peers = countingPeers(other, traffic);
    const { engine, replica, refill, clock } = this;
    const view = viewOf(this.self);
    const parts = { engine, replica, refill, clock, peers, view, log: silentLog };
    const comparison = new Comparison({ ...parts, requestMs: 60_000, digestSeed: SEED });
    this.comparison = comparison;
    const keyspaces = [KEYSPACE];
    const syncTimes = new SyncTimes(view, comparison);
    const admission = { isBusy: false };
    return new AntiEntropy({ ...parts, admission, comparison, syncTimes, keyspaces, periodMs });
  }

  async answer(request: Request): Promise<Reply> {
    const { comparison, replica } = this;
    switch (request.kind) {
      case 'compare-digests':
        return (comparison as Comparison).digestsFor(request);
      case 'compare-buckets':
        return (comparison as Comparison).bucketsFor(request);
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

  close(): Promise<void> {
    return this.#close();
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

function countingPeers(other: Side, traffic: Traffic): Asking {
  const crossed = <T>(
    value: T,
    write: (w: ByteWriter, value: T) => void,
    read: (r: ByteReader) => T,
  ) => {
    const w = new ByteWriter();
    write(w, value);
    traffic.messages += 1;
    traffic.bytes += w.length + FRAME_BYTES;
    return read(new ByteReader(w.copy()));
  };
  return {
    ask(members: readonly MemberIndex[], { request, onAnswer }: Question) {
      const heard = crossed(request, writeRequest, readRequest);
      other.answer(heard).then((reply) => {
        for (const member of members) onAnswer(member, crossed(reply, writeReply, readReply));
      });
    },
  };
}

export async function run(print: Print, args: readonly string[] = []): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      keys: { type: 'string', default: '1000000' },
      write: { type: 'boolean', default: false },
    },
  });
  const page = new FiguresPage();
  const keys = Number(values.keys);
  const directory = await mkdtemp(join(tmpdir(), 'kvorum-bench-'));
  const sides = [await Side.open(directory, 0), await Side.open(directory, 1)] as const;
  // The timers of a node keep no process alive.
  const alive = setInterval(() => {}, 1_000);
  try {
    const lines = await measured(sides, keys);
    for (const line of lines) print(line);
    if (!values.write) return;
    const title = 'Anti-entropy: to find and level what differs';
    const command = `bench -- anti-entropy --keys ${keys}`;
    page.write({ name: 'anti-entropy', title, command, lines });
  } finally {
    clearInterval(alive);
    await Promise.all(sides.map((side) => side.close()));
    await rm(directory, { recursive: true });
  }
}

async function measured([one, two]: readonly [Side, Side], keys: number): Promise<string[]> {
  let filled = 0;
  const end = showProgress('anti-entropy', () => `${filled.toLocaleString('en')} keys written`);
  for (const side of [one, two]) {
    for (let n = 0; n < keys; n++) {
      const { sequence } = await write(side, n, 1);
      filled += 1;
      if (n % 4_096 === 0) await side.engine.whenDurable(sequence);
    }
  }
  end('written');
  const listed = await listBytes(one);
  const lines = [
    `two replicas of ${keys.toLocaleString('en')} keys of ${KEY_BYTES} bytes; ` +
      `the list of all keys and versions has ${listed.toLocaleString('en')} bytes`,
    row('keys that differ', ['bytes', 'of the list', 'messages', 'CPU, s', 'time, s', 'B/key']),
  ];
  for (const [round, differing] of DIFFERING.entries()) {
    if (differing > keys) continue;
    for (let i = 0; i < differing; i++)
      await write(one, Math.floor((i * keys) / differing), round + 2);
    const traffic = { messages: 0, bytes: 0 };
    const fromMs = performance.now();
    const cpu = process.cpuUsage();
    await level(one, two, traffic);
    const { user, system } = process.cpuUsage(cpu);
    const cells = [
      traffic.bytes.toLocaleString('en'),
      `${((100 * traffic.bytes) / listed).toFixed(3)} %`,
      traffic.messages.toLocaleString('en'),
      ((user + system) / 1e6).toFixed(2),
      ((performance.now() - fromMs) / 1_000).toFixed(2),
      differing === 0 ? '–' : (traffic.bytes / differing).toFixed(0),
    ];
    lines.push(row(differing.toLocaleString('en'), cells));
  }
  return [
    ...lines,
    '',
    'objects that were missing, of 100 bytes and their context, are in the bytes',
  ];
}

/** Resolves when a comparison that began afterwards finds both sides the same. */
async function level(one: Side, two: Side, traffic: Traffic): Promise<void> {
  two.compare(one, { messages: 0, bytes: 0 }, 3_600_000);
  const comparing = one.compare(two, traffic, 1);
  const sinceMs = Date.now();
  comparing.start();
  for (;;) {
    const state = comparing.states.get(1);
    if (state !== undefined && state.inSyncMs >= sinceMs) break;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  comparing.close();
}

/** Key `n` as node 1 wrote it, each time knowing what it had written before. */
function write(side: Side, n: number, counter: number): Later<Merged> {
  const key = Buffer.from(`key:${String(n).padStart(KEY_BYTES - 4, '0')}`);
  const at: KeyAt = { keyspace: KEYSPACE.number, slot: slotOf(key), key };
  const dot = { actor: actorOf(9, 1), counter: n * 16 + counter };
  const sibling = { dot, time: counter, expiresAt: 0, isTombstone: false, value: VALUE };
  return side.replica.merge(KEYSPACE, at, encodeObject({ context: [dot], siblings: [sibling] }));
}

/** What a list of everything takes on the wire. */
async function listBytes(side: Side): Promise<number> {
  let bytes = 0;
  const request = { kind: 'list-slots', keyspace: KEYSPACE.number, count: 10_000 } as const;
  const toSlot = 16_383 as KeyAt['slot'];
  let from: { slot: KeyAt['slot']; hash: number } | undefined = {
    slot: 0 as KeyAt['slot'],
    hash: 0,
  };
  while (from !== undefined) {
    const listing = await listOwnKeys(side, { ...request, from, toSlot });
    const w = new ByteWriter();
    writeReply(w, listing);
    bytes += w.length + FRAME_BYTES;
    from = listing.next;
  }
  return bytes;
}

function row(title: string, cells: readonly string[]): string {
  return `${title.padEnd(20)}${cells.map((cell) => cell.padStart(14)).join('')}`;
}
