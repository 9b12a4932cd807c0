// More requests than three nodes get through: an open loop at once, twice and three times what they
// can do at most, half reads and half writes (N=3 R=2 W=2, synced), as many users who do not wait
// for each other would send them.
//
//   npm run bench -- overload
//   npm run bench -- overload --seconds 10 --deadline 500
//
//   goodput     answers within the deadline, in a second; of the peak, in percent
//   shed        refused with TRYAGAIN: nothing was done
//   late        answered after the deadline, or not at all
//   downs       how often a node said that another one is down: each is false
//
// Where taskset is at hand the generator has the last core to itself and the nodes share the
// others: what it takes to send three times as much they do not lack. Without it they do, and at
// 3× have less to work with than at the peak.

import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { type NodeSite, type RunningCluster, startCluster } from '../test/cluster-fixture.ts';
import { metricsOf } from '../test/node-metrics.ts';
import { FiguresPage } from './figures-page.ts';
import type { LoadFigures } from './load/load-figures.ts';
import { fillKeys, type LoadResult, runLoad } from './load/open-loop.ts';
import { loadNow, machineLine } from './machine.ts';

const HELP = `npm run bench -- overload
  --seconds 8        of each phase
  --deadline 500     milliseconds after which an answer is of no use
  --connections 24   of the generator to each node
  --peak 0           goodput a second to begin with; 0: it is found first
  --write            into docs/figures.md`;

const FIRST_RATE = 4_000;
const STEP = 1.2;
const STEP_SECONDS = 4;
/** Code that has run for a while is compiled. */
const WARM_UP_SECONDS = 15;
/** The peak is behind us when so little of what is due is answered in time, twice. */
const PAST_PEAK = 0.8;
const MULTIPLES = [1, 2, 3];
const RECOVERY_SECONDS_MAX = 15;
/** A second of a calm load in which so much is answered in time is a good one. */
const RECOVERED = 0.99;

export async function run(print: (line: string) => void, args: readonly string[] = []) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: 'string', default: '8' },
      deadline: { type: 'string', default: '500' },
      connections: { type: 'string', default: '24' },
      peak: { type: 'string', default: '0' },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return print(HELP);
  const page = new FiguresPage();
  print(`${machineLine()}; ${loadNow()} processes wanted it when this began`);
  const lines: string[] = [];
  const say = (line: string) => {
    print(line);
    lines.push(line);
  };
  const sites = apart(3);
  say(
    sites === undefined
      ? 'the generator shares the cores of the nodes'
      : 'the generator has a core',
  );
  const runtimeFlags = ['--max-old-space-size=512'];
  const cluster = await startCluster({ nodes: 3, runtimeFlags, ...(sites && { sites }) });
  try {
    await fillKeys(cluster.nodes[0]?.port as number);
    const bench = new OverloadBench(cluster, say, {
      connections: Number(values.connections),
      deadlineMs: Number(values.deadline),
    });
    await bench.run(Number(values.peak), Number(values.seconds));
  } finally {
    await cluster.stop();
  }
  if (!values.write) return;
  const title = 'More requests than three nodes get through';
  const command = `bench -- overload --seconds ${values.seconds} --deadline ${values.deadline}`;
  page.write({ name: 'overload', title, command, lines });
}

interface BenchOptions {
  readonly connections: number;
  readonly deadlineMs: number;
}

class OverloadBench {
  readonly #cluster: RunningCluster;
  readonly #print: (line: string) => void;
  readonly #options: BenchOptions;
  #state = 1;

  constructor(cluster: RunningCluster, print: (line: string) => void, options: BenchOptions) {
    this.#cluster = cluster;
    this.#print = print;
    this.#options = options;
  }

  async run(knownPeak: number, seconds: number): Promise<void> {
    this.#print(row('', ['due/s', 'goodput/s', 'of peak', 'p50 ms', 'p99 ms', 'shed', 'late']));
    await this.#load(FIRST_RATE, WARM_UP_SECONDS);
    const peak = knownPeak === 0 ? await this.#findPeak() : knownPeak;
    for (const multiple of MULTIPLES) {
      const result = await this.#load(peak * multiple, seconds);
      this.#say(`${multiple}×`, result, seconds, peak);
    }
    this.#print(`recovery  ${await this.#recoverySeconds(peak / 2)}`);
    await this.#sayVerdicts();
  }

