// Real node processes for tests: `kvorum start` several times on free loopback ports, each with a
// data directory of its own under one temporary directory.
//
//   test('…', async (t) => {
//     const cluster = await startCluster({ nodes: 3, owner: t });   // ready when it resolves
//     const redis = await cluster.connect(0);
//     await cluster.kill(1);                             // SIGKILL unless said otherwise
//     await cluster.restart(1);
//   });                                                  // stopped, even when it failed
//
// Only processes that were started here are ever ended, by their pid. They end with this process
// too, however it ends: over the IPC channel, and at the latest in its exit handler.

import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Address, joinAddress } from '../src/base/ids.ts';
import { firstTakenPort } from '../src/cli/dev/free-port.ts';
import { type ConnectionOptions, RespConnection } from '../src/client/resp-connection.ts';

const PROGRAM = fileURLToPath(new URL('../src/cli/kvorum.ts', import.meta.url));
const HTTP_OFFSET = 1_000;
const PEER_OFFSET = 2_000;
const READY_MS_MAX = 30_000;
const LOG_LINES_SHOWN = 20;

export interface ClusterOptions extends NodeFlags {
  readonly nodes: number;
  /** Where each node runs; on the loopback address of this machine. */
  readonly sites?: readonly NodeSite[];
  /** The data center of each node; all in one without it. */
  readonly dataCenters?: readonly string[];
  /** Of the configuration file: keyspaces. */
  readonly configuration?: string;
  /** Stops the cluster when this test is over. Without it the caller calls stop(). */
  readonly owner?: TestContext;
}

interface NodeFlags {
  /** For every `kvorum start`, beside name, data and members. */
  readonly flags?: readonly string[];
  /** For the Node.js that runs each of them: `--max-old-space-size=64`. */
  readonly runtimeFlags?: readonly string[];
  /** For the process, beside the environment of this one. */
  readonly env?: Readonly<Record<string, string>>;
  /** A node that is not ready by then has failed; 30 s. */
  readonly readyMsMax?: number;
}

/** A place of its own: see test/network-lab.ts. */
export interface NodeSite {
  /** Of its client and HTTP ports. */
  readonly host: string;
  /** Of its peer port. */
  readonly peerHost: string;
  /** The command that runs another one there: `ip netns exec …`. */
  readonly launcher: readonly string[];
  /** Of its data; a temporary one. */
  readonly directory?: string;
}

const HERE: NodeSite = { host: '127.0.0.1', peerHost: '127.0.0.1', launcher: [] };

export interface RunningCluster {
  readonly nodes: readonly RunningNode[];
  /** Holds the data directories; removed by stop(). */
  readonly directory: string;
  /** Resolves when the process is gone. */
  kill(index: number, signal?: NodeJS.Signals): Promise<void>;
  /** Starts a node that has ended, on its ports and data; resolves when it is ready. */
  restart(index: number): Promise<void>;
  /** A connection to the Redis port of a node. */
  connect(index: number, options?: ConnectionOptions): Promise<RespConnection>;
  /** Ends every process and removes the data. */
  stop(): Promise<void>;
}

const living = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

export class RunningNode {
  readonly name: string;
  readonly port: number;
  readonly httpPort: number;
  readonly peerPort: number;
  readonly directory: string;
  readonly site: NodeSite;
  readonly #flags: readonly string[];
  readonly #runtimeFlags: readonly string[];
  readonly #env: Readonly<Record<string, string>>;
  readonly #readyMsMax: number;
  #process: ChildProcess | undefined;
  #log = '';

