// Reads and writes of keys on behalf of one call: in the session's keyspace, counted as hits and
// misses, and remembered for WAIT. Every handler that touches a key goes through here.

import type { Change, GetOutcome, WriteOutcome, WriteRequest } from '../../node/store.ts';
import type { Call } from './command.ts';
import { fanOut } from './fan-out.ts';
import { leastReplicated } from './outcome-reply.ts';

type Condition = Pick<WriteRequest, 'condition' | 'returnPrevious'>;

export async function readKey(call: Call, key: Buffer): Promise<GetOutcome> {
  const outcome = await call.store.get({ keyspace: call.session.keyspace, key });
  if (outcome.kind === 'found') call.server.counters.keyspaceHits++;
  else if (outcome.kind === 'missing') call.server.counters.keyspaceMisses++;
  return outcome;
}

export async function writeKey(
  call: Call,
  key: Buffer,
  change: Change,
  condition?: Condition,
): Promise<WriteOutcome> {
  const { session, store } = call;
  const outcome = await store.write({ keyspace: session.keyspace, key, change, ...condition });
  if (outcome.kind === 'ok') session.lastWrite = outcome;
  return outcome;
}

export function readKeys(call: Call, keys: readonly Buffer[]): Promise<GetOutcome[]> {
  return fanOut(keys, call.server.limits.inFlightMax, (key) => readKey(call, key));
}

/** One change per key; duplicates of a key must have been removed, for their order is open. */
export async function writeKeys(
  call: Call,
  writes: readonly (readonly [key: Buffer, change: Change])[],
): Promise<WriteOutcome[]> {
  const { limits } = call.server;
  const outcomes = await fanOut(writes, limits.inFlightMax, ([key, change]) =>
    writeKey(call, key, change),
  );
  call.session.lastWrite = leastReplicated(outcomes) ?? call.session.lastWrite;
  return outcomes;
}

/** Each key once, at its first place. */
export function distinct(keys: readonly Buffer[]): readonly Buffer[] {
  if (keys.length < 2) return keys;
  return [...new Map(keys.map((key) => [key.toString('latin1'), key])).values()];
}
