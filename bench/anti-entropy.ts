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
import { ByteWriter } from '../src/base/bytes.ts';
import type { ClusterId, NodeId } from '../src/base/ids.ts';
import type { Later } from '../src/base/later.ts';
import { actorOf } from '../src/causality/dot.ts';
import { encodeObject } from '../src/causality/object-format.ts';
import type { VersionVector } from '../src/causality/version-vector.ts';
import { nodeClock } from '../src/host/node-clock.ts';
import { openNodeDisk } from '../src/host/node-disk.ts';
import { nodeJobs } from '../src/host/node-jobs.ts';
import { silentLog } from '../src/host/node-log.ts';
import { nodeRandom } from '../src/host/node-random.ts';
import { AntiEntropy } from '../src/replication/anti-entropy/anti-entropy.ts';
import { digestChange } from '../src/replication/anti-entropy/key-digest.ts';
import { SyncTimes } from '../src/replication/anti-entropy/sync-times.ts';
import { FRAME_BYTES, Side, Traffic } from '../src/replication/anti-entropy/test-sides.ts';
import { DEFAULT_KEYSPACE } from '../src/replication/keyspace.ts';
import { listOwnKeys } from '../src/replication/listing/own-keys.ts';
import { writeReply } from '../src/replication/message-format.ts';
import type { KeyAt } from '../src/replication/messages.ts';
import type { Merged } from '../src/replication/replica.ts';
import { slotOf } from '../src/ring/slot.ts';
import { openEngine } from '../src/storage/open-engine.ts';
import { STORAGE_JOBS } from '../src/storage/storage-jobs.ts';
import { SlotDigests } from '../src/storage/summary/slot-digests.ts';
import { FiguresPage } from './figures-page.ts';

type Print = (line: string) => void;

const DIFFERING = [0, 1, 10, 1_000, 100_000];
const VALUE = Buffer.alloc(100, 'v');
const KEYSPACE = DEFAULT_KEYSPACE;
const UPKEEP_WRITES = 5_000_000;
/** Of a key: what reconciliation has to name at least. */
const KEY_BYTES = 16;

interface OpenSide {
  readonly side: Side;
  close(): Promise<void>;
}

async function openSide(directory: string, self: number): Promise<OpenSide> {
  const own = join(directory, String(self));
  const jobs = nodeJobs({ directory: own, modules: STORAGE_JOBS });
  const disk = await openNodeDisk(own);
  const host = { disk, jobs, clock: nodeClock(), log: silentLog, random: nodeRandom() };
  const owner = {
    clusterId: 'ae'.repeat(16) as ClusterId,
    nodeId: `a${self}`.repeat(20) as NodeId,
  };
  const engine = await openEngine(host, owner);
  const side = new Side(self, engine, host.clock);
  return { side, close: () => engine.close().then(() => jobs.close()) };
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
  const sides = [await openSide(directory, 0), await openSide(directory, 1)] as const;
  // The timers of a node keep no process alive.
  const alive = setInterval(() => {}, 1_000);
  try {
    const lines = await measured(sides[0].side, sides[1].side, keys);
    for (const line of lines) print(line);
    if (!values.write) return;
    const title = 'Anti-entropy: to find and level what differs';
    const command = `bench -- anti-entropy --keys ${keys}`;
    page.write({ name: 'anti-entropy', title, command, lines });
  } finally {
    clearInterval(alive);
    await Promise.all(sides.map((each) => each.close()));
    await rm(directory, { recursive: true });
  }
}

