// Every command that the Redis door knows, put together from one table per group.

import { CLIENT_COMMANDS } from './table/client-table.ts';
import { CLUSTER_COMMANDS } from './table/cluster-table.ts';
import type { CommandEntry } from './table/command-entry.ts';
import { CommandIndex, type FoundCommand } from './table/command-index.ts';
import { CONNECTION_COMMANDS, ROUTING_COMMANDS } from './table/connection-table.ts';
import { EXPIRY_COMMANDS } from './table/expiry-table.ts';
import { introspectionCommands } from './table/introspection-table.ts';
import { KEY_COMMANDS } from './table/keys-table.ts';
import { KV_COMMANDS } from './table/kv-table.ts';
import { SCAN_COMMANDS } from './table/scan-table.ts';
import { SERVER_COMMANDS } from './table/server-table.ts';
import { STRING_COMMANDS } from './table/string-table.ts';

export type { FoundCommand } from './table/command-index.ts';

const index = new CommandIndex([
  ...STRING_COMMANDS,
  ...KEY_COMMANDS,
  ...EXPIRY_COMMANDS,
  ...SCAN_COMMANDS,
  ...CONNECTION_COMMANDS,
  ...CLIENT_COMMANDS,
  ...SERVER_COMMANDS,
  ...CLUSTER_COMMANDS,
  ...ROUTING_COMMANDS,
  ...KV_COMMANDS,
]);
index.add(introspectionCommands(index));

export const COMMANDS: readonly CommandEntry[] = index.commands;

/** Finds the command, or the subcommand, that the first words name in any case. */
export function findCommand(args: readonly Buffer[]): FoundCommand {
  return index.find(args);
}
