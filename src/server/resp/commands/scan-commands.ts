// The commands over all keys of a keyspace, from wherever they live in the cluster: SCAN, KEYS,
// DBSIZE, FLUSHDB, FLUSHALL. All of them page through listKeys.

import { fanOut } from '../../../base/fan-out.ts';
import type { KeyspaceNumber, Slot } from '../../../base/ids.ts';
import type { KeyPosition } from '../../../node/store.ts';
import { slotOf } from '../../../ring/slot.ts';
import type { Call } from '../command.ts';
import { error, OK, type Reply } from '../reply.ts';
import { Glob, literalPrefix } from './glob.ts';
import { integer64, NOT_AN_INTEGER, SYNTAX_ERROR } from './integer-argument.ts';
import { isUnwritten, noAnswer } from './outcome-reply.ts';
import { cursorOf, positionOf } from './scan-cursor.ts';

/** Redis' default for COUNT. */
const COUNT_DEFAULT = 10;
/** A page of 10,000 keys takes this node some milliseconds; a larger COUNT gets that much. */
const COUNT_MAX = 10_000;
/** Keys per page where the client does not see the pages. */
const PAGE_KEYS = 1000;

interface ScanOptions {
  readonly count: number;
  readonly pattern: Buffer | undefined;
  readonly type: string | undefined;
}

export async function scan(call: Call): Promise<Reply> {
  const from = positionOf(call.args[1] as Buffer);
  if (from === undefined) return error('ERR invalid cursor');
  const options = scanOptions(call.args.slice(2));
  if ('refused' in options) return options.refused;
  const { count, pattern, type } = options;
  // Every value is a string, so a scan for another type is over before it starts.
  if (type !== undefined && type !== 'string') return ['0', []];
  const only = pattern && confinedTo(pattern);
  const start = only !== undefined && from.slot < only ? { slot: only, hash: 0 } : from;
  const { keyspace } = call.session;
  const page = await call.store.listKeys({ keyspace, from: start, count });
  if (page.kind === 'no-answer') return noAnswer(page);
  const isOver = only !== undefined && page.next !== undefined && page.next.slot > only;
  return [cursorOf(isOver ? undefined : page.next), matching(page.keys, pattern)];
}

export async function keys(call: Call): Promise<Reply> {
  const { session, store } = call;
  const pattern = call.args[1] as Buffer;
  const only = confinedTo(pattern);
  const found: Buffer[] = [];
  let from: KeyPosition | undefined = { slot: only ?? (0 as Slot), hash: 0 };
  while (from !== undefined && (only === undefined || from.slot === only)) {
    const page = await store.listKeys({ keyspace: session.keyspace, from, count: PAGE_KEYS });
    if (page.kind === 'no-answer') return noAnswer(page);
    for (const key of matching(page.keys, pattern)) found.push(key);
    from = page.next;
  }
  return found;
}

export function dbsize({ session, store }: Call): Promise<Reply> {
  return store.countKeys(session.keyspace);
}

export async function flushdb(call: Call): Promise<Reply> {
  return flushSyntax(call) ?? (await flush(call, [call.session.keyspace]));
}

export async function flushall(call: Call): Promise<Reply> {
  const everything = call.store.keyspaces.map(({ number }) => number);
  return flushSyntax(call) ?? (await flush(call, everything));
}

/**
 * At once where all nodes are there; else it deletes what it finds, key by key: a tombstone each,
 * and a key written meanwhile may stay. ASYNC and SYNC are the same: the answer comes when it is
 * done.
 */
async function flush({ store, server }: Call, all: readonly KeyspaceNumber[]): Promise<Reply> {
  let deleted = 0;
  for (const keyspace of all) {
    if (await store.flush(keyspace)) continue;
    let from: KeyPosition | undefined = { slot: 0 as Slot, hash: 0 };
    while (from !== undefined) {
      const page = await store.listKeys({ keyspace, from, count: PAGE_KEYS });
      if (page.kind === 'no-answer') return noAnswer(page);
      const outcomes = await fanOut(page.keys, server.limits.inFlightMax, async (key) =>
        store.write({ keyspace, key, change: { kind: 'delete' } }),
      );
      deleted += outcomes.filter((outcome) => outcome.kind === 'ok').length;
      const failed = outcomes.find(isUnwritten);
      if (failed) return flushStopped(deleted, failed.needed, failed.got);
      from = page.next;
    }
  }
  return OK;
}

/** Deleting twice does no harm, so even an indeterminate delete may be retried. */
function flushStopped(deleted: number, needed: number, got: number): Reply {
  const numbers = `W=${needed}, ${got} reachable; ${deleted} keys are deleted; safe to retry`;
  return error(`NOREPLICAS Not enough good replicas to write. (${numbers}) [NOT_ENOUGH_REPLICAS]`);
}

function flushSyntax({ args }: Call): Reply | undefined {
  if (args.length === 1) return undefined;
  const isKnown = /^(async|sync)$/i.test((args[1] as Buffer).toString('latin1'));
  return isKnown && args.length === 2 ? undefined : SYNTAX_ERROR;
}

function matching(found: readonly Buffer[], pattern: Buffer | undefined): readonly Buffer[] {
  if (pattern === undefined || pattern.equals(Buffer.from('*'))) return found;
  const glob = new Glob(pattern);
  return found.filter((key) => glob.matches(key));
}

/** The one slot that can hold keys of a pattern such as `{user1}:*`; undefined: any may. */
function confinedTo(pattern: Buffer): Slot | undefined {
  const prefix = literalPrefix(pattern);
  if (prefix.length === pattern.length) return slotOf(pattern);
  const opening = prefix.indexOf('{');
  const closing = opening < 0 ? -1 : prefix.indexOf('}', opening + 1);
  return closing > opening + 1 ? slotOf(prefix) : undefined;
}

function scanOptions(words: readonly Buffer[]): ScanOptions | { refused: Reply } {
  let count = COUNT_DEFAULT;
  let pattern: Buffer | undefined;
  let type: string | undefined;
  for (let at = 0; at < words.length; at += 2) {
    const option = (words[at] as Buffer).toString('latin1').toLowerCase();
    const value = words[at + 1];
    if (value === undefined) return { refused: SYNTAX_ERROR };
    if (option === 'match') pattern = value;
    else if (option === 'type') type = value.toString('latin1').toLowerCase();
    else if (option === 'count') {
      const given = integer64(value);
      if (given === undefined) return { refused: NOT_AN_INTEGER };
      if (given < 1n) return { refused: SYNTAX_ERROR };
      count = Math.min(Number(given), COUNT_MAX);
    } else return { refused: SYNTAX_ERROR };
  }
  return { count, pattern, type };
}
