// `kvorum keyspace list`, `describe NAME` and `check FILE`: what the cluster keeps, and how.

import type { Command } from 'commander';
import type { Keyspace } from '../node/store.ts';
import { addHttpOptions, fetchJson, type HttpFlags } from './http-command.ts';
import { defineKeyspaceCheck } from './keyspace-check.ts';
import { printData, printJson } from './output.ts';
import { type Column, textTable } from './text-table.ts';

const HELP = `
Examples:
  $ kvorum keyspace list
  Number  Name      N  R  W  Conflicts  Durability
       0  default   3  2  2  latest     fsync
       1  siblings  3  2  2  siblings   fsync
  $ kvorum keyspace describe siblings
  $ kvorum keyspace describe 1 --json
  $ kvorum keyspace check kvorum.toml    before a node starts with it

Keyspaces are defined in the configuration file (kvorum start --help) and selected in Redis with
SELECT and a name or number. KVORUM_HTTP_URL stands for --url.`;

const PATH = '/v1/keyspaces';

const COLUMNS: readonly Column<Keyspace>[] = [
  { title: 'Number', align: 'right', text: ({ number }) => String(number) },
  { title: 'Name', text: ({ name }) => name },
  { title: 'N', align: 'right', text: copiesText },
  { title: 'R', align: 'right', text: ({ r }) => String(r) },
  { title: 'W', align: 'right', text: ({ w }) => String(w) },
  { title: 'Quorum', text: ({ isSloppy }) => (isSloppy ? 'sloppy' : 'strict') },
  { title: 'Conflicts', text: ({ conflictRule, merge }) => merge?.name ?? conflictRule },
  { title: 'Durability', text: ({ durability }) => durability },
];

export function defineKeyspace(command: Command): void {
  command.addHelpText('after', HELP);
  addHttpOptions(command.command('list').description('all keyspaces, one a line')).action(
    async (flags: HttpFlags) => {
      const { keyspaces } = (await fetchJson(flags, PATH)) as { keyspaces: Keyspace[] };
      if (flags.json) printJson(keyspaces);
      else printData(`${textTable(COLUMNS, keyspaces)}\n`);
    },
  );
  addHttpOptions(command.command('describe').description('everything about one keyspace'))
    .argument('<name>', 'its name or number')
    .action(async (called: string, flags: HttpFlags) => {
      const path = `${PATH}/${encodeURIComponent(called)}`;
      const keyspace = (await fetchJson(flags, path)) as Keyspace;
      if (flags.json) printJson(keyspace);
      else printData(`${describe(keyspace)}\n`);
    });
  defineKeyspaceCheck(
    command.command('check').description('try a configuration, or a merge function, beforehand'),
  );
}

function describe(keyspace: Keyspace): string {
  const { number, name, n, copies, r, w, ttlMs, limits, ...rules } = keyspace;
  const { siblingsWarned, siblingsMax, objectBytesMax } = limits;
  return [
    `Keyspace ${name}, number ${number}`,
    `Copies:      N=${copiesText({ n, copies })}, on distinct hosts`,
    `Consistency: a read waits for R=${r}, a write for W=${w}`,
    `Quorum:      ${rules.isSloppy ? SLOPPY : STRICT}`,
    `Conflicts:   ${conflictsText(rules)}`,
    `Durability:  ${DURABILITIES[rules.durability]}`,
    `Default TTL: ${ttlMs === 0 ? 'none' : `${ttlMs} ms`}`,
    `Limits:      ${siblingsMax} siblings (${siblingsWarned}: warned), ${objectBytesMax} bytes`,
  ].join('\n');
}

/** `5 (east 3, west 2)`; `3` where they are all in one data center, or wherever they fall. */
function copiesText({ n, copies = {} }: Pick<Keyspace, 'n' | 'copies'>): string {
  const counts = Object.entries(copies).map(([name, count]) => `${name} ${count}`);
  return counts.length < 2 ? String(n) : `${n} (${counts.join(', ')})`;
}

function conflictsText({ conflictRule, merge }: Pick<Keyspace, 'conflictRule' | 'merge'>): string {
  return merge === undefined
    ? CONFLICTS[conflictRule]
    : `${CONFLICTS[conflictRule]} ${merge.name}, within ${merge.limitMs} ms`;
}

const SLOPPY = 'sloppy: other nodes stand in for those that are away';
const STRICT = 'strict: too few of the nodes of a key are too few';

const CONFLICTS: Readonly<Record<Keyspace['conflictRule'], string>> = {
  latest: 'latest: the newest of concurrent values stays',
  siblings: 'siblings: concurrent values are all kept until somebody resolves them',
  merge: 'concurrent values are all kept, and a read merges them by',
};

const DURABILITIES: Readonly<Record<Keyspace['durability'], string>> = {
  fsync: 'fsync: acknowledged when on the disk of W nodes',
  interval: 'interval: acknowledged when in the memory of W nodes, on its way to their disks',
};
