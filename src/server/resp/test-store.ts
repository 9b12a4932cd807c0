// A Store of one process and one map, for the unit tests of the commands: no replication, time
// that the test moves, failures that the test orders. The real store is tested with real clients
// elsewhere; this one only has the same meaning for one client.

import { crc32 } from '../../base/checksum.ts';
import { KvorumError } from '../../base/errors.ts';
import type { Address, ClusterId, KeyspaceNumber, NodeId, Slot } from '../../base/ids.ts';
import {
  type ClusterStatus,
  type Explanation,
  type Gate,
  type GetOutcome,
  type GetRequest,
  HEALTHY,
  type KeyPage,
  type ListRequest,
  type LiveValue,
  type MemberStatus,
  type OwnedRange,
  type Route,
  type Store,
  type WriteOk,
  type WriteOutcome,
  type WriteRequest,
} from '../../node/store.ts';
import { DEFAULT_KEYSPACE } from '../../replication/keyspace.ts';
import { slotOf } from '../../ring/slot.ts';

const SECOND = { ...DEFAULT_KEYSPACE, number: 1 as KeyspaceNumber, name: 'second' };

/** Three members that own a third of the ring each; this node is the first. */
export const TEST_MEMBERS: readonly MemberStatus[] = [1, 2, 3].map((n) => ({
  id: String(n).repeat(40) as NodeId,
  name: `n${n}`,
  host: `h${n}`,
  rack: 'r1',
  dataCenter: 'd1',
  capacity: 1,
  clientAddress: `127.0.0.1:${7000 + n}` as Address,
  httpAddress: `127.0.0.1:${8000 + n}` as Address,
  peerAddress: `127.0.0.1:${9000 + n}` as Address,
  isAlive: true,
  health: HEALTHY,
  slots: 5461,
}));

const THIRDS: readonly OwnedRange[] = [
  { from: 0 as Slot, to: 5460 as Slot, owner: TEST_MEMBERS[0]!.id },
  { from: 5461 as Slot, to: 10_922 as Slot, owner: TEST_MEMBERS[1]!.id },
  { from: 10_923 as Slot, to: 16_383 as Slot, owner: TEST_MEMBERS[2]!.id },
];

interface Held {
  readonly key: Buffer;
  readonly live: LiveValue;
}

/** Open, until a test says otherwise. */
export class TestGate implements Gate {
  isShut = false;
  #onFree: (() => void) | undefined;

  isFull(_kind: 'read' | 'write'): boolean {
    return this.isShut;
  }

  refusal(kind: 'read' | 'write'): KvorumError | undefined {
    return this.isShut ? new KvorumError('OVERLOADED', `no ${kind} now`, 'Later.') : undefined;
  }

  whenFree(callback: () => void): void {
    this.#onFree = callback;
  }

  open(): void {
    this.isShut = false;
    this.#onFree?.();
  }
}

export class TestStore implements Store {
  readonly keyspaces = [DEFAULT_KEYSPACE, SECOND];
  /** What the next requests answer instead of looking at the data. */
  nextRead: GetOutcome | undefined;
  nextWrites: WriteOutcome[] = [];
  readonly gate = new TestGate();
  /** Whether a flush finds all nodes there. */
  isWhole = true;
  members = TEST_MEMBERS;
  owners = THIRDS;
  epoch = 1;
  isServing = true;
  nowMs = 1_700_000_000_000;
  #writes = 0;
  #held = this.keyspaces.map(() => new Map<string, Held>());

