// One running member of the cluster, composed from its parts. This is the only place that knows
// all of them:
//
//   doors → store (this file) → coordinator → replica → engine
//                                   └→ remote peers → network → their responder → replica
//
// Starting: open the engine, listen to peers, gossip with them. Closing goes the other way round.

import type { KeyspaceNumber, NodeId, Slot } from '../base/ids.ts';
import { SLOT_COUNT } from '../base/ids.ts';
import type { Later } from '../base/later.ts';
import type { DiskSpace, Host } from '../host/host.ts';
import type { Outgoing } from '../membership/gossip.ts';
import { GOSSIP_PRESETS, type GossipPresetName } from '../membership/gossip-preset.ts';
import { Merger } from '../merge/merger.ts';
import { Admission, valueBytesOf } from '../replication/admission/admission.ts';
import { coordinators } from '../replication/cluster-view.ts';
import { Coordinator } from '../replication/coordinator.ts';
import { type ExplainParts, explainKey } from '../replication/explain/explain.ts';
import { HintBook, type HintLimits, type PendingHints } from '../replication/hints/hint-book.ts';
import { HintDelivery } from '../replication/hints/hint-delivery.ts';
import type { Keyspace } from '../replication/keyspace.ts';
import { counts, usualNeeds } from '../replication/levels/need.ts';
import { countKeys, type ListingParts, listKeys } from '../replication/listing/key-listing.ts';
import { OwnActor } from '../replication/own-actor.ts';
import { answerOf, type MemberIndex, type Peers } from '../replication/peers.ts';
import type { DeadSlots } from '../replication/reaping/dead-slots.ts';
import { FlushMember } from '../replication/reaping/flush-member.ts';
import { flushKeyspace } from '../replication/reaping/flush-round.ts';
import { loadReaping, type Reaping } from '../replication/reaping/load-reaping.ts';
import type { Ask } from '../replication/reaping/reap-round.ts';
import { Reaper } from '../replication/reaping/reaper.ts';
import { RoundMember } from '../replication/reaping/round-member.ts';
import { DamageHealer } from '../replication/refill/damage-healer.ts';
import { RefillBook } from '../replication/refill/refill-book.ts';
import { Replica } from '../replication/replica.ts';
import { Responder } from '../replication/responder.ts';
import { slotOf } from '../ring/slot.ts';
import type { Engine } from '../storage/engine.ts';
import { type EngineOptions, openEngine } from '../storage/open-engine.ts';
import { ClusterMap } from './cluster-map.ts';
import { type Explanation, explanationOf } from './explanation.ts';
import { type Burden, GossipAgent } from './gossip-agent.ts';
import { Healing } from './healing.ts';
import type { NodeMetrics } from './metrics.ts';
import { RemotePeers } from './remote-peers.ts';
import { RequestMeter } from './request-meter.ts';
import type {
  ClusterStatus,
  Gate,
  GetOutcome,
  GetRequest,
  ListRequest,
  Route,
  Store,
  WriteOutcome,
  WriteRequest,
} from './store.ts';
import type { PlacedTopology } from './topology.ts';

export interface NodeOptions {
  readonly topology: PlacedTopology;
  readonly self: NodeId;
  /** Milliseconds a request may take before its outcome is decided without who is missing. */
  readonly requestMs?: number;
  readonly storage?: EngineOptions;
  /** Milliseconds that a slot rests between a delete and the round that forgets it. */
  readonly reapRestMs?: number;
  /** Milliseconds between two comparisons with the other replicas. */
  readonly antiEntropyMs?: number | undefined;
  /** What may be kept for one other node; see HINT_LIMITS. */
  readonly hintLimits?: HintLimits | undefined;
  /** The same on every node; `lan`. */
  readonly gossip?: GossipPresetName;
}

const REQUEST_MS = 3_000;
const REAP_REST_MS = 5_000;
/** A slot may hold very many keys. */
const ROUND_QUESTION_FACTOR = 3;
const ANTI_ENTROPY_MS = 10_000;

const NO_GETS = { found: 0, missing: 0, 'no-answer': 0, error: 0 };
const NO_WRITES = { ok: 0, 'condition-failed': 0, 'not-applied': 0, indeterminate: 0, error: 0 };

