// One of three nodes stops (SIGSTOP: its connections stay open), goes on, and then answers up to
// 100 ms late (stopped for 100 of every 120 ms), while clients of the two others read and write:
// what they notice. Real processes, real signals; nothing in the product knows of it.
//
//   npm run bench -- slow
//   npm run bench -- slow --rate 2000 --seconds 6
//
// The first second of each trouble stands in a row of its own: it is what detection costs. N=3 R=2
// W=2, synced. The load is an open loop, and takes from the same cores.

import { parseArgs } from 'node:util';
import { type RunningCluster, type RunningNode, startCluster } from '../test/cluster-fixture.ts';
import { metricsOf } from '../test/node-metrics.ts';
import type { LoadFigures } from './load/load-figures.ts';
import { fillKeys, type LoadKind, type LoadResult, runLoad } from './load/open-loop.ts';
import { loadNow, machineLine } from './machine.ts';

const HELP = `npm run bench -- slow
  --rate 2000        requests a second, half of them reads
  --seconds 6        of each phase`;

const CONNECTIONS = 8;
const STOPPED_MS = 100;
const RUNNING_MS = 20;
const SEEDED = 1_664_525;

export async function run(print: (line: string) => void, args: readonly string[] = []) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rate: { type: 'string', default: '2000' },
      seconds: { type: 'string', default: '6' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return print(HELP);
  print(`${machineLine()}; ${loadNow()} processes wanted it when this began`);
  print(`${values.rate} requests a second from the same cores, half of them reads`);
  const cluster = await startCluster({ nodes: 3 });
  try {
    await fillKeys(cluster.nodes[0]?.port as number);
    const bench = new SlowBench(cluster, Number(values.rate), Number(values.seconds), print);
    await bench.run();
  } finally {
    process.kill(cluster.nodes[2]?.pid as number, 'SIGCONT');
    await cluster.stop();
  }
}

class SlowBench {
  readonly #cluster: RunningCluster;
  readonly #rate: number;
  readonly #seconds: number;
  readonly #print: (line: string) => void;
  readonly #dice: () => number;
  #healthy: LoadResult | undefined;

  constructor(
    cluster: RunningCluster,
    rate: number,
    seconds: number,
    print: (line: string) => void,
  ) {
    this.#cluster = cluster;
    this.#rate = rate;
    this.#seconds = seconds;
    this.#print = print;
    let state = 1;
    this.#dice = () => {
      state = (Math.imul(state, SEEDED) + 1_013_904_223) >>> 0;
      return state / 2 ** 32;
    };
  }

  async run(): Promise<void> {
    const pid = this.#cluster.nodes[2]?.pid as number;
    this.#print(row('', ['p50 ms', 'p99 ms', 'p99.9 ms', 'max ms', 'p99 ×', 'errors']));
    await this.#load(1);
    this.#healthy = await this.#phase('healthy', this.#seconds);
    process.kill(pid, 'SIGSTOP');
    await this.#phase('stopped, first second', 1);
    await this.#phase('stopped', this.#seconds);
    process.kill(pid, 'SIGCONT');
    await this.#phase('goes on, first second', 1);
    await this.#phase('healthy again', this.#seconds);
    const stutter = stutterOf(pid);
    await this.#phase('late, first second', 1);
    await this.#phase('late', this.#seconds);
    stutter.stop();
    await this.#phase('well, first second', 1);
    await this.#phase('healthy at last', this.#seconds);
    await this.#printHedges();
  }

  async #phase(name: string, seconds: number): Promise<LoadResult> {
    const result = await this.#load(seconds);
    for (const kind of ['get', 'set'] as const) {
      this.#print(row(`${kind.toUpperCase()} ${name}`, this.#cells(kind, result[kind])));
      const { lastError } = result[kind];
      if (lastError !== '') this.#print(`     ${lastError}`);
    }
    return result;
  }

  #load(seconds: number): Promise<LoadResult> {
    const ports = this.#cluster.nodes.slice(0, 2).map(({ port }) => port);
    const plan = { ports, connectionsPerPort: CONNECTIONS, perSecond: this.#rate, seconds };
    return runLoad({ ...plan, deadlineMs: 1_000 }, this.#dice);
  }

  #cells(kind: LoadKind, figures: LoadFigures): string[] {
    const quantiles = [0.5, 0.99, 0.999, 1].map((share) => figures.quantileMs(share));
    const healthyMs = this.#healthy?.[kind].quantileMs(0.99) ?? (quantiles[1] as number);
    const ratio = (quantiles[1] as number) / healthyMs;
    const failed = figures.errors + figures.shed + figures.unanswered;
    return [...quantiles.map((ms) => ms.toFixed(1)), ratio.toFixed(2), `${failed}`];
  }

  async #printHedges(): Promise<void> {
    for (const node of this.#cluster.nodes.slice(0, 2) as RunningNode[]) {
      const metrics = await metricsOf(node);
      const of = (what: string) => metrics(`kvorum_read_hedges_total{what="${what}"}`);
      const reads = metrics('kvorum_reads_total{outcome="found"}');
      const share = ((100 * of('asked')) / reads).toFixed(1);
      const counts = `${of('asked')} hedges (${share} % of its reads), ${of('won')} won`;
      this.#print(`${node.name}: ${counts}, ${of('denied')} denied, ${of('probe')} probes`);
    }
  }
}

/** Stops the process most of the time, so that what it is asked waits for 50 ms on average. */
function stutterOf(pid: number): { stop(): void } {
  let timer: NodeJS.Timeout;
  const stop = () => {
    process.kill(pid, 'SIGSTOP');
    timer = setTimeout(goOn, STOPPED_MS);
  };
  const goOn = () => {
    process.kill(pid, 'SIGCONT');
    timer = setTimeout(stop, RUNNING_MS);
  };
  stop();
  return {
    stop() {
      clearTimeout(timer);
      process.kill(pid, 'SIGCONT');
    },
  };
}

function row(name: string, cells: readonly string[]): string {
  return [name.padEnd(28), ...cells.map((cell) => cell.padStart(10))].join('');
}
