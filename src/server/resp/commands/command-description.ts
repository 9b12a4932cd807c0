// A row of the command table as COMMAND, COMMAND INFO and COMMAND DOCS describe it. Drivers read
// it by position and are strict about its shape: ten elements, flags and categories as sets of
// simple strings, tips as a set of bulk strings.

import { map, type Reply, simple } from '../reply.ts';
import type { CommandEntry, KeySpec } from '../table/command-entry.ts';

export function commandInfo(command: CommandEntry): Reply {
  const { name, arity, flags, keys, categories, tips, subcommands } = command;
  return [
    name,
    arity,
    statuses(flags),
    keys.first,
    keys.last,
    keys.step,
    statuses(categories),
    { kind: 'set', items: tips },
    { kind: 'set', items: keys.first === 0 ? [] : [keySpec(keys)] },
    subcommands === undefined ? { kind: 'set', items: [] } : subcommands.map(commandInfo),
  ];
}

/** The `last` of a specification counts from the first key, where that of COMMAND is absolute. */
function keySpec({ first, last, step, access, notes }: KeySpec): Reply {
  const range: Reply = map([
    ['lastkey', last < 0 ? last : last - first],
    ['keystep', step],
    ['limit', 0],
  ]);
  const begin: Reply = map([
    ['type', 'index'],
    ['spec', map([['index', first]])],
  ]);
  const find: Reply = map([
    ['type', 'range'],
    ['spec', range],
  ]);
  const notesFirst: readonly (readonly [Reply, Reply])[] = notes ? [['notes', notes]] : [];
  return map([
    ...notesFirst,
    ['flags', statuses(access)],
    ['begin_search', begin],
    ['find_keys', find],
  ]);
}

/** The entry of COMMAND DOCS: the name, then what is known. */
export function commandDocs(command: CommandEntry): readonly [Reply, Reply] {
  const { summary, since, group, complexity } = command.docs;
  const entries: (readonly [Reply, Reply])[] = [
    ['summary', summary],
    ['since', since],
    ['group', group],
    ['complexity', complexity],
  ];
  const parts = syntaxArguments(command);
  if (parts.length > 0) entries.push(['arguments', parts]);
  if (command.subcommands) entries.push(['subcommands', map(command.subcommands.map(commandDocs))]);
  return [command.name, map(entries)];
}

/**
 * The arguments, of which redis-cli builds its hints. What stands in brackets or is an
 * alternative is given as one piece of text: `[NX | XX]` is an optional `NX | XX`.
 */
function syntaxArguments({ syntax, keys }: CommandEntry): readonly Reply[] {
  const pieces = [...syntax.matchAll(/\[((?:[^[\]]|\[[^[\]]*\])*)\]|<([^>]*)>|(\S+)/g)];
  return pieces.map(([, optional, choice, plain], at) => {
    const text = optional ?? choice ?? plain ?? '';
    const isKey = keys.first === 1 && at === 0;
    const entries: (readonly [Reply, Reply])[] = [
      ['name', text],
      ['type', isKey ? 'key' : 'string'],
    ];
    if (isKey) entries.push(['key_spec_index', 0]);
    if (optional !== undefined) entries.push(['flags', statuses(['optional'])]);
    return map(entries);
  });
}

function statuses(words: readonly string[]): Reply {
  return { kind: 'set', items: words.map(simple) };
}
