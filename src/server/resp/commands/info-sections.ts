// The text of INFO: Redis' sections and field names with what is true here, and `# Kvorum`. A
// field that tools read but that does not exist here (RDB, evictions) is zero, as in a Redis that
// does not use it. Tools split at `# Section`, CR LF and the first colon of a line.

import { arch, platform, totalmem } from 'node:os';
import type { Slot } from '../../../base/ids.ts';
import type { ClusterStatus } from '../../../node/store.ts';
import type { Call } from '../command.ts';
import { KVORUM_VERSION, REDIS_VERSION } from './server-identity.ts';

type Fields = readonly (readonly [name: string, value: string | number])[];

interface Section {
  readonly title: string;
  readonly fields: (call: Call, status: ClusterStatus) => Fields;
}

const SECTIONS: readonly Section[] = [
  { title: 'Server', fields: serverFields },
  { title: 'Clients', fields: clientFields },
  { title: 'Memory', fields: memoryFields },
  { title: 'Persistence', fields: persistenceFields },
  { title: 'Stats', fields: statsFields },
  { title: 'Replication', fields: replicationFields },
  { title: 'CPU', fields: cpuFields },
  { title: 'Cluster', fields: () => [['cluster_enabled', 1]] },
  { title: 'Keyspace', fields: keyspaceFields },
  { title: 'Kvorum', fields: kvorumFields },
];

const EVERYTHING = ['default', 'all', 'everything'];

/** `names` in lower case; none: all. Names that are unknown add nothing. */
export function infoText(call: Call, names: readonly string[]): string {
  // Once for all sections: it walks the whole ring.
  const status = call.store.status();
  const isAll = names.length === 0 || names.some((name) => EVERYTHING.includes(name));
  return SECTIONS.filter(({ title }) => isAll || names.includes(title.toLowerCase()))
    .map(({ title, fields }) => {
      const lines = fields(call, status).map(([name, value]) => `${name}:${value}\r\n`);
      return `# ${title}\r\n${lines.join('')}`;
    })
    .join('\r\n');
}

function serverFields({ server, store }: Call, { self }: ClusterStatus): Fields {
  const uptime = Math.max(0, Math.floor((store.wallMs() - server.startedAtMs) / 1000));
  return [
    ['redis_version', REDIS_VERSION],
    ['redis_mode', 'cluster'],
    ['os', `${platform()} ${arch()}`],
    ['arch_bits', 64],
    ['process_id', process.pid],
    ['run_id', self],
    ['tcp_port', server.port],
    ['server_time_usec', store.wallMs() * 1000],
    ['uptime_in_seconds', uptime],
    ['uptime_in_days', Math.floor(uptime / 86_400)],
  ];
}

function clientFields({ server }: Call): Fields {
  return [
    ['connected_clients', server.connectionCount()],
    ['maxclients', server.limits.connectionsMax],
    ['blocked_clients', 0],
    ['tracking_clients', 0],
  ];
}

function memoryFields(): Fields {
  const { rss, heapUsed, external } = process.memoryUsage();
  const used = heapUsed + external;
  const peak = process.resourceUsage().maxRSS * 1024;
  return [
    ['used_memory', used],
    ['used_memory_human', humanBytes(used)],
    ['used_memory_rss', rss],
    ['used_memory_rss_human', humanBytes(rss)],
    ['used_memory_peak', peak],
    ['used_memory_peak_human', humanBytes(peak)],
    ['total_system_memory', totalmem()],
    ['maxmemory', 0],
    ['maxmemory_human', '0B'],
    ['maxmemory_policy', 'noeviction'],
    ['mem_fragmentation_ratio', (rss / used).toFixed(2)],
  ];
}

/** ioredis sends nothing before it reads `loading:0`, and asks again after the seconds given. */
function persistenceFields({ server }: Call): Fields {
  const loading: Fields = [
    ['loading', 1],
    ['loading_eta_seconds', 1],
  ];
  return [
    ...(server.isReady() ? [['loading', 0] as const] : loading),
    ['rdb_changes_since_last_save', 0],
    ['rdb_bgsave_in_progress', 0],
    ['rdb_last_bgsave_status', 'ok'],
    ['aof_enabled', 1],
    ['aof_rewrite_in_progress', 0],
    ['aof_last_write_status', 'ok'],
  ];
}

function statsFields({ server: { counters } }: Call): Fields {
  return [
    ['total_connections_received', counters.connectionsAccepted],
    ['total_commands_processed', counters.commands],
    ['total_net_input_bytes', counters.bytesIn],
    ['total_net_output_bytes', counters.bytesOut],
    ['rejected_connections', counters.connectionsRefused],
    ['expired_keys', 0],
    ['evicted_keys', 0],
    ['keyspace_hits', counters.keyspaceHits],
    ['keyspace_misses', counters.keyspaceMisses],
    ['total_error_replies', counters.errorReplies],
  ];
}

/** Every node is a primary to Redis clients: see cluster-view.ts. */
function replicationFields(_: Call, { self }: ClusterStatus): Fields {
  return [
    ['role', 'master'],
    ['connected_slaves', 0],
    ['master_replid', self],
    ['master_repl_offset', 0],
  ];
}

function cpuFields(): Fields {
  const { user, system } = process.cpuUsage();
  return [
    ['used_cpu_sys', (system / 1e6).toFixed(6)],
    ['used_cpu_user', (user / 1e6).toFixed(6)],
  ];
}

/**
 * Keys of the slots that this node is asked for: tools add up the nodes, so each key must count
 * on one of them only. No other node is asked, for many clients send INFO when they connect.
 */
function keyspaceFields({ store }: Call, status: ClusterStatus): Fields {
  const own = ownSlots(status);
  return store.keyspaces.flatMap(({ number }) => {
    const keys = own.reduce((sum, slot) => sum + store.countKeysInSlot(number, slot), 0);
    return keys === 0 ? [] : [[`db${number}`, `keys=${keys},expires=0,avg_ttl=0`] as const];
  });
}

function ownSlots({ owners, self }: ClusterStatus): Slot[] {
  const slots: Slot[] = [];
  for (const { from, to, owner } of owners) {
    if (owner !== self) continue;
    for (let slot: number = from; slot <= to; slot++) slots.push(slot as Slot);
  }
  return slots;
}

function kvorumFields({ server }: Call, status: ClusterStatus): Fields {
  const { clusterId, self, epoch, members, isServing } = status;
  const own = members.find(({ id }) => id === self);
  return [
    ['kvorum_version', KVORUM_VERSION],
    ['cluster_id', clusterId],
    ['node_id', self],
    ['node_name', own?.name ?? ''],
    ['epoch', epoch],
    ['members', members.length],
    ['members_alive', members.filter(({ isAlive }) => isAlive).length],
    ['serving', isServing ? 1 : 0],
    ['redirects_sent', server.counters.moved],
  ];
}

/** `1.05M`, as Redis writes it. */
function humanBytes(bytes: number): string {
  let rest = bytes;
  for (const unit of ['B', 'K', 'M', 'G']) {
    if (rest < 1024) return unit === 'B' ? `${rest}B` : `${rest.toFixed(2)}${unit}`;
    rest /= 1024;
  }
  return `${rest.toFixed(2)}T`;
}
