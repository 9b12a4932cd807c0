// Rows of the command table: all keys of a keyspace.

import { dbsize, flushall, flushdb, keys, scan } from '../commands/scan-commands.ts';
import { commandGroup } from './command-entry.ts';

const PER_KEY = 'O(N) where N is the number of keys in the keyspace';
const FLUSH_TIPS = 'request_policy:all_shards response_policy:all_succeeded';
const FLUSH_CATEGORIES = '@keyspace @write @slow @dangerous';

export const SCAN_COMMANDS = [
  ...commandGroup('generic', [
    {
      name: 'scan',
      arity: -2,
      flags: 'readonly',
      categories: '@keyspace @read @slow',
      tips: 'nondeterministic_output request_policy:special',
      syntax: 'cursor [MATCH pattern] [COUNT count] [TYPE type]',
      summary: 'Lists the keys of the whole cluster page by page; a cursor is good on every node.',
      since: '2.8.0',
      complexity: 'O(1) for every call. O(N) for a complete iteration.',
      run: scan,
    },
    {
      name: 'keys',
      arity: 2,
      flags: 'readonly',
      categories: '@keyspace @read @slow @dangerous',
      tips: 'request_policy:all_shards nondeterministic_output_order',
      syntax: 'pattern',
      summary: 'Lists all keys of the cluster that match a glob.',
      since: '1.0.0',
      complexity: PER_KEY,
      run: keys,
    },
  ]),
  ...commandGroup('server', [
    {
      name: 'dbsize',
      arity: 1,
      flags: 'readonly fast',
      categories: '@keyspace @read @fast',
      tips: 'request_policy:all_shards response_policy:agg_sum',
      summary: 'Counts the keys of the keyspace in the whole cluster.',
      since: '1.0.0',
      run: dbsize,
    },
    {
      name: 'flushdb',
      arity: -1,
      flags: 'write',
      categories: FLUSH_CATEGORIES,
      tips: FLUSH_TIPS,
      syntax: '[ASYNC | SYNC]',
      summary: 'Deletes all keys of the keyspace in the whole cluster.',
      since: '1.0.0',
      complexity: PER_KEY,
      run: flushdb,
    },
    {
      name: 'flushall',
      arity: -1,
      flags: 'write',
      categories: FLUSH_CATEGORIES,
      tips: FLUSH_TIPS,
      syntax: '[ASYNC | SYNC]',
      summary: 'Deletes all keys of all keyspaces.',
      since: '1.0.0',
      complexity: PER_KEY,
      run: flushall,
    },
  ]),
];
