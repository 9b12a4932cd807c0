// `kvorum keyspace check FILE`: whether what a configuration says of keyspaces can be, and whether
// its merge functions obey their laws; or the same of one module, before a configuration names it.

import type { Command } from 'commander';
import type { MergeRule } from '../merge/merge-rule.ts';
import { keyspacesOf } from './config/keyspace-list.ts';
import { ruleOf } from './config/merge-setting.ts';
import { guestJobs, type Tried, tryMerges } from './merge-candidates.ts';
import { printData, printJson } from './output.ts';

const HELP = `
Examples:
  $ kvorum keyspace check ./cart-merge.ts
  ./cart-merge.ts: lawful, 1764 equations hold on generated values
  $ kvorum keyspace check kvorum.toml      all keyspaces of a configuration

Recorded values make a better check. Put up to 60 beside the module, one a line:
  $ kvorum get cart:17 --keyspace carts >> cart-merge.corpus`;

export function defineKeyspaceCheck(command: Command): void {
  command
    .argument('<file>', 'a configuration file (.toml), or the module of a merge function')
    .option('--json', 'print JSON')
    .addHelpText('after', HELP)
    .action(async (file: string, flags: { readonly json?: boolean }) => {
      const guests = guestJobs();
      try {
        const tried = await tryMerges(guests, await rulesIn(file));
        if (flags.json) printJson(tried);
        else printData(`${tried.map(line).join('\n') || 'no keyspace merges siblings'}\n`);
      } finally {
        await guests.close();
      }
    });
}

async function rulesIn(file: string): Promise<MergeRule[]> {
  // A path on the command line is relative to where it is typed.
  if (!file.endsWith('.toml')) return [ruleOf(file, undefined, 'keyspace check', 'here')];
  const { readConfigFile } = await import('./config/config-file.ts');
  const keyspaces = keyspacesOf(readConfigFile(file).keyspaces ?? [], file);
  return keyspaces.flatMap(({ merge }) => merge ?? []);
}

function line({ name, triedCount, corpusName }: Tried): string {
  if (triedCount === undefined) return `${name}: lawful, it comes with Kvorum`;
  const values = corpusName === undefined ? 'generated values' : `the values of ${corpusName}`;
  return `${name}: lawful, ${triedCount} equations hold on ${values}`;
}
