// `kvorum del KEY…`: deletes keys and says how many there were.

import type { Command } from 'commander';
import { EXIT } from './exit-code.ts';
import { addKeyOptions, type KeyFlags, sendCommand } from './key-command.ts';
import { printData, printJson } from './output.ts';

const HELP = `
Examples:
  $ kvorum del greeting
  1
  $ kvorum del a b c --json
  {"keys":["a","b","c"],"deleted":2}

When none of them existed: exit code 4.
KVORUM_URL stands for --url.`;

export function defineDel(command: Command): void {
  addKeyOptions(command)
    .argument('<keys...>')
    .addHelpText('after', HELP)
    .action(async (keys: readonly string[], flags: KeyFlags) => {
      const deleted = Number(await sendCommand(flags, ['DEL', ...keys]));
      if (flags.json) printJson({ keys, deleted });
      else printData(`${deleted}\n`);
      if (deleted === 0) process.exitCode = EXIT.notFound;
    });
}
