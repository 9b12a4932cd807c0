// More data than memory: a cluster of three real nodes takes millions of keys through the Redis
// protocol, one of them is killed with `kill -9` in the middle of a compaction and comes back
// under load, is killed again when all is written, and then every key is read through every node
// and held against its checksum.
//
//   npm run load -- --keys 5000000                  the whole thing; 1 when anything was wrong
//   npm run load -- --keys 200000 --memory 12mb     a small one
//   npm run load -- --write                         what it found, into docs/figures.md
//
// The nodes get little memory (`--memory`, and what README says of small nodes), and the peak of
// each process is held against a cap well below its data. The page cache of the system is not
// theirs: to bound that too, run the whole in a control group, for example under
// `systemd-run --user --scope -p MemoryMax=2G`.
//
// "In the middle of a compaction" is seen twice: the node says that one is under way, and when it
// is dead, half-written tables lie in its directory. When it was too fast, it is killed again.

import { randomInt } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { FiguresPage } from '../bench/figures-page.ts';
import { showProgress } from '../bin/progress.js';
import { openNodeDisk } from '../src/host/node-disk.ts';
import { silentLog } from '../src/host/node-log.ts';
import { checkDirectory } from '../src/storage/directory-check.ts';
import { linesOf, mistakesOf } from './big-load-report.ts';
import { BulkKeys } from './bulk-keys.ts';
import { BulkLoad, type Verdict, verifyThrough } from './bulk-load.ts';
import { type RunningCluster, type RunningNode, startCluster } from './cluster-fixture.ts';
import { metricsOf } from './node-metrics.ts';
import { processMemory } from './process-memory.ts';
import { until } from './until.ts';

export interface BigLoadOptions {
  readonly keys: number;
  readonly valueBytes: number;
  readonly seed: number;
  /** Between two looks whether a compaction is under way. */
  readonly lookEveryMs: number;
  /** Shows how far it is, as bin/progress.js does. */
  readonly progress?: Progress;
}

type Progress = (title: string, describe: () => string) => (lastWord: string) => void;

export interface BigLoadFigures {
  readonly writesPerSecond: number;
  readonly readsPerSecond: number;
  /** What clients were told meanwhile, by error word. */
  readonly errors: Readonly<Record<string, number>>;
  readonly kill: Kill;
  /** Of the victim, under load, and at the end with everything on its disk. */
  readonly restartMs: readonly [underLoad: number, atTheEnd: number];
  /** By node. */
  readonly verdicts: readonly Verdict[];
  readonly peakBytes: readonly number[];
  readonly diskBytes: readonly number[];
  readonly flushes: readonly number[];
  readonly compactions: readonly number[];
}

interface Kill {
  /** How often it took to meet a compaction half done. */
  readonly kills: number;
  readonly keysBefore: number;
  readonly halfWrittenTables: number;
  /** What `kvorum doctor` finds damaged in the directory that was left. */
  readonly damage: readonly string[];
}

const VICTIM = 1;
/** Some compactions deep into the load, and with most of it still to come. */
const KILL_AFTER_SHARE = 0.4;
const KILLS_MAX = 10;
/** The largest load takes minutes; without a compaction in such a time something is wrong. */
const LOAD_MS_MAX = 3_600_000;
const RUNNING = 'kvorum_engine_compactions_running';

/** `cluster` is three nodes that are ready and empty. */
export async function runBigLoad(
  cluster: RunningCluster,
  options: BigLoadOptions,
): Promise<BigLoadFigures> {
  const { keys: count, progress = silent } = options;
  const keys = new BulkKeys({ ...options, count });
  const ports = cluster.nodes.map(({ port }) => port);
  const load = new BulkLoad(keys, ports);
  const peaks = new PeakMemory(cluster);
  const tell = progress('load', () => `${load.acknowledged.toLocaleString('en')} keys`);
  const fromMs = performance.now();
  load.isHeldOpen = true;
  const written = load.write();
  const isFarEnough = () => load.acknowledged >= count * KILL_AFTER_SHARE;
  await until('the load is far enough', isFarEnough, { msMax: LOAD_MS_MAX });
  const kill = await killInCompaction(cluster, peaks, options, () => load.acknowledged);
  const underLoadMs = await restart(cluster);
  load.isHeldOpen = false;
  await written;
  const writesPerSecond = (load.acknowledged * 1000) / (performance.now() - fromMs);
  tell(`${load.acknowledged.toLocaleString('en')} keys`);
  const counts = await countsOf(cluster);
  peaks.look();
  await cluster.kill(VICTIM);
  const atTheEndMs = await restart(cluster);
  const { verdicts, perSecond } = await verifyAll(ports, keys, progress);
  peaks.look();
  return {
    writesPerSecond,
    readsPerSecond: perSecond,
    errors: load.errors,
    kill,
    restartMs: [underLoadMs, atTheEndMs],
    verdicts,
    peakBytes: peaks.bytes,
    ...counts,
  };
}

