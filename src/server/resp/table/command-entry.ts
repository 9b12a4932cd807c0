// One row of the command table, and the short forms in which the rows are written: flags,
// categories and tips as words in one string, containers with their HELP made from their rows.
// The facts are those of redis-server 7.0.15 (a test compares them with one that runs); the
// summaries are our own words.

import type { Command, CommandDocs, Handler, KeyPositions } from '../command.ts';
import { type Reply, simple } from '../reply.ts';

export interface CommandEntry extends Command {
  readonly keys: KeySpec;
  /** What follows the name, as a person would write it: `key [EX seconds]`. */
  readonly syntax: string;
  readonly subcommands?: readonly CommandEntry[];
}

export interface KeySpec extends KeyPositions {
  /** What the command does to its keys: the flags of Redis' key specification. */
  readonly access: readonly string[];
  readonly notes?: string;
}

/** A row as it is written in the table; see CommandEntry. */
export interface Row {
  readonly name: string;
  readonly arity: number;
  readonly flags: string;
  readonly keys?: KeySpec;
  readonly categories: string;
  readonly tips?: string;
  readonly syntax?: string;
  readonly summary: string;
  readonly since: string;
  readonly complexity?: string;
  readonly run?: Handler;
  readonly subcommands?: readonly Row[];
}

const NO_KEYS: KeySpec = { first: 0, last: 0, step: 0, access: [] };

/** The first argument is the only key. */
export function oneKey(access: string, notes?: string): KeySpec {
  return { first: 1, last: 1, step: 1, access: words(access), notes };
}

/** All arguments are keys; `step` 2: every other one. */
export function allKeys(access: string, step: 1 | 2 = 1): KeySpec {
  return { first: 1, last: -1, step, access: words(access) };
}

/** Turns the rows of one command group into entries; a row with subcommands also gets HELP. */
export function commandGroup(group: string, rows: readonly Row[]): CommandEntry[] {
  return rows.map((row) => entryOf(row, group, row.name));
}

function entryOf(row: Row, group: string, name: string): CommandEntry {
  const rows = row.subcommands && [...row.subcommands, helpRow(row.name, row.subcommands)];
  const docs: CommandDocs = {
    summary: row.summary,
    since: row.since,
    group,
    complexity: row.complexity ?? 'O(1)',
  };
  return {
    name,
    arity: row.arity,
    flags: words(row.flags),
    keys: row.keys ?? NO_KEYS,
    categories: words(row.categories),
    tips: words(row.tips ?? ''),
    syntax: row.syntax ?? '',
    docs,
    subcommands: rows?.map((sub) => entryOf(sub, group, `${name}|${sub.name}`)),
    run: row.run,
  };
}

function helpRow(container: string, rows: readonly Row[]): Row {
  const lines = [`${container.toUpperCase()} <subcommand> [<arg> ...]. Subcommands are:`];
  for (const row of rows) {
    lines.push(`${row.name.toUpperCase()} ${row.syntax ?? ''}`.trimEnd(), `    ${row.summary}`);
  }
  lines.push('HELP', '    Prints this help.');
  const help: Reply = lines.map(simple);
  const isAboutConnections = container === 'client' || container === 'command';
  return {
    name: 'help',
    arity: 2,
    flags: 'loading stale',
    categories: isAboutConnections ? '@slow @connection' : '@slow',
    summary: 'Lists the subcommands.',
    since: '5.0.0',
    run: () => help,
  };
}

function words(text: string): readonly string[] {
  return text === '' ? [] : text.split(' ');
}
