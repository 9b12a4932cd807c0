// Rows of the command table: what only Kvorum has.

import { kvDel, kvExplain, kvGet, kvPut } from '../commands/kv/kv-commands.ts';
import { commandGroup, oneKey } from './command-entry.ts';

export const KV_COMMANDS = commandGroup('kvorum', [
  {
    name: 'kv.get',
    arity: -2,
    flags: 'readonly fast',
    keys: oneKey('RO access'),
    categories: '@read @fast',
    syntax: 'key [R answers | level] [AFTER context]',
    summary: 'Answers all values of a key, and the context to replace them with.',
    since: '0.1.0',
    run: kvGet,
  },
  {
    name: 'kv.put',
    arity: -3,
    flags: 'write denyoom',
    keys: oneKey('RW update'),
    categories: '@write @slow',
    syntax:
      'key value [CONTEXT context] [IF absent | present | unchanged] [W copies | level] ' +
      '[TTL milliseconds]',
    summary: 'Gives a key a value that replaces what its writer has seen.',
    since: '0.1.0',
    run: kvPut,
  },
  {
    name: 'kv.del',
    arity: -2,
    flags: 'write',
    keys: oneKey('RW delete'),
    categories: '@write @slow',
    syntax: 'key [CONTEXT context] [IF present | unchanged] [W copies | level]',
    summary: 'Deletes what its writer has seen of a key.',
    since: '0.1.0',
    run: kvDel,
  },
  {
    name: 'kv.explain',
    arity: 2,
    flags: 'readonly',
    keys: oneKey('RO access'),
    categories: '@read @slow',
    syntax: 'key',
    summary: 'Says what each replica has of a key, and why a read answers what it does.',
    since: '0.1.0',
    run: kvExplain,
  },
]);
