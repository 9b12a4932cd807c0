// `kill -9` of all three nodes at once under load, restart on the same directories, and every
// acknowledged write is there; again and again. `npm run kill -- --rounds 20` prints a line for
// each round and exits with 1 as soon as something is lost; `npm test` runs a few rounds.
//
// The moment is a matter of dice: after some acknowledged write, and then some milliseconds. Every
// other round kills the nodes once more while they start, for recovery must bear that too. What is
// verified is the whole history: a loss that shows two rounds later is a loss.

import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { type RunningCluster, type RunningNode, startCluster } from './cluster-fixture.ts';
import { Ledger } from './ledger.ts';
import { Load, wrongThrough } from './load.ts';
import { metricsOf } from './node-metrics.ts';

export interface RoundFigures {
  readonly round: number;
  readonly acknowledged: number;
  /** Writes whose fate was open when the nodes died. */
  readonly open: number;
  /** What should be readable and is not, or the reverse. */
  readonly wrong: readonly string[];
  /** Answers other than "done" or a broken connection. */
  readonly errors: readonly string[];
  /** From the first start to the last node that is ready. */
  readonly restartMs: number;
  /** Torn ends of the logs, cut at the restart. */
  readonly cutBytes: number;
}

const NODES = [0, 1, 2];
/** Each node with a writer of its own, and three that go round. */
const WRITERS = [[0], [1], [2], NODES, [1, 2, 0], [2, 1, 0]];
const ACKNOWLEDGED_MAX = 2_500;
const DELAY_MS_MAX = 30;
const KILLED_TWICE_EVERY = 2;
/** A node that starts is ready after some 500 ms. */
const START_MS_MAX = 800;
const BROKEN = /^cannot talk to /;

export interface RoundOptions {
  readonly rounds: number;
  /** While all nodes are dead: for a canary. */
  readonly sabotage?: () => Promise<void>;
}

/** Stops after the first round in which something was wrong. */
export async function* killAllRounds(
  cluster: RunningCluster,
  { rounds, sabotage }: RoundOptions,
): AsyncGenerator<RoundFigures> {
  const ledger = new Ledger();
  for (let round = 1; round <= rounds; round++) {
    const figures = await killAllOnce(cluster, ledger, round, sabotage);
    yield figures;
    if (figures.wrong.length > 0) return;
  }
}

async function killAllOnce(
  cluster: RunningCluster,
  ledger: Ledger,
  round: number,
  sabotage?: () => Promise<void>,
): Promise<RoundFigures> {
  const before = { ...ledger.counts };
  const load = new Load({ cluster, ledger, writers: WRITERS, readers: NODES });
  await load.more(randomInt(1, ACKNOWLEDGED_MAX));
  await someTime(DELAY_MS_MAX);
  const killed = killAll(cluster);
  await load.stop();
  await killed;
  if (round % KILLED_TWICE_EVERY === 0) await killWhileStarting(cluster);
  await sabotage?.();

  const startedAt = performance.now();
  await Promise.all(NODES.map((node) => cluster.restart(node)));
  const restartMs = performance.now() - startedAt;
  const wrong = await Promise.all(NODES.map((node) => wrongThrough(cluster, node, ledger)));
  const errors = load.complaints.filter(({ text }) => !BROKEN.test(text));
  return {
    round,
    acknowledged: ledger.counts.acknowledged - before.acknowledged,
    open: ledger.counts.open - before.open,
    wrong: [...load.lies, ...wrong.flat()],
    errors: errors.map(({ text }) => text),
    restartMs,
    cutBytes: await cutBytes(cluster),
  };
}

async function killAll(cluster: RunningCluster): Promise<void> {
  await Promise.all(NODES.map((node) => cluster.kill(node)));
}

async function killWhileStarting(cluster: RunningCluster): Promise<void> {
  const starts = Promise.allSettled(NODES.map((node) => cluster.restart(node)));
  await someTime(START_MS_MAX);
  await killAll(cluster);
  await starts;
}

function someTime(msMax: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, randomInt(msMax)));
}

async function cutBytes(cluster: RunningCluster): Promise<number> {
  const cut = cluster.nodes.map(async (node: RunningNode) => {
    return (await metricsOf(node))('kvorum_engine_cut_bytes');
  });
  return (await Promise.all(cut)).reduce((sum, bytes) => sum + bytes, 0);
}

function lineOf({ round, acknowledged, open, wrong, errors, ...rest }: RoundFigures): string {
  const figures = [
    `round ${String(round).padStart(3)}`,
    `${String(acknowledged).padStart(5)} acknowledged`,
    `${String(open).padStart(3)} open`,
    `${wrong.length} wrong`,
    `${errors.length} errors`,
    `ready again in ${rest.restartMs.toFixed(0).padStart(4)} ms`,
    `${rest.cutBytes} bytes cut`,
  ];
  const details = [...wrong, ...new Set(errors)].map((text) => `  ${text}\n`);
  return `${figures.join(' · ')}\n${details.join('')}`;
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { rounds: { type: 'string', default: '20' } } });
  const cluster = await startCluster({ nodes: NODES.length });
  let acknowledged = 0;
  let wrong = 0;
  const restartsMs: number[] = [];
  try {
    for await (const figures of killAllRounds(cluster, { rounds: Number(values.rounds) })) {
      process.stdout.write(lineOf(figures));
      acknowledged += figures.acknowledged;
      wrong += figures.wrong.length;
      restartsMs.push(figures.restartMs);
    }
  } finally {
    await cluster.stop();
  }
  const slowest = Math.max(...restartsMs).toFixed(0);
  const mean = (restartsMs.reduce((sum, ms) => sum + ms, 0) / restartsMs.length).toFixed(0);
  process.stdout.write(
    `${restartsMs.length} rounds: ${acknowledged} acknowledged, ${wrong} wrong; ` +
      `ready again in ${mean} ms on average, ${slowest} ms at most\n`,
  );
  process.exitCode = wrong === 0 ? 0 : 1;
}

// Also when bin/run.js, which chooses the runtime, imports it.
if (process.argv[1] === import.meta.filename) await main();
