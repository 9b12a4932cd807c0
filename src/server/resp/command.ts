// The shape of one Redis command: data that COMMAND prints, and the function that answers it.
// The table of all of them is command-table.ts; the functions are grouped in commands-….ts.

import type { Store } from '../../node/store.ts';
import type { Reply } from './reply.ts';
import type { RespServerInfo } from './server-info.ts';
import type { Session } from './session.ts';

export interface Command {
  /** Lower case, as clients may type it in any case; a subcommand is `client|id`. */
  readonly name: string;
  /** Number of words with the name; negative: at least that many. */
  readonly arity: number;
  readonly flags: readonly string[];
  readonly keys: KeyPositions;
  /** With the leading `@`. */
  readonly categories: readonly string[];
  readonly tips: readonly string[];
  readonly docs: CommandDocs;
  readonly subcommands?: readonly Command[];
  /** Absent where only subcommands can be called. */
  readonly run?: Handler;
}

/** Redis' (first key, last key, step); all zero without keys. `last` -1: the last argument. */
export interface KeyPositions {
  readonly first: number;
  readonly last: number;
  readonly step: number;
}

export interface CommandDocs {
  readonly summary: string;
  readonly since: string;
  readonly group: string;
  readonly complexity: string;
}

/** Arity was checked; `args[0]` is the name as typed (for a subcommand `args[1]` is its name). */
export type Handler = (call: Call) => Reply | Promise<Reply>;

export interface Call {
  /** Views of the connection's input that stay valid until the reply. */
  readonly args: readonly Buffer[];
  readonly session: Session;
  readonly store: Store;
  readonly server: RespServerInfo;
}
