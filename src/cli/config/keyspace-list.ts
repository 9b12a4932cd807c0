// The keyspaces of a configuration file, with the default one where the file does not name it.
// Quorums that cannot be are refused here, before a node starts.

import type { KeyspaceNumber } from '../../base/ids.ts';
import { DEFAULT_KEYSPACE, type Keyspace, PRESETS } from '../../replication/keyspace.ts';
import type { KeyspaceTable } from './config-schema.ts';
import { badOption } from './node-setting.ts';

/** Throws BAD_OPTION; `from` is the file that they stand in. */
export function keyspacesOf(tables: readonly KeyspaceTable[], from: string): Keyspace[] {
  const keyspaces = tables.map((table) => keyspaceOf(table, from));
  if (keyspaces.every(({ number }) => number !== 0)) keyspaces.unshift(DEFAULT_KEYSPACE);
  const numbers = new Set<number>();
  const names = new Set<string>();
  for (const { number, name } of keyspaces) {
    if (numbers.has(number) || names.has(name)) {
      const why = `${from}: keyspace ${number} ("${name}") repeats a number or a name`;
      throw badOption(why, 'Give each keyspace its own; number 0 named "default" exists always.');
    }
    numbers.add(number);
    names.add(name);
  }
  return keyspaces;
}

function keyspaceOf(table: KeyspaceTable, from: string): Keyspace {
  const { number, name, preset = 'quorum' } = table;
  const usual = PRESETS[preset](table.n ?? DEFAULT_KEYSPACE.n);
  const { n, r, w } = { n: usual.n, r: table.r ?? usual.r, w: table.w ?? usual.w };
  for (const [letter, copies] of [
    ['r', r],
    ['w', w],
  ] as const) {
    if (copies <= n) continue;
    const why = `${from}: keyspace "${name}" has ${letter} = ${copies} but n = ${n}`;
    throw badOption(why, `Lower ${letter} to ${n} or raise n: only n nodes hold a key.`);
  }
  const conflictRule = table['conflict-rule'] ?? DEFAULT_KEYSPACE.conflictRule;
  return { number: number as KeyspaceNumber, name, n, r, w, conflictRule };
}
