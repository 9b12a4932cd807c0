// Where the nodes of a development cluster listen and keep their data:
//
//   node i:  Redis protocol on port + i - 1,  HTTP 1000 above,  peers 2000 above,  DIR/n<i>
//
// What could go wrong is found out before anything starts: taken ports, and a directory that a
// cluster of another size has filled.

import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { KvorumError } from '../../base/errors.ts';
import { type Address, joinAddress, splitAddress } from '../../base/ids.ts';
import { badOption } from '../config/node-setting.ts';
import { firstTakenPort } from './free-port.ts';

export interface DevLayout {
  readonly directory: string;
  readonly nodes: readonly DevNode[];
}

export interface DevNode {
  readonly name: string;
  /** Undefined: they are all in one. */
  readonly dataCenter: string | undefined;
  readonly directory: string;
  readonly clientAddress: Address;
  readonly httpAddress: Address;
  readonly peerAddress: Address;
}

/** More would be one slow machine, not a cluster. */
const NODES_MAX = 16;
const HTTP_OFFSET = 1_000;
const PEER_OFFSET = 2_000;
const PORT_MAX = 65_535 - PEER_OFFSET - NODES_MAX;
const HOST = '127.0.0.1';

export interface DevWishes {
  readonly nodes: string;
  readonly port: string;
  readonly data: string;
  /** Names of data centers with commas between: the first nodes stand in the first of them. */
  readonly dcs?: string;
}

/** Throws BAD_OPTION. */
export function devLayout({ nodes, port, data: directory, dcs }: DevWishes): DevLayout {
  const count = integerBetween(nodes, '--nodes', 1, NODES_MAX);
  const first = integerBetween(port, '--port', 1, PORT_MAX);
  const dataCenters = dcs?.split(',') ?? [];
  if (dataCenters.length > count) {
    const why = `--dcs names ${dataCenters.length} data centers for ${count} nodes`;
    throw badOption(why, 'Give at least as many --nodes, so that each of them has one.');
  }
  return {
    directory,
    nodes: Array.from({ length: count }, (_, i) => ({
      name: `n${i + 1}`,
      dataCenter: dataCenters[Math.floor((i * dataCenters.length) / count)],
      directory: join(directory, `n${i + 1}`),
      clientAddress: joinAddress(HOST, first + i),
      httpAddress: joinAddress(HOST, first + i + HTTP_OFFSET),
      peerAddress: joinAddress(HOST, first + i + PEER_OFFSET),
    })),
  };
}

export function clusterFlag({ nodes }: DevLayout): string {
  const member = ({ name, clientAddress, dataCenter }: DevNode) => {
    return `${name}=${clientAddress}${dataCenter === undefined ? '' : `@${dataCenter}`}`;
  };
  return nodes.map(member).join(',');
}

/** Rejects with PORT_IN_USE. */
export async function checkPorts({ nodes }: DevLayout): Promise<void> {
  const addresses = nodes.flatMap((node) => [
    node.clientAddress,
    node.httpAddress,
    node.peerAddress,
  ]);
  const taken = await firstTakenPort(addresses.map((address) => splitAddress(address).port));
  if (taken === undefined) return;
  const [{ clientAddress }] = nodes as readonly [DevNode];
  const other = splitAddress(clientAddress).port + 100;
  const message = `port ${taken} is in use`;
  const fix = `Stop what listens there (another kvorum dev?), or: kvorum dev --port ${other}`;
  throw new KvorumError('PORT_IN_USE', message, fix);
}

/** Throws FOREIGN_DIRECTORY when the directory holds another number of nodes. */
export function checkDirectory({ directory, nodes }: DevLayout): void {
  const found = nodeDirectoriesIn(directory).length;
  if (found === 0 || found === nodes.length) return;
  const message = `${directory} holds a cluster of ${found} nodes, not ${nodes.length}`;
  const fix =
    `Keep to --nodes ${found}, or erase it with --fresh, or give another --data. ` +
    '(Membership cannot change yet.)';
  throw new KvorumError('FOREIGN_DIRECTORY', message, fix);
}

/** Removes the data of the nodes, and nothing else that lies beside it. */
export function erase({ directory }: DevLayout): void {
  for (const name of nodeDirectoriesIn(directory)) {
    rmSync(join(directory, name), { recursive: true });
  }
}

function nodeDirectoriesIn(directory: string): string[] {
  try {
    return readdirSync(directory).filter((name) => /^n[1-9]\d*$/.test(name));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    const fix = 'Give a directory that you may read and write with --data.';
    throw new KvorumError('IO_ERROR', `cannot read ${directory}`, fix, error);
  }
}

function integerBetween(text: string, option: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  const message = `${option} is "${text}", not a number from ${least} to ${most}`;
  throw badOption(message, `Give a number from ${least} to ${most}.`);
}