  async get({ keyspace, key }: GetRequest): Promise<GetOutcome> {
    if (this.nextRead) return this.nextRead;
    const live = this.#living(keyspace, key);
    const known = { context: [], receipt: this.#receipt() };
    return live ? { kind: 'found', values: [live], ...known } : { kind: 'missing', ...known };
  }

  async write(request: WriteRequest): Promise<WriteOutcome> {
    const ordered = this.nextWrites.shift();
    if (ordered) return ordered;
    const { keyspace, key, change, condition } = request;
    const previous = this.#living(keyspace, key);
    const wanted = change.kind === 'put' ? condition : 'present';
    if (wanted && (wanted === 'present') !== (previous !== undefined)) {
      return { kind: 'condition-failed', previous };
    }
    const held = this.#held[keyspace]!;
    const name = key.toString('latin1');
    const dot = { actor: 1, counter: ++this.#writes } as unknown as WriteOk['dot'];
    if (change.kind === 'delete') held.delete(name);
    else {
      const value = Buffer.from(change.kind === 'put' ? change.value : previous!.value);
      const kept = change.expiresAt === 'keep' ? (previous?.expiresAt ?? 0) : 0;
      const expiresAt = typeof change.expiresAt === 'number' ? change.expiresAt : kept;
      const live = { value, expiresAt, dot, time: this.#writes };
      held.set(name, { key: Buffer.from(key), live });
    }
    return { kind: 'ok', dot, context: [], previous, receipt: this.#receipt() };
  }

  async listKeys({ keyspace, from, count }: ListRequest): Promise<KeyPage> {
    const sorted = [...this.#held[keyspace]!.values()]
      .filter(({ key }) => this.#living(keyspace, key))
      .map(({ key }) => ({ key, slot: slotOf(key), hash: crc32(key) }))
      .sort((a, b) => a.slot - b.slot || a.hash - b.hash)
      .filter(({ slot, hash }) => slot > from.slot || (slot === from.slot && hash >= from.hash));
    const next = sorted[count];
    return { kind: 'page', keys: sorted.slice(0, count).map(({ key }) => key), next };
  }

  async countKeys(keyspace: KeyspaceNumber): Promise<number> {
    return this.#held[keyspace]!.size;
  }

  async flush(keyspace: KeyspaceNumber): Promise<boolean> {
    if (!this.isWhole) return false;
    this.#held[keyspace]!.clear();
    return true;
  }

  countKeysInSlot(keyspace: KeyspaceNumber, slot: Slot): number {
    return [...this.#held[keyspace]!.values()].filter(({ key }) => slotOf(key) === slot).length;
  }

  async explain(keyspace: KeyspaceNumber, key: Buffer): Promise<Explanation> {
    const { name, conflictRule } = this.keyspaces[keyspace]!;
    const slot = slotOf(key);
    return {
      keyspace: name,
      conflictRule,
      slot,
      replicas: [],
      standIns: [],
      hintsFor: [],
      writes: [],
      isAgreed: true,
    };
  }

  isPrimary(): boolean {
    return true;
  }

  route(_keyspace: KeyspaceNumber, slot: Slot): Route {
    const { owner } = this.owners.find(({ from, to }) => from <= slot && slot <= to)!;
    const target = this.members.find(({ id }) => id === owner)!;
    return { target, isLocal: target === this.members[0] };
  }

  status(): ClusterStatus {
    const { epoch, members, owners, isServing } = this;
    const clusterId = 'c'.repeat(32) as ClusterId;
    return { clusterId, epoch, self: members[0]!.id, members, owners, isServing };
  }

  nodeName(id: NodeId): string {
    return this.members.find((member) => member.id === id)!.name;
  }

  nodeDataCenter(id: NodeId): string {
    return this.members.find((member) => member.id === id)!.dataCenter;
  }

  wallMs(): number {
    return this.nowMs;
  }

  #living(keyspace: KeyspaceNumber, key: Buffer): LiveValue | undefined {
    const live = this.#held[keyspace]!.get(key.toString('latin1'))?.live;
    return live && (live.expiresAt === 0 || live.expiresAt > this.nowMs) ? live : undefined;
  }

  #receipt() {
    const nodes = this.members.map(({ id }) => id);
    const settled = Promise.resolve();
    return { nodes, fallbacks: [], durability: 'fsync' as const, epoch: this.epoch, settled };
  }
}