/** The victim is dead when it resolves, and was in the middle of a compaction. */
async function killInCompaction(
  cluster: RunningCluster,
  peaks: PeakMemory,
  { lookEveryMs }: BigLoadOptions,
  acknowledged: () => number,
): Promise<Kill> {
  const victim = cluster.nodes[VICTIM] as RunningNode;
  for (let kills = 1; ; kills++) {
    const isCompacting = async () => (await metricsOf(victim))(RUNNING) > 0;
    await until('a compaction runs', isCompacting, { everyMs: lookEveryMs, msMax: LOAD_MS_MAX });
    peaks.look();
    const keysBefore = acknowledged();
    await cluster.kill(VICTIM);
    const { findings } = await doctor(victim);
    const halfWrittenTables = findings.filter(
      ({ file, verdict }) => verdict === 'leftover' && file.endsWith('.kvtable'),
    ).length;
    const damage = findings
      .filter(({ verdict }) => verdict === 'damaged')
      .map(({ file, what }) => `${file}: ${what}`);
    if (halfWrittenTables > 0 || damage.length > 0 || kills === KILLS_MAX) {
      return { kills, keysBefore, halfWrittenTables, damage };
    }
    await cluster.restart(VICTIM);
  }
}

async function doctor({ directory }: RunningNode) {
  return checkDirectory({ disk: await openNodeDisk(directory), log: silentLog });
}

async function restart(cluster: RunningCluster): Promise<number> {
  const fromMs = performance.now();
  await cluster.restart(VICTIM);
  return performance.now() - fromMs;
}

async function verifyAll(ports: readonly number[], keys: BulkKeys, progress: Progress) {
  const fromMs = performance.now();
  const verdicts: Verdict[] = [];
  for (const [node, port] of ports.entries()) {
    let done = 0;
    const tell = progress(`verify through n${node + 1}`, () => done.toLocaleString('en'));
    verdicts.push(
      await verifyThrough(port, keys, (count) => {
        done = count;
      }),
    );
    tell(`${done.toLocaleString('en')} keys`);
  }
  const seconds = (performance.now() - fromMs) / 1000;
  return { verdicts, perSecond: (keys.count * ports.length) / seconds };
}

async function countsOf({ nodes }: RunningCluster) {
  const samples = await Promise.all(nodes.map((node) => metricsOf(node)));
  return {
    flushes: samples.map((sample) => sample('kvorum_engine_flushes_total')),
    compactions: samples.map((sample) => sample('kvorum_engine_compactions_total')),
    diskBytes: await Promise.all(nodes.map(({ directory }) => bytesUnder(directory))),
  };
}

async function bytesUnder(directory: string): Promise<number> {
  const names = await readdir(directory);
  const sizes = names.map(async (name) => {
    // A compaction may have removed it just now.
    const found = await stat(join(directory, name)).catch(() => undefined);
    return found?.size ?? 0;
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** The most that each node's process ever had resident, over all its lives. */
class PeakMemory {
  readonly bytes: number[];
  readonly #nodes: readonly RunningNode[];

  constructor({ nodes }: RunningCluster) {
    this.#nodes = nodes;
    this.bytes = nodes.map(() => 0);
  }

  /** Before a process dies: the kernel forgets with it. */
  look(): void {
    for (const [index, { pid }] of this.#nodes.entries()) {
      const peak = processMemory(pid)?.peakBytes ?? Number.NaN;
      this.bytes[index] = Math.max(this.bytes[index] as number, peak);
    }
  }
}

/** glibc gives back what is free from 128 KiB on, as it does until it learns otherwise. */
const THRIFTY_MALLOC = { MALLOC_TRIM_THRESHOLD_: '131072' };

const silent: Progress = () => () => undefined;

const TITLE = 'More data than memory, and a kill in the middle of a compaction';

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      keys: { type: 'string', default: '5000000' },
      'value-bytes': { type: 'string', default: '100' },
      memory: { type: 'string', default: '48mb' },
      heap: { type: 'string', default: '96' },
      young: { type: 'string', default: '4' },
      cap: { type: 'string', default: '300' },
      write: { type: 'boolean', default: false },
    },
  });
  const page = new FiguresPage();
  const cluster = await startCluster({
    nodes: 3,
    flags: ['--memory', values.memory],
    runtimeFlags: [`--max-old-space-size=${values.heap}`, `--max-semi-space-size=${values.young}`],
    env: THRIFTY_MALLOC,
  });
  const keys = Number(values.keys);
  const valueBytes = Number(values['value-bytes']);
  try {
    const seed = randomInt(2 ** 31);
    const options = { keys, valueBytes, seed, lookEveryMs: 20, progress: showProgress };
    const figures = await runBigLoad(cluster, options);
    const mistakes = mistakesOf(figures, keys, Number(values.cap) * 1e6);
    const lines = [...linesOf(figures, options), ...mistakes.map((each) => `WRONG: ${each}`)];
    process.stdout.write(`${lines.join('\n')}\n`);
    const command = `load -- --keys ${keys} --memory ${values.memory} --heap ${values.heap}`;
    if (values.write) page.write({ name: 'load', title: TITLE, command, lines });
    process.exitCode = mistakes.length === 0 ? 0 : 1;
  } finally {
    await cluster.stop();
  }
}

// Also when bin/run.js, which chooses the runtime, imports it.
if (process.argv[1] === import.meta.filename) await main();
