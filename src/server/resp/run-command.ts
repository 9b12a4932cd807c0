// What stands between a command that was found, with its arity checked, and its handler: the
// redirection and the limits of keys and values, checked here once for every command.

import type { Call, Command } from './command.ts';
import { keysOf } from './command-keys.ts';
import { maybeMoved } from './redirect.ts';
import { error, type Reply } from './reply.ts';

/** Answers a call; rejects only with what the store rejected with. */
export function runCommand(command: Command, call: Call): Reply | Promise<Reply> {
  if (command.run === undefined) return error(`ERR ${command.name} needs a subcommand`);
  if (command.keys.first === 0) return command.run(call);
  const keys = keysOf(command, call.args);
  return tooLong(command, call, keys) ?? maybeMoved(call, keys) ?? command.run(call);
}

/** Before any of the words is hashed, sent or stored. */
function tooLong(command: Command, call: Call, keys: readonly Buffer[]): Reply | undefined {
  const { keyBytesMax, valueBytesMax } = call.server.limits;
  for (const key of keys) {
    if (key.length > keyBytesMax) return keyTooLong(key.length, keyBytesMax);
  }
  if (!command.flags.includes('write')) return undefined;
  for (const word of call.args) {
    if (word.length > valueBytesMax) return valueTooLarge(word.length, valueBytesMax);
  }
  return undefined;
}

function keyTooLong(length: number, max: number): Reply {
  const hint = `it has ${length}; name the object by a digest of the key instead`;
  return error(`ERR key is longer than ${max} bytes (${hint}) [KEY_TOO_LONG]`);
}

function valueTooLarge(length: number, max: number): Reply {
  const hint = `it has ${length}; compress it, or split it over several keys`;
  return error(`ERR value is larger than ${max} bytes (${hint}) [VALUE_TOO_LARGE]`);
}
