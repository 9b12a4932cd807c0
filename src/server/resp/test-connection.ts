// One client's connection as the unit tests of the commands need it: no socket; lines of words in
// (`SET k "a b"`), reply values out. It does what the real connection does around a command:
// finds it, checks its arity, runs it.

import type { KeyspaceNumber } from '../../base/ids.ts';
import type { Store } from '../../node/store.ts';
import { findCommand } from './command-table.ts';
import { splitInlineWords } from './inline-words.ts';
import { DEFAULT_RESP_LIMITS } from './limits.ts';
import { error, type Reply } from './reply.ts';
import { runCommand } from './run-command.ts';
import type { RespServerInfo } from './server-info.ts';
import type { Session } from './session.ts';

type Writable<T> = { -readonly [Name in keyof T]: T[Name] };

export function testSession(id = 1): Session {
  return {
    id,
    remoteAddress: '127.0.0.1:50001',
    localAddress: '127.0.0.1:7001',
    connectedAtMs: 1_700_000_000_000,
    protocol: 2,
    name: '',
    libraryName: '',
    libraryVersion: '',
    keyspace: 0 as KeyspaceNumber,
    replyMode: 'on',
    isNoEvict: false,
    isNoTouch: false,
    isClusterAware: false,
    movedFrom: new Set(),
    lastWrite: undefined,
    lastCommand: '',
    lastActiveMs: 1_700_000_000_000,
    commandCount: 0,
    bytesIn: 0,
    bytesOut: 0,
    isQuitting: false,
  };
}

export function testServer(sessions: readonly Session[]): Writable<RespServerInfo> {
  return {
    startedAtMs: 1_700_000_000_000,
    port: 7001,
    redirect: 'auto',
    limits: DEFAULT_RESP_LIMITS,
    counters: {
      connectionsAccepted: 1,
      connectionsRefused: 0,
      commands: 0,
      errorReplies: 0,
      keyspaceHits: 0,
      keyspaceMisses: 0,
      bytesIn: 0,
      bytesOut: 0,
      moved: 0,
    },
    sessions: () => sessions,
    connectionCount: () => sessions.length,
  };
}

export class TestConnection {
  readonly store: Store;
  readonly session = testSession();
  readonly server = testServer([this.session]);

  constructor(store: Store) {
    this.store = store;
  }

  /** Runs one line, words quoted as in an inline command. */
  run(line: string): Promise<Reply> {
    return this.runWords(splitInlineWords(Buffer.from(line, 'latin1')) ?? []);
  }

  async runWords(args: readonly Buffer[]): Promise<Reply> {
    const found = findCommand(args);
    if (found.kind === 'unknown-command') {
      const rest = args.slice(1).map((word) => `'${word}' `);
      return error(`ERR unknown command '${args[0]}', with args beginning with: ${rest.join('')}`);
    }
    if (found.kind === 'unknown-subcommand') {
      const parent = found.parent.name.toUpperCase();
      return error(`ERR unknown subcommand '${args[1]}'. Try ${parent} HELP.`);
    }
    const { command } = found;
    const { arity } = command;
    if (arity < 0 ? args.length < -arity : args.length !== arity) {
      return error(`ERR wrong number of arguments for '${command.name}' command`);
    }
    const { session, store, server } = this;
    return runCommand(command, { args, session, store, server });
  }
}

/** Replies in redis-cli's spelling. */
export function shown(reply: Reply): unknown {
  if (Buffer.isBuffer(reply)) return reply.toString();
  if (Array.isArray(reply)) return reply.map(shown);
  if (reply === null || typeof reply !== 'object') return reply;
  if ('kind' in reply && reply.kind === 'simple') return `+${reply.text}`;
  if ('kind' in reply && reply.kind === 'error') return `-${reply.text}`;
  return reply;
}
