// `kvorum put KEY VALUE`: stores a value, from the command line or from standard input.

import { buffer } from 'node:stream/consumers';
import type { Command } from 'commander';
import { writtenIn } from '../client/kv-reply.ts';
import { LEVEL_NAMES } from '../node/store.ts';
import { durationMs } from './duration.ts';
import { addKeyOptions, type KeyFlags, sendCommand, sendKvCommand } from './key-command.ts';
import { printData, printJson } from './output.ts';

const HELP = `
Examples:
  $ kvorum put greeting hello
  OK
  $ kvorum put session:42 alice --ttl 30m
  OK
  $ kvorum put picture - < picture.png
  OK

  $ kvorum put greeting hello --w each-quorum
  OK: east 2, west 2

OK means: W nodes have it on disk. Next: kvorum get greeting
KVORUM_URL stands for --url.`;

interface PutFlags extends KeyFlags {
  readonly ttl?: string;
  readonly w?: string;
}

export function definePut(command: Command): void {
  addKeyOptions(command)
    .argument('<key>')
    .argument('<value>', '"-" reads standard input')
    .option('--ttl <duration>', 'forget it after 500ms, 10s, 5m, 2h or 7d')
    .option('--w <level>', `copies to wait for: a number, or ${LEVEL_NAMES.join(', ')}`)
    .addHelpText('after', HELP)
    .action(async (key: string, value: string, flags: PutFlags) => {
      const ttlMs = flags.ttl === undefined ? undefined : durationMs(flags.ttl, '--ttl');
      const bytes = value === '-' ? await buffer(process.stdin) : Buffer.from(value);
      const receipt = await store(flags, key, { bytes, ttlMs });
      if (flags.json) printJson({ key, isStored: true, bytes: bytes.length, ...receipt });
      else printData(`OK${placesText(receipt)}\n`);
    });
}

interface Receipt {
  readonly nodes?: readonly string[];
  readonly dataCenters?: Readonly<Record<string, number>>;
}

/** What it obtained, where a level was asked for. */
async function store(
  flags: PutFlags,
  key: string,
  { bytes, ttlMs }: { readonly bytes: Buffer; readonly ttlMs: number | undefined },
): Promise<Receipt> {
  if (flags.w === undefined) {
    await sendCommand(flags, ['SET', key, bytes, ...(ttlMs === undefined ? [] : ['PX', ttlMs])]);
    return {};
  }
  const expiry = ttlMs === undefined ? [] : ['TTL', ttlMs];
  const words = ['KV.PUT', key, bytes, 'W', flags.w, ...expiry];
  const written = writtenIn(await sendKvCommand(flags, words));
  return written.isApplied ? { nodes: written.nodes, dataCenters: written.dataCenters } : {};
}

function placesText({ dataCenters = {} }: Receipt): string {
  const counts = Object.entries(dataCenters).map(([name, count]) => `${name} ${count}`);
  return counts.length === 0 ? '' : `: ${counts.join(', ')}`;
}