/** What a node has kept from before, and goes on keeping. */
interface Kept extends Reaping {
  readonly engine: Engine;
  readonly hints: HintBook;
  readonly refill: RefillBook;
}

/** Rejects with the errors of Engine, Network.open and ClusterMap. */
export async function startNode(host: Host, options: NodeOptions): Promise<Node> {
  const { topology, self } = options;
  const preset = GOSSIP_PRESETS[options.gossip ?? 'lan'];
  const map = new ClusterMap({ topology, self, clock: host.clock, random: host.random, preset });
  const owner = { clusterId: topology.clusterId, nodeId: self };
  const engine = await openEngine(host, owner, options.storage);
  const hints = new HintBook(engine, host.clock, options.hintLimits);
  let node: Node;
  try {
    await hints.load();
    const { keyspaces } = options.topology;
    const reaping = await loadReaping({ engine, clock: host.clock, view: map, keyspaces });
    const refill = new RefillBook({ engine, view: map, keyspaces });
    await refill.load();
    node = new Node(host, options, map, { engine, hints, refill, ...reaping });
    await node.open();
  } catch (error) {
    await engine.close();
    throw error;
  }
  return node;
}

export class Node implements Store {
  readonly keyspaces: readonly Keyspace[];
  readonly healing: Healing;
  readonly #host: Host;
  readonly #map: ClusterMap;
  readonly #engine: Engine;
  readonly #replica: Replica;
  readonly #peers: RemotePeers;
  readonly #merger: Merger;
  readonly #coordinator: Coordinator;
  readonly #listing: ListingParts;
  readonly #hints: HintBook;
  readonly #dead: DeadSlots;
  readonly #refill: RefillBook;
  readonly #rounds: RoundMember;
  readonly #damageHealer: DamageHealer;
  readonly #reaper: Reaper;
  readonly #ask: Ask;
  readonly #actor: OwnActor;
  readonly #delivery: HintDelivery;
  readonly #explaining: ExplainParts;
  readonly #admission: Admission;
  readonly #gets: RequestMeter<GetOutcome['kind']>;
  readonly #writes: RequestMeter<WriteOutcome['kind']>;
  readonly #gossip: GossipAgent;

