// The ring as Redis Cluster clients read it: CLUSTER SLOTS, SHARDS, NODES and INFO.
//
// Only primaries are told, one per slot. In a leaderless ring every node is primary of some slots
// and replica of others, but clients give each node one role, the first that they see: a node
// first met as a replica would be left out of their KEYS, SCAN and FLUSHALL. A dead node owns
// nothing here: `owners` has moved its slots to the next of their preference lists.

import { type NodeId, splitAddress } from '../../../base/ids.ts';
import type { ClusterStatus, MemberStatus } from '../../../node/store.ts';
import { map, type Reply } from '../reply.ts';

type Range = readonly [from: number, to: number];

interface NodeView {
  readonly id: NodeId;
  readonly host: string;
  readonly port: number;
  readonly peerPort: number;
  readonly isSelf: boolean;
  readonly isAlive: boolean;
  /** Ascending, and none touches the next: all nodes must print the same. */
  readonly ranges: readonly Range[];
}

const WILDCARDS = new Set(['', '0.0.0.0', '::']);

/** [from, to, [host, port, id, metadata]] per range, in the order of slots. */
export function slotsReply(status: ClusterStatus, localAddress: string): Reply {
  const entries: (readonly [from: number, Reply])[] = [];
  for (const node of nodeViews(status, localAddress)) {
    const owner: Reply = [node.host, node.port, node.id, map([])];
    for (const [from, to] of node.ranges) entries.push([from, [from, to, owner]]);
  }
  return entries.sort(([a], [b]) => a - b).map(([, entry]) => entry);
}

/** One shard per node, with all of its ranges. */
export function shardsReply(status: ClusterStatus, localAddress: string): Reply {
  return nodeViews(status, localAddress).map((node) =>
    map([
      ['slots', node.ranges.flat()],
      ['nodes', [shardNode(node)]],
    ]),
  );
}

function shardNode({ id, host, port, isAlive }: NodeView): Reply {
  return map([
    ['id', id],
    ['port', port],
    ['ip', host],
    ['endpoint', host],
    ['role', 'master'],
    ['replication-offset', 0],
    ['health', isAlive ? 'online' : 'fail'],
  ]);
}

/** `id host:port@peer-port flags - 0 0 epoch link-state range …`, a line per node. */
export function nodesText(status: ClusterStatus, localAddress: string): string {
  const lines = nodeViews(status, localAddress).map((node) => {
    const flags = `${node.isSelf ? 'myself,' : ''}master${node.isAlive ? '' : ',fail'}`;
    const link = node.isAlive ? 'connected' : 'disconnected';
    const address = `${node.host}:${node.port}@${node.peerPort}`;
    const slots = node.ranges.map(([from, to]) => (from === to ? ` ${from}` : ` ${from}-${to}`));
    return `${node.id} ${address} ${flags} - 0 0 ${status.epoch} ${link}${slots.join('')}\n`;
  });
  return lines.join('');
}

export function infoText(status: ClusterStatus): string {
  const { owners, members, epoch, isServing } = status;
  const assigned = owners.reduce((slots, { from, to }) => slots + to - from + 1, 0);
  const isOwner = new Set(owners.map(({ owner }) => owner));
  const fields: readonly (readonly [name: string, value: string | number])[] = [
    ['cluster_state', isServing ? 'ok' : 'fail'],
    ['cluster_slots_assigned', assigned],
    ['cluster_slots_ok', assigned],
    ['cluster_slots_pfail', 0],
    ['cluster_slots_fail', 0],
    ['cluster_known_nodes', members.length],
    ['cluster_size', isOwner.size],
    ['cluster_current_epoch', epoch],
    ['cluster_my_epoch', epoch],
    ['cluster_stats_messages_sent', 0],
    ['cluster_stats_messages_received', 0],
    ['total_cluster_links_buffer_limit_exceeded', 0],
  ];
  return fields.map(([name, value]) => `${name}:${value}\r\n`).join('');
}

/** What a client is to type to reach `member`: never a wildcard of our own. */
function clientEndpoint(member: MemberStatus, self: NodeId, localAddress: string) {
  const { host, port } = splitAddress(member.clientAddress);
  if (!WILDCARDS.has(host) || member.id !== self) return { host, port };
  return { host: splitAddress(localAddress).host, port };
}

function nodeViews(status: ClusterStatus, localAddress: string): NodeView[] {
  const ranges = rangesByOwner(status);
  return status.members.map((member) => ({
    id: member.id,
    ...clientEndpoint(member, status.self, localAddress),
    peerPort: splitAddress(member.peerAddress).port,
    isSelf: member.id === status.self,
    isAlive: member.isAlive,
    ranges: ranges.get(member.id) ?? [],
  }));
}

/** Joins neighbouring runs of one owner, in the order of slots. */
function rangesByOwner({ owners }: ClusterStatus): Map<NodeId, Range[]> {
  const byOwner = new Map<NodeId, Range[]>();
  for (const { owner, from, to } of [...owners].sort((a, b) => a.from - b.from)) {
    const ranges = byOwner.get(owner);
    const last = ranges?.at(-1);
    if (ranges === undefined) byOwner.set(owner, [[from, to]]);
    else if (last !== undefined && last[1] === from - 1) ranges[ranges.length - 1] = [last[0], to];
    else ranges.push([from, to]);
  }
  return byOwner;
}
