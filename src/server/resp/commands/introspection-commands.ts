// COMMAND: the command table as clients ask for it. redis-py, go-redis and RedisInsight build
// their routing from it.

import type { Call, Handler } from '../command.ts';
import { keysOf } from '../command-keys.ts';
import { error, map, type Reply } from '../reply.ts';
import type { CommandEntry } from '../table/command-entry.ts';
import type { CommandIndex } from '../table/command-index.ts';
import { commandDocs, commandInfo } from './command-description.ts';
import { Glob } from './glob.ts';
import { SYNTAX_ERROR } from './integer-argument.ts';

/** The handlers over one index, which holds the row of COMMAND itself by the time they run. */
export interface Introspection {
  readonly all: Handler;
  readonly count: Handler;
  readonly info: Handler;
  readonly docs: Handler;
  readonly list: Handler;
  readonly getkeys: Handler;
}

export function introspectionOf(index: CommandIndex): Introspection {
  return {
    all: () => index.commands.map(commandInfo),
    count: () => index.commands.length,
    info: ({ args }) => {
      if (args.length === 2) return index.commands.map(commandInfo);
      return named(index, args).map((command) => (command ? commandInfo(command) : null));
    },
    docs: ({ args }) => {
      const wanted = args.length === 2 ? index.commands : named(index, args);
      return map(wanted.filter((command) => command !== undefined).map(commandDocs));
    },
    list: (call) => list(index, call),
    getkeys: (call) => getkeys(index, call),
  };
}

function named(index: CommandIndex, args: readonly Buffer[]): (CommandEntry | undefined)[] {
  return args.slice(2).map((name) => index.named(name.toString('latin1')));
}

/** COMMAND LIST [FILTERBY MODULE name | ACLCAT category | PATTERN glob]; subcommands included. */
function list(index: CommandIndex, { args }: Call): Reply {
  const names = index.commands.map(({ name }) => name);
  if (args.length === 2) return names;
  const [, , filterBy, filter, value] = args.map((word) => word.toString('latin1').toLowerCase());
  if (args.length !== 5 || filterBy !== 'filterby' || value === undefined) return SYNTAX_ERROR;
  const everything = index.commands.flatMap((each) => [each, ...(each.subcommands ?? [])]);
  if (filter === 'module') return [];
  if (filter === 'aclcat') {
    return everything
      .filter(({ categories }) => categories.includes(`@${value}`))
      .map(({ name }) => name);
  }
  if (filter !== 'pattern') return SYNTAX_ERROR;
  const glob = new Glob(Buffer.from(value, 'latin1'));
  return everything.map(({ name }) => name).filter((name) => glob.matches(Buffer.from(name)));
}

/** COMMAND GETKEYS command arg …: the keys among the words of a whole command. */
function getkeys(index: CommandIndex, { args }: Call): Reply {
  const words = args.slice(2);
  const found = index.find(words);
  if (found.kind !== 'command') return error('ERR Invalid command specified');
  const { command } = found;
  if (command.keys.first === 0) return error('ERR The command has no key arguments');
  const { arity } = command;
  if (arity < 0 ? words.length < -arity : words.length !== arity) {
    return error('ERR Invalid number of arguments specified for command');
  }
  return keysOf(command, words);
}
