// Rows of the command table: strings.

import { get, mget, mset, set, strlen } from '../commands/string-commands.ts';
import { allKeys, commandGroup, oneKey } from './command-entry.ts';

const SET_NOTES = 'RW and ACCESS due to the optional `GET` argument';
const EXPIRIES = 'EX seconds | PX milliseconds | EXAT unix-seconds | PXAT unix-milliseconds';

export const STRING_COMMANDS = commandGroup('string', [
  {
    name: 'get',
    arity: 2,
    flags: 'readonly fast',
    keys: oneKey('RO access'),
    categories: '@read @string @fast',
    syntax: 'key',
    summary: 'Answers the value of a key; of several siblings the newest.',
    since: '1.0.0',
    run: get,
  },
  {
    name: 'set',
    arity: -3,
    flags: 'write denyoom',
    keys: oneKey('RW access update variable_flags', SET_NOTES),
    categories: '@write @string @slow',
    syntax: `key value [NX | XX] [GET] [${EXPIRIES} | KEEPTTL]`,
    summary: 'Gives a key a value, acknowledged once W copies are on disk.',
    since: '1.0.0',
    run: set,
  },
  {
    name: 'mget',
    arity: -2,
    flags: 'readonly fast',
    keys: allKeys('RO access'),
    categories: '@read @string @fast',
    tips: 'request_policy:multi_shard',
    syntax: 'key [key ...]',
    summary: 'Answers the values of several keys, read side by side.',
    since: '1.0.0',
    complexity: 'O(N) where N is the number of keys',
    run: mget,
  },
  {
    name: 'mset',
    arity: -3,
    flags: 'write denyoom',
    keys: allKeys('OW update', 2),
    categories: '@write @string @slow',
    tips: 'request_policy:multi_shard response_policy:all_succeeded',
    syntax: 'key value [key value ...]',
    summary: 'Gives several keys their values, each on its own: not one transaction.',
    since: '1.0.1',
    complexity: 'O(N) where N is the number of keys',
    run: mset,
  },
  {
    name: 'strlen',
    arity: 2,
    flags: 'readonly fast',
    keys: oneKey('RO'),
    categories: '@read @string @fast',
    syntax: 'key',
    summary: 'Answers how many bytes a value has; 0 without one.',
    since: '2.2.0',
    run: strlen,
  },
]);
