// `kvorum keyspace check FILE`: whether what a configuration says of keyspaces can be, and whether
// its merge functions obey their laws; or the same of one module, before a configuration names it.

import type { Command } from 'commander';
import type { MergeRule } from '../merge/merge-rule.ts';
import { keyspacesOf } from './config/keyspace-list.ts';
import { ruleOf } from './config/merge-setting.ts';
import { badOption } from './config/node-setting.ts';
import { defaultUrl } from './key-command.ts';
import { guestJobs, type Tried, tryMerges } from './merge-candidates.ts';
import { printData, printJson } from './output.ts';
import { type StoredFlags, storedValues } from './stored-values.ts';

const HELP = `
Examples:
  $ kvorum keyspace check ./cart-merge.ts
  ./cart-merge.ts: lawful, 1764 equations hold on generated values
  $ kvorum keyspace check kvorum.toml      all keyspaces of a configuration

Recorded values make a better check. Put up to 60 beside the module, one a line:
  $ kvorum get cart:17 --keyspace carts >> cart-merge.corpus
Or try it on what a running cluster holds, before one of its keyspaces names it:
  $ kvorum keyspace check ./cart-merge.ts --keyspace carts
KVORUM_URL stands for --url.`;

interface CheckFlags extends Omit<StoredFlags, 'keyspace'> {
  readonly keyspace?: string;
  readonly json?: boolean;
}

export function defineKeyspaceCheck(command: Command): void {
  command
    .argument('<file>', 'a configuration file (.toml), or the module of a merge function')
    .option('--keyspace <name>', 'try a module on the values of this keyspace as well')
    .option('--url <url>', 'any node of the cluster that has it', defaultUrl())
    .option('--timeout <duration>', 'how long to wait for an answer', '5s')
    .option('--json', 'print JSON')
    .addHelpText('after', HELP)
    .action(async (file: string, flags: CheckFlags) => {
      const guests = guestJobs();
      try {
        const rules = await rulesIn(file);
        const tried = await tryMerges(guests, rules, await storedFor(file, flags));
        if (flags.json) printJson(tried);
        else printData(`${tried.map(line).join('\n') || 'no keyspace merges siblings'}\n`);
      } finally {
        await guests.close();
      }
    });
}

async function storedFor(file: string, { keyspace, ...flags }: CheckFlags) {
  if (keyspace === undefined) return undefined;
  if (file.endsWith('.toml')) {
    throw badOption('--keyspace goes with one module', `Give its file instead of ${file}.`);
  }
  return { keyspace, values: await storedValues({ keyspace, ...flags }) };
}

async function rulesIn(file: string): Promise<MergeRule[]> {
  // A path on the command line is relative to where it is typed.
  if (!file.endsWith('.toml')) return [ruleOf(file, undefined, 'keyspace check', 'here')];
  const { readConfigFile } = await import('./config/config-file.ts');
  const keyspaces = keyspacesOf(readConfigFile(file).keyspaces ?? [], file);
  return keyspaces.flatMap(({ merge }) => merge ?? []);
}

function line({ name, triedCount, recordedIn }: Tried): string {
  if (triedCount === undefined) return `${name}: lawful, it comes with Kvorum`;
  const values = recordedIn === undefined ? 'generated values' : `the values of ${recordedIn}`;
  return `${name}: lawful, ${triedCount} equations hold on ${values}`;
}
