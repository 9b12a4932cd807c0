// Everything that `kvorum start` must know, from flags, environment, file and defaults, checked
// as a whole before anything is opened.
//
// Every node must be given the same members: what is said about one node alone (--rack, --peer …)
// is therefore accepted only from a node that stands alone.

import { join } from 'node:path';
import { type Address, asAddress, splitAddress } from '../../base/ids.ts';
import type { LogLevel } from '../../host/node-log.ts';
import type { NodeOptions } from '../../node/node.ts';
import type { ClusterMember, Topology } from '../../node/topology.ts';
import type { Redirect } from '../../server/resp/server-info.ts';
import { durationMs } from '../duration.ts';
import type { ConfigFile, MemberTable } from './config-schema.ts';
import { keyspacesOf } from './keyspace-list.ts';
import { clusterIdOf, membersOf, parseClusterFlag } from './member-list.ts';
import { didYouMean } from './nearest-name.ts';
import {
  badOption,
  mergedSettings,
  NODE_SETTINGS,
  type Setting,
  type SettingName,
  type Settings,
  settingsFromEnvironment,
  settingsFromFlags,
} from './node-setting.ts';
import { type StorageOptions, storageOptions } from './storage-settings.ts';

export interface NodeConfig {
  readonly topology: Topology;
  /** This node's own entry in the topology. */
  readonly member: ClusterMember;
  readonly dataDirectory: string;
  /** Where it listens; other than what clients are told only where --listen or --http say so. */
  readonly clientBind: Address;
  readonly httpBind: Address;
  readonly storage: StorageOptions;
  /** Milliseconds between two comparisons with the other replicas. */
  readonly antiEntropyMs: number | undefined;
  readonly redirect: Redirect;
  readonly logLevel: LogLevel;
  /** How often nodes gossip, and how much silence they forgive. */
  readonly gossip: GossipName;
}

type GossipName = NonNullable<NodeOptions['gossip']>;

const REDIRECTS: readonly Redirect[] = ['auto', 'moved', 'forward'];
const GOSSIP_NAMES: readonly GossipName[] = ['loopback', 'lan', 'wan'];
const LOG_LEVELS: readonly LogLevel[] = ['info', 'warn', 'error', 'silent'];
/** What a node that stands alone says of itself, and members of a cluster say in the list. */
const LONE_SETTINGS = ['peer', 'host', 'rack', 'dc', 'capacity'] as const;
const DEFAULT_LISTEN = '127.0.0.1:7001';

/** `flags` as commander hands them over. Rejects with BAD_OPTION or IO_ERROR. */
export async function readNodeConfig(
  flags: Readonly<Record<string, unknown>>,
  environment: NodeJS.ProcessEnv,
): Promise<NodeConfig> {
  const path = (flags.config as string | undefined) ?? environment.KVORUM_CONFIG;
  const file = path === undefined ? undefined : await loadFile(path);
  const settings = mergedSettings(
    settingsFromFlags(flags),
    settingsFromEnvironment(environment),
    settingsFromFile(file, path ?? ''),
  );
  return nodeConfig(settings, file ?? {}, path ?? 'the defaults');
}

async function loadFile(path: string): Promise<ConfigFile> {
  const { readConfigFile } = await import('./config-file.ts');
  return readConfigFile(path);
}

function settingsFromFile(file: ConfigFile | undefined, path: string): Settings {
  const settings = new Map<SettingName, Setting>();
  for (const name of NODE_SETTINGS) {
    const value = file?.[name];
    if (value !== undefined)
      settings.set(name, { value: String(value), from: `${name} in ${path}` });
  }
  return settings;
}

function nodeConfig(settings: Settings, file: ConfigFile, path: string): NodeConfig {
  const text = (name: SettingName) => settings.get(name)?.value;
  const clusterName = text('cluster-name') ?? 'kvorum';
  const { tables, from } = memberTables(settings, file, path);
  const members = membersOf(tables, clusterName, from);
  const member = ownMember(members, settings.get('node-id'));
  const keyspaces = keyspacesOf(file.keyspaces ?? [], path);
  const clusterId = clusterIdOf(clusterName, { members, keyspaces });
  const config = {
    topology: { clusterId, epoch: 1, members, keyspaces },
    member,
    dataDirectory: text('data') ?? join('.kvorum', member.name),
    clientBind: bindAddress(settings.get('listen')) ?? member.clientAddress,
    httpBind: bindAddress(settings.get('http')) ?? member.httpAddress,
    storage: storageOptions(settings),
    antiEntropyMs: antiEntropyMs(settings.get('anti-entropy')),
    redirect: oneOf(settings, 'redirect', REDIRECTS) ?? 'auto',
    logLevel: oneOf(settings, 'log-level', LOG_LEVELS) ?? 'info',
    gossip: oneOf(settings, 'gossip', GOSSIP_NAMES) ?? 'lan',
  };
  if (oneOf(settings, 'insecure-no-auth', ['true', 'false']) !== 'true') refuseOpenBind(config);
  return config;
}

