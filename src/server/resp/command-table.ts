// Every command that the Redis door knows, put together from one table per group.

import type { CommandEntry } from './command-entry.ts';
import { CommandIndex, type FoundCommand } from './command-index.ts';
import { KEY_COMMANDS } from './command-table-keys.ts';
import { STRING_COMMANDS } from './command-table-string.ts';

export type { FoundCommand } from './command-index.ts';

const index = new CommandIndex();
index.add(STRING_COMMANDS);
index.add(KEY_COMMANDS);

export const COMMANDS: readonly CommandEntry[] = index.commands;

/** Finds the command, or the subcommand, that the first words name in any case. */
export function findCommand(args: readonly Buffer[]): FoundCommand {
  return index.find(args);
}
