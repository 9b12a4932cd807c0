// The answers to commands that cannot even be started, in the exact words of Redis 7.0: clients
// and their test suites match them. Pure.

import type { Command } from './command.ts';
import { error, type Reply } from './reply.ts';

/** What a look-up finds; command-table.ts has the one of the product. */
export type Found =
  | { readonly kind: 'command'; readonly command: Command }
  | { readonly kind: 'unknown-command' }
  | { readonly kind: 'unknown-subcommand'; readonly parent: Command };

const LOADING = error('LOADING Kvorum is starting');
/** Redis repeats at most so much of a name, and of all arguments, that it does not know. */
const ECHOED_BYTES_MAX = 128;

/** Why `args` cannot be run; undefined: they can. */
export function refusal(
  found: Found,
  args: readonly Buffer[],
  isReady: boolean,
): Reply | undefined {
  if (found.kind === 'unknown-command') return unknownCommand(args);
  if (found.kind === 'unknown-subcommand') {
    const sub = echo(args[1] as Buffer, ECHOED_BYTES_MAX);
    return error(`ERR unknown subcommand '${sub}'. Try ${found.parent.name.toUpperCase()} HELP.`);
  }
  const { name, arity, run } = found.command;
  const isWrongCount = arity < 0 ? args.length < -arity : args.length !== arity;
  if (isWrongCount || run === undefined) {
    return error(`ERR wrong number of arguments for '${name}' command`);
  }
  // As Redis: only commands with the flag run meanwhile. CLUSTER has none, so that clients ask
  // another node for the map, for this one would show itself alone.
  if (!isReady && !found.command.flags.includes('loading')) return LOADING;
  return undefined;
}

function unknownCommand(args: readonly Buffer[]): Reply {
  const name = echo(args[0] as Buffer, ECHOED_BYTES_MAX);
  let rest = '';
  for (let i = 1; i < args.length && rest.length < ECHOED_BYTES_MAX; i++) {
    rest += `'${echo(args[i] as Buffer, ECHOED_BYTES_MAX - rest.length)}' `;
  }
  return error(`ERR unknown command '${name}', with args beginning with: ${rest}`);
}

function echo(word: Buffer, bytesMax: number): string {
  return word.toString('utf8', 0, bytesMax);
}
