// Rows of the command table: keys whatever they hold.

import { del, exists, type } from '../commands/keys-commands.ts';
import { allKeys, commandGroup, oneKey } from './command-entry.ts';

const PER_KEY = 'O(N) where N is the number of keys';
const SUMMED = 'request_policy:multi_shard response_policy:agg_sum';

export const KEY_COMMANDS = commandGroup('generic', [
  {
    name: 'del',
    arity: -2,
    flags: 'write',
    keys: allKeys('RM delete'),
    categories: '@keyspace @write @slow',
    tips: SUMMED,
    syntax: 'key [key ...]',
    summary: 'Deletes keys; answers how many there were.',
    since: '1.0.0',
    complexity: PER_KEY,
    run: del,
  },
  {
    name: 'unlink',
    arity: -2,
    flags: 'write fast',
    keys: allKeys('RM delete'),
    categories: '@keyspace @write @fast',
    tips: SUMMED,
    syntax: 'key [key ...]',
    summary: 'The same as DEL.',
    since: '4.0.0',
    complexity: PER_KEY,
    run: del,
  },
  {
    name: 'exists',
    arity: -2,
    flags: 'readonly fast',
    keys: allKeys('RO'),
    categories: '@keyspace @read @fast',
    tips: SUMMED,
    syntax: 'key [key ...]',
    summary: 'Counts the keys that exist, each as often as it is named.',
    since: '1.0.0',
    complexity: PER_KEY,
    run: exists,
  },
  {
    name: 'touch',
    arity: -2,
    flags: 'readonly fast',
    keys: allKeys('RO'),
    categories: '@keyspace @read @fast',
    tips: SUMMED,
    syntax: 'key [key ...]',
    summary: 'The same as EXISTS: nothing is evicted by its time of last use.',
    since: '3.2.1',
    complexity: PER_KEY,
    run: exists,
  },
  {
    name: 'type',
    arity: 2,
    flags: 'readonly fast',
    keys: oneKey('RO'),
    categories: '@keyspace @read @fast',
    syntax: 'key',
    summary: 'Answers "string" for a key that exists, else "none".',
    since: '1.0.0',
    run: type,
  },
]);