  /** The most that was answered in time, over ever higher rates. */
  async #findPeak(): Promise<number> {
    let peak = 0;
    let misses = 0;
    for (let rate = FIRST_RATE; misses < 2; rate *= STEP) {
      const result = await this.#load(rate, STEP_SECONDS);
      const goodput = inTime(result) / STEP_SECONDS;
      peak = Math.max(peak, goodput);
      this.#say('ramp', result, STEP_SECONDS, peak);
      misses = goodput < PAST_PEAK * rate ? misses + 1 : 0;
    }
    return peak;
  }

  /** Seconds after the overload until one second of a calm load went as it should. */
  async #recoverySeconds(rate: number): Promise<string> {
    for (let second = 1; second <= RECOVERY_SECONDS_MAX; second++) {
      const result = await this.#load(rate, 1);
      const due = result.get.due + result.set.due;
      if (inTime(result) >= RECOVERED * due) return `within ${second} s at half the peak`;
    }
    return `not within ${RECOVERY_SECONDS_MAX} s at half the peak`;
  }

  #load(rate: number, seconds: number): Promise<LoadResult> {
    const { connections: connectionsPerPort, deadlineMs } = this.#options;
    const ports = this.#cluster.nodes.map(({ port }) => port);
    const plan = { ports, connectionsPerPort, perSecond: Math.round(rate), seconds, deadlineMs };
    return runLoad(plan, () => this.#dice());
  }

  #say(name: string, result: LoadResult, seconds: number, peak: number): void {
    for (const [kind, figures] of [['all', bothOf(result)], ...Object.entries(result)] as const) {
      if (name === 'ramp' && kind !== 'all') continue;
      this.#print(row(`${name} ${kind}`, cellsOf(figures, seconds, peak)));
      if (figures.lastError !== '') this.#print(`     ${figures.lastError}`);
    }
  }

  async #sayVerdicts(): Promise<void> {
    let downs = 0;
    for (const node of this.#cluster.nodes) {
      const metrics = await metricsOf(node);
      const refused = (kind: string) => metrics(`kvorum_requests_refused_total{class="${kind}"}`);
      const limit = metrics('kvorum_requests_under_way_limit');
      downs += metrics('kvorum_member_downs_total');
      const counts = `refused ${refused('read')} reads, ${refused('write')} writes`;
      this.#print(`${node.name}         ${counts}; may have ${limit} under way now`);
    }
    this.#print(`downs      ${downs}`);
  }

  #dice(): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#state / 2 ** 32;
  }
}

/** Moves this process to the last core; where the nodes run so that they have the others. */
function apart(nodes: number): NodeSite[] | undefined {
  const last = availableParallelism() - 1;
  const moved = spawnSync('taskset', ['-cp', `${last}`, `${process.pid}`]);
  if (last === 0 || moved.status !== 0) return undefined;
  const launcher = ['taskset', '-c', last === 1 ? '0' : `0-${last - 1}`];
  const site = { host: '127.0.0.1', peerHost: '127.0.0.1', launcher };
  return new Array<NodeSite>(nodes).fill(site);
}

function inTime({ get, set }: LoadResult): number {
  return get.inTime + set.inTime;
}

function bothOf({ get, set }: LoadResult): LoadFigures {
  return get.plus(set);
}

function cellsOf(figures: LoadFigures, seconds: number, peak: number): string[] {
  const { due, inTime, shed } = figures;
  const late = due - inTime - shed;
  const perSecond = inTime / seconds;
  return [
    (due / seconds).toFixed(0),
    perSecond.toFixed(0),
    `${((100 * perSecond) / peak).toFixed(0)} %`,
    figures.quantileMs(0.5).toFixed(1),
    figures.quantileMs(0.99).toFixed(1),
    `${shed}`,
    `${late}`,
  ];
}

function row(name: string, cells: readonly string[]): string {
  return [name.padEnd(10), ...cells.map((cell) => cell.padStart(10))].join('');
}
