// The composition root: one node on the real machine, with its two doors.
//
//   doors listen ("starting") → data directory, peers → the others are heard: "ready"
//   SIGTERM: doors drain → node closes → exit 0      a second signal: exit at once
//
// Crash-only: whatever nobody caught ends the process with exit code 1. A node that goes on after
// a bug in an unknown state is worse than one that restarts, and the restart is well tested.

import { messageOf } from '../base/errors.ts';
import type { Host, Log } from '../host/host.ts';
import { nodeClock } from '../host/node-clock.ts';
import { openNodeDisk } from '../host/node-disk.ts';
import { nodeJobs } from '../host/node-jobs.ts';
import { nodeLog } from '../host/node-log.ts';
import { nodeRandom } from '../host/node-random.ts';
import { tcpNetwork } from '../host/tcp-network.ts';
import { type Node, startNode } from '../node/node.ts';
import { PlacedTopology } from '../node/topology.ts';
import { type HttpServer, startHttpServer } from '../server/http/http-server.ts';
import type { Stage } from '../server/http/node-view.ts';
import { type RespServer, startRespServer } from '../server/resp/resp-server.ts';
import { STORAGE_JOBS } from '../storage/storage-jobs.ts';
import type { NodeConfig } from './config/node-config.ts';
import { LateStore } from './late-store.ts';
import { guestJobs, tryMerges } from './merge-candidates.ts';
import { explainForeignDirectory } from './node-directory.ts';
import { printData, printJson } from './output.ts';

export interface RunOptions {
  readonly asJson: boolean;
  /** Stop when the IPC channel to the parent closes: `kvorum dev` must leave no orphans. */
  readonly stopsWithParent: boolean;
}

/**
 * A node that begins to serve before it has heard everybody would show clients a ring with holes
 * where living members are. But one may be down: after a while a quorum of every slot is enough,
 * and after a longer one the node serves the slots that do have a quorum.
 */
const EVERYBODY_WAIT_MS = 2_000;
const QUORUM_WAIT_MS = 5_000;
const POLL_MS = 10;

/** Resolves when the node was closed by a signal; rejects when it could not start. */
export async function runNode(config: NodeConfig, options: RunOptions): Promise<void> {
  const log = nodeLog(config.logLevel);
  crashOnBugs(log);
  const running = new NodeProcess(config, log);
  const stopped = untilStopped(log, options.stopsWithParent);
  try {
    await running.open();
    await Promise.race([running.untilServing(), stopped]);
    if (running.stage === 'serving') announce(config, options.asJson);
    await stopped;
  } finally {
    await running.close();
  }
}

class NodeProcess {
  stage: Stage = 'starting';
  readonly #config: NodeConfig;
  readonly #host: Omit<Host, 'disk'>;
  readonly #store: LateStore;
  #resp: RespServer | undefined;
  #http: HttpServer | undefined;

  constructor(config: NodeConfig, log: Log) {
    const clock = nodeClock();
    this.#config = config;
    const jobs = nodeJobs({ directory: config.dataDirectory, modules: STORAGE_JOBS });
    const guests = guestJobs();
    this.#host = { clock, log, random: nodeRandom(), network: tcpNetwork({ log }), jobs, guests };
    this.#store = new LateStore(config.topology, config.member, () => clock.wallMs());
  }

  /** Merge functions and ports first: where one cannot be used, nothing is written to the disk. */
  async open(): Promise<void> {
    const { topology, member, dataDirectory, storage, antiEntropyMs, gossip } = this.#config;
    const merges = topology.keyspaces.flatMap(({ merge }) => merge ?? []);
    await tryMerges(this.#host.guests, merges);
    await this.#openDoors();
    try {
      const disk = await openNodeDisk(dataDirectory);
      const placed = new PlacedTopology(topology);
      const options = { topology: placed, self: member.id, storage, antiEntropyMs, gossip };
      this.#store.node = await startNode({ ...this.#host, disk }, options);
    } catch (error) {
      throw explainForeignDirectory(error, dataDirectory);
    }
  }

  async untilServing(): Promise<void> {
    const { clock } = this.#host;
    const openedMs = clock.monotonicMs();
    while (this.stage === 'starting' && !this.#mayServe(clock.monotonicMs() - openedMs)) {
      await new Promise<void>((resolve) => clock.after(POLL_MS, resolve));
    }
    if (this.stage !== 'starting') return;
    this.stage = 'serving';
    await this.#http?.measure();
  }

  async close(): Promise<void> {
    this.stage = 'stopping';
    // The clock of a node keeps no process alive, and now nothing else does: see to the end.
    const awake = setInterval(() => undefined, 1_000);
    try {
      await Promise.allSettled([this.#resp?.close(), this.#http?.close()]);
      await this.#store.node?.close();
      await Promise.all([this.#host.jobs.close(), this.#host.guests.close()]);
    } finally {
      clearInterval(awake);
    }
  }

  #mayServe(waitedMs: number): boolean {
    const node = this.#store.node;
    if (node === undefined) return false;
    const { membersAlive, members, slotsRefilling } = node.metrics();
    // A new cluster is full as soon as its nodes have compared their empty slots.
    if (membersAlive === members && slotsRefilling === 0) return true;
    if (waitedMs < EVERYBODY_WAIT_MS) return false;
    if (membersAlive === members) return true;
    const missing = members - membersAlive;
    if (node.isReady()) {
      this.#host.log.warn('serving while members are missing', { missing });
      return true;
    }
    if (waitedMs < QUORUM_WAIT_MS) return false;
    this.#host.log.warn('serving without a quorum for every slot', { missing });
    return true;
  }

  async #openDoors(): Promise<void> {
    const { clientBind, httpBind, member, redirect } = this.#config;
    const { clock, log } = this.#host;
    const isReady = () => this.stage !== 'starting';
    const store = this.#store;
    const resp = await startRespServer({
      address: clientBind,
      store,
      clock,
      log,
      redirect,
      isReady,
    });
    this.#resp = resp;
    const running = (): Node | undefined => store.node;
    const view = { name: member.name, stage: () => this.stage, running, store, resp };
    this.#http = await startHttpServer({ address: httpBind, view, log });
  }
}

/** Resolves at the first signal, or when the parent is gone; a second signal ends the process. */
function untilStopped(log: Log, stopsWithParent: boolean): Promise<void> {
  return new Promise((resolve) => {
    let signals = 0;
    const onSignal = (signal: NodeJS.Signals) => {
      signals += 1;
      if (signals > 1) process.exit(1);
      log.info('stopping', { signal });
      resolve();
    };
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, onSignal);
    if (!stopsWithParent) return;
    process.on('disconnect', () => {
      log.info('stopping', { why: 'the parent process is gone' });
      resolve();
    });
    process.channel?.unref();
  });
}

function crashOnBugs(log: Log): void {
  const crash = (error: unknown) => {
    const stack = error instanceof Error ? error.stack : undefined;
    log.error('crash', { why: messageOf(error), stack });
    process.exit(1);
  };
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);
}

function announce({ member }: NodeConfig, asJson: boolean): void {
  const { name, clientAddress, httpAddress, peerAddress } = member;
  if (asJson) printJson({ event: 'ready', node: name, clientAddress, httpAddress, peerAddress });
  else printData(`ready ${name} redis://${clientAddress} http://${httpAddress}\n`);
}
