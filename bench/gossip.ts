// What gossip costs and what it is worth, in clusters of 10 to 1,000 nodes whose network
// loses nothing, 5 % or 20 % of all messages: the pure core of src/membership on virtual time. The
// figures are of the algorithm, exact and the same on every machine.
//
//   npm run bench -- gossip                     the preset lan
//   npm run bench -- gossip --preset wan --to 100
//   npm run bench -- gossip --write             into docs/figures.md and docs/gossip.svg
//
//   rounds      intervals until all nodes know what one of them has said: median of ten words
//   half, all   seconds after a node stops until half of the others, all of them, say it is down;
//               nobody's connection breaks, or it would be at once
//   false       verdicts `down` about living nodes, for each node that judges and hour
//   sent        bytes of messages that a node sends in a second

import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { GOSSIP_PRESETS, type GossipPreset } from '../src/membership/gossip-preset.ts';
import { GossipNet } from '../src/membership/test-gossip-net.ts';
import { diceOf } from '../src/ring/dice.ts';
import { growthPlot, type Panel } from './engine/growth-plot.ts';
import { FiguresPage } from './figures-page.ts';

const HELP = `npm run bench -- gossip
  --preset lan       or loopback, wan
  --to 1000          the most nodes
  --write            into docs/figures.md and docs/gossip.svg`;

const SIZES = [10, 30, 100, 300, 1_000];
const LOSS_RATES = [0, 0.05, 0.2];
const PLOT = fileURLToPath(new URL('../docs/gossip.svg', import.meta.url));

/** Node-seconds in which mistakes are counted: 1.4 node-hours. */
const QUIET_NODE_SECONDS = 5_000;
const MS_MAX = 120_000;
/** Nodes whose word is followed. */
const FOLLOWED = 10;

interface Figures {
  readonly nodes: number;
  readonly lossRate: number;
  /** As in COLUMNS. */
  readonly values: readonly number[];
}

const COLUMNS = [
  { title: 'rounds', panel: 'Rounds until all know', digits: 1 },
  { title: 'half, s', panel: 'Half say down after, s', digits: 2 },
  { title: 'all, s', panel: 'All say down after, s', digits: 2 },
  { title: 'false', panel: 'False downs, per node-hour', digits: 2 },
  { title: 'sent, B/s', panel: 'Sent by a node, B/s', digits: 0 },
];

export async function run(print: (line: string) => void, args: readonly string[] = []) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      preset: { type: 'string', default: 'lan' },
      to: { type: 'string', default: String(SIZES.at(-1)) },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const preset = Object.entries(GOSSIP_PRESETS).find(([name]) => name === values.preset)?.[1];
  if (values.help || preset === undefined) return print(HELP);
  const page = new FiguresPage();
  const lines = [
    row(
      'nodes',
      'lost',
      COLUMNS.map(({ title }) => title),
    ),
  ];
  const all: Figures[] = [];
  print(lines[0] as string);
  for (const nodes of SIZES.filter((size) => size <= Number(values.to))) {
    for (const lossRate of LOSS_RATES) {
      const figures = measured(preset, nodes, lossRate);
      all.push(figures);
      lines.push(lineOf(figures));
      print(lines.at(-1) as string);
    }
  }
  if (!values.write) return;
  const title = `Gossip, preset ${values.preset}`;
  writeFileSync(PLOT, growthPlot(title, panelsOf(all)));
  const preface = '![What gossip costs and is worth over the number of nodes](gossip.svg)';
  const command = `bench -- gossip --preset ${values.preset} --to ${values.to}`;
  page.write({ name: `gossip ${values.preset}`, title, command, lines, preface });
}

function measured(preset: GossipPreset, nodes: number, lossRate: number): Figures {
  const net = new GossipNet({ nodes, preset, dice: diceOf(nodes), lossRate, delayMsMax: 3 });
  net.run(20 * preset.intervalMs);
  const rounds = spreadRounds(net, preset);
  const seconds = QUIET_NODE_SECONDS / nodes;
  const before = { downs: downsOf(net), bytes: bytesOf(net) };
  net.run(seconds * 1_000);
  const falsely = downsOf(net) - before.downs;
  const sent = (bytesOf(net) - before.bytes) / seconds / nodes;
  const [half, whole] = detectionSeconds(net);
  const values = [rounds, half, whole, (falsely / nodes / seconds) * 3_600, sent];
  return { nodes, lossRate, values };
}

/** Of ten nodes at once: from their next word until everybody has it. */
function spreadRounds(net: GossipNet, { intervalMs }: GossipPreset): number {
  const followed = net.nodes.slice(0, FOLLOWED).map((node, member) => {
    return { member, said: (node?.heartbeat(member).version ?? 0) + 1, fromMs: 0, toMs: 0 };
  });
  const versionAt = (node: GossipNet['nodes'][number], member: number) => {
    return node?.heartbeat(member).version ?? 0;
  };
  net.until(() => {
    for (const each of followed) {
      const { member, said, fromMs, toMs } = each;
      if (fromMs === 0 && versionAt(net.nodes[member], member) >= said) each.fromMs = net.nowMs;
      if (fromMs === 0 || toMs > 0) continue;
      if (net.nodes.every((node) => versionAt(node, member) >= said)) each.toMs = net.nowMs;
    }
    return followed.every(({ toMs }) => toMs > 0);
  }, MS_MAX);
  return median(followed.map(({ fromMs, toMs }) => (toMs - fromMs) / intervalMs));
}

/** A tenth of the nodes, ten at most, fall silent at once; medians over them. */
function detectionSeconds(net: GossipNet): readonly [half: number, all: number] {
  const count = Math.min(FOLLOWED, net.nodes.length / 10);
  const silent = Array.from({ length: count }, (_, member) => ({ member, half: 0, all: 0 }));
  for (const { member } of silent) net.silence(member);
  const observers = net.nodes.filter((node) => node !== undefined);
  const fromMs = net.nowMs;
  net.until(() => {
    for (const each of silent) {
      if (each.all > 0) continue;
      let downs = 0;
      for (const node of observers) if (node.detector.state(each.member) === 'down') downs += 1;
      const seconds = (net.nowMs - fromMs) / 1_000;
      if (each.half === 0 && downs * 2 >= observers.length) each.half = seconds;
      if (downs === observers.length) each.all = seconds;
    }
    return silent.every(({ all }) => all > 0);
  }, MS_MAX);
  return [median(silent.map(({ half }) => half)), median(silent.map(({ all }) => all))];
}

function downsOf(net: GossipNet): number {
  return net.nodes.reduce((sum, node) => sum + (node?.detector.downs ?? 0), 0);
}

function bytesOf(net: GossipNet): number {
  return net.bytes.reduce((sum, bytes) => sum + bytes, 0);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}

function panelsOf(all: readonly Figures[]): Panel[] {
  return COLUMNS.map(({ panel }, place) => {
    const lines = LOSS_RATES.map((rate) => {
      const points = all
        .filter(({ lossRate }) => lossRate === rate)
        .map(({ nodes, values }) => ({ x: nodes, y: values[place] as number }));
      return { name: `${100 * rate} % lost`, points };
    });
    return { title: panel, lines };
  });
}

function lineOf({ nodes, lossRate, values }: Figures): string {
  const cells = values.map((value, place) => value.toFixed(COLUMNS[place]?.digits));
  return row(nodes.toLocaleString('en'), `${100 * lossRate} %`, cells);
}

function row(nodes: string, lost: string, cells: readonly string[]): string {
  return [nodes, lost, ...cells].map((cell) => cell.padStart(11)).join('');
}
