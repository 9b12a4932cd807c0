// `kvorum del KEY…`: deletes keys and says how many there were.

import type { Command } from 'commander';
import { writtenIn } from '../client/kv-reply.ts';
import { LEVEL_NAMES } from '../node/store.ts';
import { EXIT } from './exit-code.ts';
import { addKeyOptions, type KeyFlags, sendCommand, sendKvCommand } from './key-command.ts';
import { printData, printJson } from './output.ts';

const HELP = `
Examples:
  $ kvorum del greeting
  1
  $ kvorum del a b c --json
  {"keys":["a","b","c"],"deleted":2}

  $ kvorum del greeting --w each-quorum     for this once, instead of the keyspace's W
  1

When none of them existed: exit code 4.
KVORUM_URL stands for --url.`;

interface DelFlags extends KeyFlags {
  readonly w?: string;
}

export function defineDel(command: Command): void {
  addKeyOptions(command)
    .argument('<keys...>')
    .option('--w <level>', `copies to wait for: a number, or ${LEVEL_NAMES.join(', ')}`)
    .addHelpText('after', HELP)
    .action(async (keys: readonly string[], flags: DelFlags) => {
      const deleted = await deletedOf(flags, keys);
      if (flags.json) printJson({ keys, deleted });
      else printData(`${deleted}\n`);
      if (deleted === 0) process.exitCode = EXIT.notFound;
    });
}

/** How many there were. */
async function deletedOf(flags: DelFlags, keys: readonly string[]): Promise<number> {
  if (flags.w === undefined) return Number(await sendCommand(flags, ['DEL', ...keys]));
  let deleted = 0;
  for (const key of keys) {
    const written = writtenIn(await sendKvCommand(flags, ['KV.DEL', key, 'W', flags.w]));
    if (written.isApplied) deleted += 1;
  }
  return deleted;
}
