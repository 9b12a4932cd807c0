// Rows of the command table: CLUSTER and its subcommands.

import {
  clusterCountkeysinslot,
  clusterGetkeysinslot,
  clusterInfo,
  clusterKeyslot,
  clusterLinks,
  clusterMyid,
  clusterNodes,
  clusterShards,
  clusterSlots,
} from '../commands/cluster-commands.ts';
import { commandGroup, type Row } from './command-entry.ts';

const CHANGING = 'nondeterministic_output';
const PER_NODE = 'O(N) where N is the number of nodes';

const part = (row: Omit<Row, 'flags' | 'categories'>): Row => ({
  ...row,
  flags: 'stale',
  categories: '@slow',
});

const SUBCOMMANDS: readonly Row[] = [
  part({
    name: 'slots',
    arity: 2,
    tips: CHANGING,
    summary: 'Answers which node to ask for which range of slots.',
    since: '3.0.0',
    complexity: 'O(N) where N is the number of ranges',
    run: clusterSlots,
  }),
  part({
    name: 'shards',
    arity: 2,
    tips: CHANGING,
    summary: 'Answers the nodes, each with all of its ranges of slots.',
    since: '7.0.0',
    complexity: PER_NODE,
    run: clusterShards,
  }),
  part({
    name: 'nodes',
    arity: 2,
    tips: CHANGING,
    summary: 'Answers the nodes with their state and slots, a line each.',
    since: '3.0.0',
    complexity: PER_NODE,
    run: clusterNodes,
  }),
  part({
    name: 'info',
    arity: 2,
    tips: CHANGING,
    summary: 'Answers whether every slot is served, and the epoch.',
    since: '3.0.0',
    run: clusterInfo,
  }),
  part({
    name: 'myid',
    arity: 2,
    summary: 'Answers the id of this node.',
    since: '3.0.0',
    run: clusterMyid,
  }),
  part({
    name: 'keyslot',
    arity: 3,
    syntax: 'key',
    summary: 'Answers the slot of a key.',
    since: '3.0.0',
    complexity: 'O(N) where N is the number of bytes in the key',
    run: clusterKeyslot,
  }),
  part({
    name: 'countkeysinslot',
    arity: 3,
    syntax: 'slot',
    summary: 'Counts the keys of a slot, as this node has it.',
    since: '3.0.0',
    run: clusterCountkeysinslot,
  }),
  part({
    name: 'getkeysinslot',
    arity: 4,
    tips: CHANGING,
    syntax: 'slot count',
    summary: 'Lists keys of a slot.',
    since: '3.0.0',
    complexity: 'O(N) where N is the number of keys asked for',
    run: clusterGetkeysinslot,
  }),
  part({
    name: 'links',
    arity: 2,
    tips: CHANGING,
    summary: 'Answers an empty list: the links between nodes are not shown here.',
    since: '7.0.0',
    run: clusterLinks,
  }),
];

export const CLUSTER_COMMANDS = commandGroup('cluster', [
  {
    name: 'cluster',
    arity: -2,
    flags: '',
    categories: '@slow',
    summary: 'Commands about the cluster.',
    since: '3.0.0',
    complexity: 'Depends on subcommand.',
    subcommands: SUBCOMMANDS,
  },
]);