/** Undefined: as the node does it by itself. Throws BAD_OPTION. */
function antiEntropyMs(setting: Setting | undefined): number | undefined {
  return setting && durationMs(setting.value, setting.from);
}

interface MemberTables {
  readonly tables: readonly MemberTable[];
  /** Where they stand, for messages. */
  readonly from: string;
}

function memberTables(settings: Settings, file: ConfigFile, path: string): MemberTables {
  const cluster = settings.get('cluster');
  if (cluster === undefined && file.members === undefined) {
    return { tables: [loneMember(settings)], from: 'the settings' };
  }
  if (cluster !== undefined && file.members !== undefined) {
    const why = `the members are given twice: by ${cluster.from} and by [[members]] in ${path}`;
    throw badOption(why, 'Keep one of the two lists.');
  }
  for (const name of LONE_SETTINGS) {
    const setting = settings.get(name);
    if (setting === undefined) continue;
    const why = `${setting.from} would be known to this node only, but all must know it`;
    throw badOption(why, `Give "${name}" in the [[members]] tables of one file for all nodes.`);
  }
  if (cluster !== undefined) {
    return { tables: parseClusterFlag(cluster), from: cluster.from };
  }
  return { tables: file.members as MemberTable[], from: `[[members]] in ${path}` };
}

function loneMember(settings: Settings): MemberTable {
  const text = (name: SettingName) => settings.get(name)?.value;
  const capacity = settings.get('capacity');
  return {
    name: text('node-id') ?? 'n1',
    listen: text('listen') ?? DEFAULT_LISTEN,
    http: text('http'),
    peer: text('peer'),
    host: text('host'),
    rack: text('rack'),
    dc: text('dc'),
    capacity: capacity === undefined ? undefined : capacityFrom(capacity),
  };
}

function capacityFrom({ value, from }: Setting): number {
  const capacity = Number(value);
  if (capacity > 0 && Number.isFinite(capacity)) return capacity;
  throw badOption(`${from} is "${value}", not a number above 0`, 'Give 1 to an ordinary server.');
}

function ownMember(members: readonly ClusterMember[], id: Setting | undefined): ClusterMember {
  const names = members.map(({ name }) => name);
  if (id === undefined) {
    if (members.length === 1) return members[0] as ClusterMember;
    const why = `which of ${names.join(', ')} is this node?`;
    throw badOption(why, `Say --node-id ${names[0]} (or one of the others).`);
  }
  const own = members.find(({ name }) => name === id.value);
  if (own !== undefined) return own;
  const why = `${id.from} is "${id.value}", which is not in the list of members`;
  throw badOption(why, didYouMean(id.value, names));
}

function bindAddress(setting: Setting | undefined): Address | undefined {
  return setting === undefined ? undefined : asAddress(setting.value);
}

function oneOf<Choice extends string>(
  settings: Settings,
  name: SettingName,
  choices: readonly Choice[],
): Choice | undefined {
  const setting = settings.get(name);
  if (setting === undefined) return undefined;
  const choice = choices.find((each) => each === setting.value);
  if (choice !== undefined) return choice;
  throw badOption(
    `${setting.from} cannot be "${setting.value}"`,
    didYouMean(setting.value, choices),
  );
}

function refuseOpenBind(config: Pick<NodeConfig, 'clientBind' | 'httpBind' | 'member'>): void {
  for (const address of [config.clientBind, config.httpBind, config.member.peerAddress]) {
    if (isLoopback(splitAddress(address).host)) continue;
    const why = `${address} is reachable from other machines, and there is no authentication yet`;
    const fix = 'Keep to 127.0.0.1, or add --insecure-no-auth if a firewall guards this network.';
    throw badOption(why, fix);
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}
