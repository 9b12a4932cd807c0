// `kvorum put KEY VALUE`: stores a value, from the command line or from standard input.

import { buffer } from 'node:stream/consumers';
import type { Command } from 'commander';
import { durationMs } from './duration.ts';
import { addKeyOptions, type KeyFlags, sendCommand } from './key-command.ts';
import { printData, printJson } from './output.ts';

const HELP = `
Examples:
  $ kvorum put greeting hello
  OK
  $ kvorum put session:42 alice --ttl 30m
  OK
  $ kvorum put picture - < picture.png
  OK

OK means: W nodes have it on disk. Next: kvorum get greeting
KVORUM_URL stands for --url.`;

interface PutFlags extends KeyFlags {
  readonly ttl?: string;
}

export function definePut(command: Command): void {
  addKeyOptions(command)
    .argument('<key>')
    .argument('<value>', '"-" reads standard input')
    .option('--ttl <duration>', 'forget it after 500ms, 10s, 5m, 2h or 7d')
    .addHelpText('after', HELP)
    .action(async (key: string, value: string, flags: PutFlags) => {
      const expiry = flags.ttl === undefined ? [] : ['PX', durationMs(flags.ttl, '--ttl')];
      const bytes = value === '-' ? await buffer(process.stdin) : Buffer.from(value);
      await sendCommand(flags, ['SET', key, bytes, ...expiry]);
      if (flags.json) printJson({ key, isStored: true, bytes: bytes.length });
      else printData('OK\n');
    });
}
