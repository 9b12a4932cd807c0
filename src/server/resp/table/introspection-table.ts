// Rows of the command table: COMMAND and its subcommands, over the index that they end up in.

import { type Introspection, introspectionOf } from '../commands/introspection-commands.ts';
import { type CommandEntry, commandGroup, type Row } from './command-entry.ts';
import type { CommandIndex } from './command-index.ts';

const UNORDERED = 'nondeterministic_output_order';
const PER_COMMAND = 'O(N) where N is the number of commands asked for';

const part = (row: Omit<Row, 'flags' | 'categories'>): Row => ({
  ...row,
  flags: 'loading stale',
  categories: '@slow @connection',
});

export function introspectionCommands(index: CommandIndex): CommandEntry[] {
  const handlers = introspectionOf(index);
  return commandGroup('server', [
    part({
      name: 'command',
      arity: -1,
      tips: UNORDERED,
      summary: 'Describes all commands.',
      since: '2.8.13',
      complexity: PER_COMMAND,
      run: handlers.all,
      subcommands: subcommandRows(handlers),
    }),
  ]);
}

function subcommandRows(handlers: Introspection): Row[] {
  return [
    part({
      name: 'count',
      arity: 2,
      summary: 'Counts the commands.',
      since: '2.8.13',
      run: handlers.count,
    }),
    part({
      name: 'info',
      arity: -2,
      tips: UNORDERED,
      syntax: '[command-name [command-name ...]]',
      summary: 'Describes commands by their names.',
      since: '2.8.13',
      complexity: PER_COMMAND,
      run: handlers.info,
    }),
    part({
      name: 'docs',
      arity: -2,
      tips: UNORDERED,
      syntax: '[command-name [command-name ...]]',
      summary: 'Explains commands to people.',
      since: '7.0.0',
      complexity: PER_COMMAND,
      run: handlers.docs,
    }),
    part({
      name: 'list',
      arity: -2,
      tips: UNORDERED,
      syntax: '[FILTERBY <MODULE name | ACLCAT category | PATTERN pattern>]',
      summary: 'Lists the names of commands.',
      since: '7.0.0',
      complexity: PER_COMMAND,
      run: handlers.list,
    }),
    part({
      name: 'getkeys',
      arity: -4,
      syntax: 'command [arg [arg ...]]',
      summary: 'Answers which words of a command are keys.',
      since: '2.8.13',
      complexity: 'O(N) where N is the number of words',
      run: handlers.getkeys,
    }),
  ];
}
