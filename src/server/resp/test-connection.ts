// One client's connection as the unit tests of the commands need it: no socket; lines of words in
// (`SET k "a b"`), reply values out. It does what the real connection does around a command:
// finds it, checks its arity, runs it.

import { nodeClock } from '../../host/node-clock.ts';
import type { Store } from '../../node/store.ts';
import { findCommand } from './command-table.ts';
import { replyOfThrown } from './error-words.ts';
import { splitInlineWords } from './inline-words.ts';
import { DEFAULT_RESP_LIMITS } from './limits.ts';
import { refusal } from './refusal.ts';
import type { Reply } from './reply.ts';
import { runCommand } from './run-command.ts';
import { freshCounters, type RespServerInfo } from './server-info.ts';
import { newSession, type Session } from './session.ts';

const STARTED_AT_MS = 1_700_000_000_000;

type Writable<T> = { -readonly [Name in keyof T]: T[Name] };

export function testServer(sessions: readonly Session[]): Writable<RespServerInfo> {
  return {
    clock: nodeClock(),
    startedAtMs: STARTED_AT_MS,
    port: 7001,
    redirect: 'auto',
    limits: DEFAULT_RESP_LIMITS,
    counters: { ...freshCounters(), connectionsAccepted: 1 },
    isReady: () => true,
    sessions: () => sessions,
    connectionCount: () => sessions.length,
  };
}

export class TestConnection {
  readonly store: Store;
  readonly session = newSession({
    id: 1,
    remoteAddress: '127.0.0.1:50001',
    localAddress: '127.0.0.1:7001',
    connectedAtMs: STARTED_AT_MS,
  });
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
    const refused = refusal(found, args, true);
    if (refused !== undefined || found.kind !== 'command') return refused ?? null;
    const { session, store, server } = this;
    try {
      return await runCommand(found.command, { args, session, store, server });
    } catch (thrown) {
      const reply = replyOfThrown(thrown);
      if (reply === undefined) throw thrown;
      return reply;
    }
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
