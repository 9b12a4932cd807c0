// The members of a cluster, from `--cluster`, from [[members]] tables, or from the flags of a node
// that stands alone; and the names under which a cluster and its nodes know each other.
//
// The cluster id is a digest of everything that decides where a key lies. A node whose list
// differs, or a directory that was filled under another one, is thus a stranger: its keys would
// be looked for on the wrong nodes. (Membership cannot change yet; addresses can.)

import { createHash } from 'node:crypto';
import {
  type Address,
  asAddress,
  asClusterId,
  asNodeId,
  type ClusterId,
  joinAddress,
  type NodeId,
  splitAddress,
} from '../../base/ids.ts';
import type { ClusterMember, Topology } from '../../node/topology.ts';
import type { MemberTable } from './config-schema.ts';
import { badOption, type Setting } from './node-setting.ts';

/** The HTTP port stands so far behind the client port, and the peer port twice as far. */
const HTTP_OFFSET = 1_000;
const PEER_OFFSET = 2_000;
const PORT_MAX = 65_535;
/** name=host:port, and perhaps @dc or @dc/rack. */
const MEMBER = /^([^=@]+)=([^=@]+?)(?:@([^=@/]+)(?:\/([^=@/]+))?)?$/;
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

/** Parses `n1=127.0.0.1:7001,n2=127.0.0.1:7002@east/rack2`; throws BAD_OPTION. */
export function parseClusterFlag({ value, from }: Setting): MemberTable[] {
  return value.split(',').map((part) => {
    const [, name, listen, dc, rack] = MEMBER.exec(part.trim()) ?? [];
    if (name !== undefined && listen !== undefined) return { name, listen, dc, rack };
    const fix =
      'Write name=host:port for each node, with commas between: n1=127.0.0.1:7001,… ' +
      '(or name=host:port@dc/rack).';
    throw badOption(`"${part.trim()}" in ${from} is not a member`, fix);
  });
}

/** Throws BAD_OPTION for a malformed, repeated or impossible member. */
export function membersOf(
  tables: readonly MemberTable[],
  clusterName: string,
  from: string,
): ClusterMember[] {
  const members = tables.map((table) => memberOf(table, clusterName, from));
  const taken = new Map<string, string>();
  for (const { name, clientAddress, httpAddress, peerAddress } of members) {
    const claims = [`name ${name}`, ...[clientAddress, httpAddress, peerAddress].map(claimOf)];
    for (const claim of claims) {
      const other = taken.get(claim);
      if (other !== undefined) {
        const why = `${from}: the ${claim} is given twice, to ${other} and ${name}`;
        throw badOption(why, 'Give every node a name and three ports of its own.');
      }
      taken.set(claim, name);
    }
  }
  return members;
}

export function nodeIdOf(clusterName: string, name: string): NodeId {
  return asNodeId(digest(['node', clusterName, name]).slice(0, 40));
}

export function clusterIdOf(
  clusterName: string,
  { members, keyspaces }: Pick<Topology, 'members' | 'keyspaces'>,
): ClusterId {
  const places = members
    .map(({ name, host, rack, dataCenter, capacity }) => [name, host, rack, dataCenter, capacity])
    .sort(([a], [b]) => ((a as string) < (b as string) ? -1 : 1));
  const placed = keyspaces.map(({ number, n, copies }) => [number, copies ?? n] as const);
  const usual = JSON.stringify(placed.find(([number]) => number === 0)?.[1]);
  // A keyspace that lies as the default one does may come and go: no key moves.
  const copies = placed
    .filter(([number, count]) => number === 0 || JSON.stringify(count) !== usual)
    .sort(([a], [b]) => a - b);
  return asClusterId(digest(['cluster', clusterName, places, copies]).slice(0, 32));
}

function memberOf(table: MemberTable, clusterName: string, from: string): ClusterMember {
  const { name, host = name, rack = 'rack1', dc = 'dc1', capacity = 1 } = table;
  if (!NAME.test(name)) {
    const fix = 'Use letters, digits, "-", "_" and ".", at most 64.';
    throw badOption(`${from}: "${name}" cannot be the name of a node`, fix);
  }
  const clientAddress = portGiven(asAddress(table.listen), name, from);
  return {
    id: nodeIdOf(clusterName, name),
    name,
    host,
    rack,
    dataCenter: dc,
    capacity,
    clientAddress,
    httpAddress: besides(clientAddress, table.http, HTTP_OFFSET, { name, key: 'http', from }),
    peerAddress: besides(clientAddress, table.peer, PEER_OFFSET, { name, key: 'peer', from }),
  };
}

function besides(
  client: Address,
  given: string | undefined,
  offset: number,
  of: { readonly name: string; readonly key: string; readonly from: string },
): Address {
  if (given !== undefined) return portGiven(asAddress(given), of.name, of.from);
  const { host, port } = splitAddress(client);
  if (port + offset <= PORT_MAX) return joinAddress(host, port + offset);
  const why = `the ${of.key} port of ${of.name} would be ${port} + ${offset}, beyond ${PORT_MAX}`;
  throw badOption(why, `Choose a lower port, or give "${of.key}" in a [[members]] table.`);
}

function portGiven(address: Address, name: string, from: string): Address {
  if (splitAddress(address).port > 0) return address;
  const fix = 'Give a port: other nodes and clients must know it.';
  throw badOption(`${from}: ${address} of ${name} has port 0`, fix);
}

function claimOf(address: Address): string {
  return `address ${address}`;
}

function digest(parts: unknown): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
