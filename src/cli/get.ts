// `kvorum get KEY`: the value on standard output.

import { isUtf8 } from 'node:buffer';
import type { Command } from 'commander';
import { KvorumError } from '../base/errors.ts';
import { readIn } from '../client/kv-reply.ts';
import type { RespValue } from '../client/reply-parser.ts';
import { LEVEL_NAMES } from '../node/store.ts';
import { EXIT } from './exit-code.ts';
import { addKeyOptions, type KeyFlags, sendCommand, sendKvCommand } from './key-command.ts';
import { printData, printJson, printNote } from './output.ts';

const HELP = `
Examples:
  $ kvorum get greeting
  hello
  $ kvorum get greeting --json
  {"key":"greeting","isFound":true,"value":"hello"}
  $ kvorum get picture --raw > picture.png
  $ kvorum get greeting --r local-quorum    for this once, instead of the keyspace's R

A key that does not exist: exit code 4, and nothing on standard output.
KVORUM_URL stands for --url.`;

interface GetFlags extends KeyFlags {
  readonly raw?: boolean;
  readonly r?: string;
}

export function defineGet(command: Command): void {
  addKeyOptions(command)
    .argument('<key>')
    .option('--r <level>', `replicas to read from: a number, or ${LEVEL_NAMES.join(', ')}`)
    .option('--raw', 'exactly the bytes of the value, without a line end')
    .addHelpText('after', HELP)
    .action(async (key: string, flags: GetFlags) => {
      const value = await readValue(flags, key);
      if (!Buffer.isBuffer(value)) {
        if (flags.json) printJson({ key, isFound: false });
        else printNote(`There is no key "${key}".`);
        process.exitCode = EXIT.notFound;
      } else if (flags.json) printJson({ key, isFound: true, ...readable(value) });
      else if (flags.raw) printData(value);
      else printData(Buffer.concat([value, Buffer.from('\n')]));
    });
}

async function readValue(flags: GetFlags, key: string): Promise<RespValue | undefined> {
  if (flags.r === undefined) return sendCommand(flags, ['GET', key]);
  const { value, mergeFailed } = readIn(await sendKvCommand(flags, ['KV.GET', key, 'R', flags.r]));
  if (mergeFailed === undefined) return value;
  const fix = 'KV.GET shows all siblings; write one value with its context.';
  throw new KvorumError('MERGE_FAILED', mergeFailed, fix);
}

/** JSON has no bytes: what is not text is given in base64, and says so. */
function readable(value: Buffer): { readonly value: string; readonly encoding?: 'base64' } {
  if (isUtf8(value)) return { value: value.toString('utf8') };
  return { value: value.toString('base64'), encoding: 'base64' };
}
