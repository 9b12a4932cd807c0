// What a configuration file says of merging: `merge = "set-union"`, one of the functions that come
// with every node, or `merge = "./cart-merge.ts"`, a module beside the file.

import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { LIMIT_MS_DEFAULT, type MergeRule } from '../../merge/merge-rule.ts';
import { READY_FUNCTIONS } from '../../merge/ready-functions.ts';
import type { ConflictRule } from '../../replication/keyspace.ts';
import { durationMs } from '../duration.ts';
import type { KeyspaceTable } from './config-schema.ts';
import { didYouMean } from './nearest-name.ts';
import { badOption } from './node-setting.ts';

export interface Conflicts {
  readonly conflictRule: ConflictRule;
  readonly merge?: MergeRule;
}

/** More, and a read that meets siblings would hold its client longer than a dead node does. */
const LIMIT_MS_MAX = 1_000;
const MODULE = /[\\/]|\.[cm]?[jt]s$/;

/** `file`: where the table stands; paths are relative to it. Throws BAD_OPTION. */
export function conflictsOf(table: KeyspaceTable, where: string, file: string): Conflicts {
  const rule = table['conflict-rule'];
  const name = table.merge;
  if (name === undefined) {
    const limit = table['merge-limit'];
    if (rule !== 'merge' && limit === undefined) return { conflictRule: rule ?? 'latest' };
    const said = rule === 'merge' ? 'conflict-rule = "merge"' : `merge-limit = "${limit}"`;
    const fix = `Add merge = "…": ${readyNames()}, or the path of a module.`;
    throw badOption(`${where} has ${said} but no merge function`, fix);
  }
  if (rule !== undefined && rule !== 'merge') {
    const fix = 'Leave conflict-rule out: merge implies it.';
    throw badOption(`${where} has merge = "${name}" and conflict-rule = "${rule}"`, fix);
  }
  return { conflictRule: 'merge', merge: ruleOf(name, table['merge-limit'], where, file) };
}

/** `name`: of a ready function or a module relative to the directory of `file`. */
export function ruleOf(
  name: string,
  limit: string | undefined,
  where: string,
  file: string,
): MergeRule {
  const limitMs = limit === undefined ? LIMIT_MS_DEFAULT : limitMsIn(limit, where);
  if (MODULE.test(name)) {
    return { name, module: pathToFileURL(resolve(dirname(file), name)).href, limitMs };
  }
  if (Object.hasOwn(READY_FUNCTIONS, name)) return { name, module: undefined, limitMs };
  const fix = `${didYouMean(name, Object.keys(READY_FUNCTIONS))} A module begins with "./".`;
  throw badOption(`${where}: there is no merge function "${name}"`, fix);
}

function limitMsIn(limit: string, where: string): number {
  const ms = durationMs(limit, `${where}: merge-limit`);
  if (ms <= LIMIT_MS_MAX) return ms;
  const fix = `Give ${LIMIT_MS_MAX}ms at most: clients wait for it.`;
  throw badOption(`${where}: merge-limit "${limit}" is longer than a read should take`, fix);
}

function readyNames(): string {
  return Object.keys(READY_FUNCTIONS).join(', ');
}