async function measured(one: Side, two: Side, keys: number): Promise<string[]> {
  let filled = 0;
  const end = showProgress('anti-entropy', () => `${count(filled)} keys written`);
  for (const side of [one, two]) {
    for (let n = 0; n < keys; n++) {
      const { sequence } = await write(side, n, 1);
      filled += 1;
      if (n % 4_096 === 0) await side.engine.whenDurable(sequence);
    }
  }
  end('written');
  two.meet(one);
  const listing = process.cpuUsage();
  const listed = await listBytes(one);
  const listSeconds = cpuSeconds(listing);
  const titles = ['bytes', 'slots', 'keys', 'objects', 'of the list'];
  const lines = [
    `two replicas of ${count(keys)} keys of ${KEY_BYTES} bytes; the list of all keys and versions`,
    `of one has ${count(listed)} bytes, and takes ${listSeconds} s of CPU to make`,
    '',
    row('differ', [...titles, 'messages', 'CPU, s', 'time, s']),
  ];
  for (const [round, differing] of DIFFERING.entries()) {
    if (differing > keys) continue;
    for (let i = 0; i < differing; i++)
      await write(one, Math.floor((i * keys) / differing), round + 2);
    lines.push(row(count(differing), await levelled(one, two, listed)));
  }
  return [
    ...lines,
    '',
    `what each write pays to keep the digests: ${upkeepNs(UPKEEP_WRITES).toFixed(0)} ns`,
    'bytes to find slots, to find keys in them, and of the objects: of 100 bytes and their context',
  ];
}

/** Nanoseconds to make the digest of a key another one, and that of its slot. */
function upkeepNs(writes: number): number {
  const digests = new SlotDigests();
  const keys = Array.from({ length: 1_024 }, (_, n) => keyAt(n));
  const known = (counter: number): VersionVector => [{ actor: actorOf(9, 1), counter }];
  const [before, after] = [known(1), known(2)];
  const fromMs = performance.now();
  for (let n = 0; n < writes; n++) {
    const at = keys[n % keys.length] as KeyAt;
    const { high, low } = digestChange(7, at, before, after);
    digests.fold(at, high, low);
  }
  return ((performance.now() - fromMs) * 1e6) / writes;
}

/** The cells of a row: what it takes until a comparison finds both sides the same. */
async function levelled(one: Side, two: Side, listed: number): Promise<string[]> {
  const traffic = new Traffic();
  one.traffic = traffic;
  const fromMs = performance.now();
  const cpu = process.cpuUsage();
  await level(one, two);
  const seconds = cpuSeconds(cpu);
  const bytes = [
    traffic.bytes,
    traffic.bytesOf('compare-digests'),
    traffic.bytesOf('compare-buckets', 'compare-keys'),
    traffic.bytesOf('store-copy', 'read-object'),
  ];
  return [
    ...bytes.map(count),
    `${((100 * traffic.bytes) / listed).toFixed(3)} %`,
    count(traffic.messages),
    seconds,
    ((performance.now() - fromMs) / 1_000).toFixed(2),
  ];
}

/** Of all threads, since then. */
function cpuSeconds(since: NodeJS.CpuUsage): string {
  const { user, system } = process.cpuUsage(since);
  return ((user + system) / 1e6).toFixed(2);
}

/** Resolves when a comparison that began afterwards finds both sides the same. */
async function level(one: Side, two: Side): Promise<void> {
  const parts = one.meet(two);
  const { comparison, view } = one;
  const comparing = new AntiEntropy({
    ...{ ...parts, comparison, log: silentLog, keyspaces: [KEYSPACE], periodMs: 1 },
    ...{ admission: { isBusy: false }, syncTimes: new SyncTimes(view, comparison) },
  });
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
  const at = keyAt(n);
  const dot = { actor: actorOf(9, 1), counter: n * 16 + counter };
  const sibling = { dot, time: counter, expiresAt: 0, isTombstone: false, value: VALUE };
  return side.replica.merge(KEYSPACE, at, encodeObject({ context: [dot], siblings: [sibling] }));
}

function keyAt(n: number): KeyAt {
  const key = Buffer.from(`key:${String(n).padStart(KEY_BYTES - 4, '0')}`);
  return { keyspace: KEYSPACE.number, slot: slotOf(key), key };
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

function count(number: number): string {
  return number.toLocaleString('en');
}

function row(title: string, cells: readonly string[]): string {
  return `${title.padEnd(8)}${cells.map((cell) => cell.padStart(12)).join('')}`;
}