  constructor(host: Host, options: NodeOptions, map: ClusterMap, kept: Kept) {
    const { engine, hints, floors, dead, refill } = kept;
    const { clock, log, random } = host;
    const requestMs = options.requestMs ?? REQUEST_MS;
    this.#host = host;
    this.#admission = new Admission(clock);
    const doors = { clock, admission: this.#admission };
    this.#gets = new RequestMeter({ ...doors, requestClass: 'read', counts: { ...NO_GETS } });
    this.#writes = new RequestMeter({ ...doors, requestClass: 'write', counts: { ...NO_WRITES } });
    this.#map = map;
    this.#engine = engine;
    this.keyspaces = options.topology.keyspaces;
    this.#hints = hints;
    this.#refill = refill;
    this.#actor = new OwnActor(engine, map.selfNumber, refill);
    const actor = this.#actor;
    const digestSeed = map.clusterTag;
    this.#replica = new Replica({ engine, clock, log, actor, hints, floors, dead, digestSeed });
    this.#peers = new RemotePeers({
      map,
      clock,
      requestMs,
      random,
      log,
      answer: (request, reply) => responder.answer(request, reply),
      hearGossip: (...heard) => this.#gossip.hear(...heard),
      ownTime: () => this.#replica.time,
      observeTime: (time) => this.#replica.observeTime(time),
    });
    this.#gossip = this.#gossipOn(host);
    this.#merger = new Merger(host);
    const around = { view: map, replica: this.#replica, peers: this.#peers, clock, log, requestMs };
    const { keyspaces } = options.topology;
    const parts = { ...kept, ...around, ...doors, merger: this.#merger, digestSeed, keyspaces };
    this.#coordinator = new Coordinator(parts);
    this.#explaining = { ...parts, hints };
    this.#listing = { ...parts, isThere: (request) => this.#isThere(request) };
    this.#delivery = new HintDelivery(parts);
    const periodMs = options.antiEntropyMs ?? ANTI_ENTROPY_MS;
    this.healing = new Healing({ ...parts, periodMs });
    this.#rounds = new RoundMember({ ...parts, actor, hints, random });
    this.#damageHealer = new DamageHealer({ ...parts, actor, rounds: this.#rounds });
    const responder = new Responder({
      ...parts,
      coordinator: this.#coordinator,
      comparison: this.healing.comparison,
      rounds: this.#rounds,
      flushes: new FlushMember({ ...parts, actor, random }),
    });
    this.#ask = anyMember(map.self, responder, this.#peers, ROUND_QUESTION_FACTOR * requestMs);
    this.#dead = dead;
    this.#reaper = new Reaper({
      ...parts,
      ask: this.#ask,
      counters: this.#rounds.counters,
      restMs: options.reapRestMs ?? REAP_REST_MS,
    });
  }

  /** Joins the conversation. */
  async open(): Promise<void> {
    const { network, log } = this.#host;
    const own = this.#map.members[this.#map.self];
    if (own === undefined) return;
    this.#peers.attach(await network.open(own.peerAddress, this.#peers));
    log.info('node started', { node: own.name, incarnation: this.#engine.identity.incarnation });
    this.#gossip.start();
    this.#delivery.start();
    this.healing.start();
    this.#damageHealer.start();
    this.#reaper.start();
  }

  async close(): Promise<void> {
    this.#gossip.leave();
    this.#delivery.close();
    this.healing.close();
    this.#damageHealer.close();
    this.#reaper.close();
    await this.#peers.close();
    await this.#engine.close();
  }

  get gate(): Gate {
    return this.#admission;
  }

  get(request: GetRequest): Later<GetOutcome> {
    return this.#gets.measure(0, () => this.#coordinator.get(request));
  }

  write(request: WriteRequest): Later<WriteOutcome> {
    return this.#writes.measure(valueBytesOf(request), () => this.#coordinator.write(request));
  }

  async listKeys(request: ListRequest) {
    return this.#admission.run('scan', 0, () => listKeys(this.#listing, request));
  }

  async countKeys(keyspace: KeyspaceNumber): Promise<number> {
    return this.#admission.run('scan', 0, () => countKeys(this.#listing, keyspace));
  }

  async flush(keyspace: KeyspaceNumber): Promise<boolean> {
    const members = this.#map.members.map((_, member) => member);
    if (!members.every((member) => this.#map.isAlive(member))) return false;
    return await flushKeyspace(this.#ask, members, keyspace);
  }

  countKeysInSlot(keyspace: KeyspaceNumber, slot: Slot): number {
    return this.#engine.countOf(keyspace, slot);
  }

  async explain(number: KeyspaceNumber, key: Buffer): Promise<Explanation> {
    const keyspace = this.#map.keyspace(number);
    const slot = slotOf(key);
    const at = { keyspace: number, slot, key };
    const explained = await explainKey(this.#explaining, keyspace, at);
    return explanationOf(this.#map, keyspace, slot, explained);
  }

  route(number: KeyspaceNumber, slot: Slot): Route {
    const keyspace = this.#map.keyspace(number);
    const members = coordinators(this.#map, keyspace, slot);
    const target = this.#map.contact(keyspace, slot) ?? (members[0] as number);
    const isLocal = members.includes(this.#map.self);
    return { target: this.#map.memberStatus(target), isLocal };
  }

  isPrimary(number: KeyspaceNumber, slot: Slot): boolean {
    return this.#map.primaries(this.#map.keyspace(number), slot).includes(this.#map.self);
  }

  status(): ClusterStatus {
    const { epoch, members, self, topology } = this.#map;
    const owners = this.#map.ownedRanges();
    const served = owners.reduce((sum, range) => sum + range.to - range.from + 1, 0);
    return {
      clusterId: topology.clusterId,
      epoch,
      self: this.#map.nodeId(self),
      members: members.map((_, index) => this.#map.memberStatus(index)),
      owners,
      isServing: served === SLOT_COUNT,
    };
  }

  nodeName(id: NodeId): string {
    return this.#map.members.find((member) => member.id === id)?.name ?? id;
  }

  nodeDataCenter(id: NodeId): string {
    return this.#map.members.find((member) => member.id === id)?.dataCenter ?? '';
  }

  wallMs(): number {
    return this.#host.clock.wallMs();
  }

  /** Whether a quorum of every slot's primaries seems alive, so that requests will be served. */
  isReady(): boolean {
    return this.keyspaces.every((keyspace) => this.#hasQuorums(keyspace));
  }

  #hasQuorums(keyspace: Keyspace): boolean {
    const map = this.#map;
    const needs = usualNeeds(keyspace, map.dataCenterOf(map.self)).flat();
    return map.topology.preferenceLists(keyspace).every(({ primaries }) => {
      const alive = primaries.filter((member) => map.isAlive(member));
      return needs.every((share) => {
        return alive.filter((member) => counts(share, map, member)).length >= share.needed;
      });
    });
  }

  metrics(): NodeMetrics {
    const { members } = this.#map;
    return {
      gets: this.#gets.counts,
      writes: this.#writes.counts,
      getLatency: this.#gets.latency,
      writeLatency: this.#writes.latency,
      reads: this.#coordinator.reader.counters,
      hedges: this.#coordinator.hedges,
      admission: this.#admission,
      objects: this.#replica.counters,
      merges: this.#merger.counters,
      antiEntropy: this.healing.comparison.counters,
      sync: this.healing.states,
      slotsRefilling: this.#refill.slotsWaiting,
      damagedSlotsDropped: this.#damageHealer.counters.slotsDropped,
      hints: this.#hints.counters,
      hintsPending: this.#hintsPending(),
      reaping: { ...this.#rounds.counters, slots: this.#dead.size },
      reapingWaits: this.#reapingWaits(),
      peers: this.#peers.counters,
      engine: this.#engine.stats(),
      members: members.length,
      memberDowns: this.#map.gossip.detector.downs,
      gossipExchangesLost: this.#map.gossip.exchangesLost,
      health: new Map(members.map(({ name }, index) => [name, this.#map.health(index)])),
      membersAlive: members.filter((_, index) => this.#map.isAlive(index)).length,
    };
  }

  /** By the name of the target. */
  #hintsPending(): Map<string, PendingHints> {
    const { pending } = this.#hints;
    const named = [...pending].map(([target, hints]): [string, PendingHints] => {
      const member = this.#map.memberNumbered(target);
      return [member === undefined ? `#${target}` : this.#map.memberStatus(member).name, hints];
    });
    return new Map(named);
  }

  #gossipOn({ clock, log }: Host): GossipAgent {
    const say = (outgoing: Outgoing) => this.#peers.gossip(outgoing);
    return new GossipAgent({ map: this.#map, clock, log, say, burden: () => this.#burden() });
  }

  #burden(): Burden {
    const { state, disk } = this.#engine.stats();
    const freePercent = disk === undefined ? 255 : freePercentOf(disk);
    const requests = totalOf(this.#gets.counts) + totalOf(this.#writes.counts);
    return { isDiskFull: state === 'disk-full', freePercent, requests };
  }

  /** True too when nobody can say. */
  async #isThere(request: GetRequest): Promise<boolean> {
    return (await this.#coordinator.get(request)).kind !== 'missing';
  }

  #reapingWaits(): Map<string, number> {
    return new Map(
      [...this.#reaper.waiting()].map(([member, slots]) => {
        return [this.#map.memberStatus(member).name, slots];
      }),
    );
  }
}

function freePercentOf({ freeBytes, totalBytes }: DiskSpace): number {
  return totalBytes === 0 ? 0 : Math.round((100 * freeBytes) / totalBytes);
}

function totalOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** A question to any member, this node too. */
function anyMember(self: MemberIndex, responder: Responder, peers: Peers, budgetMs: number): Ask {
  return (member, request) => {
    if (member !== self) return answerOf(peers, member, request, budgetMs);
    return new Promise((resolve) => responder.answer(request, resolve));
  };
}