  constructor(name: string, port: number, directory: string, options: NodeFlags, site = HERE) {
    this.name = name;
    this.site = site;
    this.port = port;
    this.httpPort = port + HTTP_OFFSET;
    this.peerPort = port + PEER_OFFSET;
    this.directory = site.directory ?? join(directory, name);
    this.#flags = ['--node-id', name, '--data', this.directory, ...(options.flags ?? [])];
    this.#runtimeFlags = options.runtimeFlags ?? [];
    this.#env = options.env ?? {};
    this.#readyMsMax = options.readyMsMax ?? READY_MS_MAX;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** What it logged since its last start. */
  get log(): string {
    return this.#log;
  }

  get httpUrl(): string {
    return `http://${this.site.host}:${this.httpPort}`;
  }

  get url(): string {
    return `redis://${this.address}`;
  }

  /** For Redis clients. */
  get address(): Address {
    return joinAddress(this.site.host, this.port);
  }

  /** Resolves when the process says that it is ready. */
  async start(): Promise<void> {
    const program = [process.execPath, ...this.#runtimeFlags, PROGRAM];
    const start = ['start', ...this.#flags, '--stop-with-parent'];
    const [command = '', ...args] = [...this.site.launcher, ...program, ...start];
    const child = spawn(command, args, {
      env: { ...cleanEnvironment(), ...this.#env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#process = child;
    this.#log = '';
    living.add(child);
    child.once('close', () => living.delete(child));
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      this.#log += chunk;
    });
    const late = AbortSignal.timeout(this.#readyMsMax);
    const ready = once(child.stdout as NodeJS.ReadableStream, 'data', { signal: late });
    const ended = once(child, 'close', { signal: late }).then(([code, signal]) => {
      throw new Error(`${this.name} ended (${code ?? signal})`);
    });
    // Whichever comes second has no news for anyone.
    ended.catch(() => undefined);
    try {
      await Promise.race([ready, ended]);
    } catch (cause) {
      const tail = this.#log.trimEnd().split('\n').slice(-LOG_LINES_SHOWN).join('\n');
      throw new Error(`${this.name} did not get ready; it said last:\n${tail}`, { cause });
    }
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    if (child === undefined || !living.has(child)) return;
    const closed = once(child, 'close');
    child.kill(signal);
    await closed;
  }
}

/** Resolves when every node is ready. */
export async function startCluster(options: ClusterOptions): Promise<RunningCluster> {
  const directory = await mkdtemp(join(tmpdir(), 'kvorum-cluster-'));
  const first = await freePorts(options.nodes);
  const config = join(directory, 'kvorum.toml');
  const exposure = options.sites === undefined ? [] : ['--insecure-no-auth'];
  const flags = ['--config', config, ...exposure, ...(options.flags ?? [])];
  const nodes = Array.from({ length: options.nodes }, (_, i) => {
    const site = options.sites?.[i];
    return new RunningNode(`n${i + 1}`, first + i, directory, { ...options, flags }, site);
  });
  const { configuration = '', dataCenters } = options;
  const tables = nodes.map((each, index) => memberTable(each, dataCenters?.[index]));
  await writeFile(config, [...tables, configuration].join('\n'));
  const node = (index: number) => nodes[index] as RunningNode;
  const cluster: RunningCluster = {
    nodes,
    directory,
    kill: (index, signal = 'SIGKILL') => node(index).kill(signal),
    restart: (index) => node(index).start(),
    connect: (index, how) => RespConnection.open(node(index).address, how),
    async stop() {
      await Promise.all(nodes.map((each) => each.kill('SIGKILL')));
      await rm(directory, { recursive: true, force: true });
    },
  };
  options.owner?.after(() => cluster.stop());
  try {
    await Promise.all(nodes.map((each) => each.start()));
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return cluster;
}

function memberTable(node: RunningNode, dc = 'dc1'): string {
  const { name, address, httpPort, peerPort, site } = node;
  const http = joinAddress(site.host, httpPort);
  const peer = joinAddress(site.peerHost, peerPort);
  const settings = { name, listen: address, http, peer, dc };
  const lines = Object.entries(settings).map(([setting, value]) => `${setting} = "${value}"\n`);
  return `[[members]]\n${lines.join('')}`;
}

/** The first of `nodes` ports in a row that are free, with those for HTTP and for peers. */
export async function freePorts(nodes: number): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    // Below the range from which the kernel takes the ports of outgoing connections.
    const first = randomInt(12_000, 28_000);
    const ports = Array.from({ length: nodes }, (_, i) => first + i);
    const all = ports.flatMap((port) => [port, port + HTTP_OFFSET, port + PEER_OFFSET]);
    if ((await firstTakenPort(all)) === undefined) return first;
  }
  throw new Error('no free ports');
}

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandInput {
  readonly stdin?: string | Buffer;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Runs `kvorum …args` to its end; after 20 seconds it is killed, and `code` is null. */
export async function runKvorum(
  args: readonly string[],
  { stdin = '', env = {}, cwd }: CommandInput = {},
): Promise<CommandResult> {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    env: { ...cleanEnvironment(), ...env },
    cwd,
    timeout: 20_000,
    killSignal: 'SIGKILL',
  });
  living.add(child);
  child.stdin.on('error', () => undefined); // it may end before it has read everything
  child.stdin.end(stdin);
  const closed = once(child, 'close');
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = await closed;
  living.delete(child);
  return { code, stdout, stderr };
}

export function addressOf(port: number): Address {
  return joinAddress('127.0.0.1', port);
}

/** Settings of whoever runs the tests are not meant for the nodes of the tests. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const isOurs = ([name]: [string, unknown]) => name.startsWith('KVORUM_');
  const entries = Object.entries(process.env).filter((entry) => !isOurs(entry));
  return { ...Object.fromEntries(entries), NO_COLOR: '1' };
}
