// GET, STRLEN, SET, MGET, MSET. In a keyspace that keeps siblings they see the newest value: a
// Redis client has no place to put the others. With a merge function they see the merged one, or an
// error: who put one there counts on all of them.

import type { Later } from '../../../base/later.ts';
import type { Change, GetOutcome, WriteOutcome } from '../../../node/store.ts';
import type { Call } from '../command.ts';
import { error, OK, type Reply } from '../reply.ts';
import { KeyAccess } from './key-access.ts';
import { isUnwritten, noAnswer, unmerged, unwritten, unwrittenOfMany } from './outcome-reply.ts';
import { setOptions } from './set-options.ts';

export function get(call: Call): Later<Reply> {
  return new KeyAccess(call).readThen(call.args[1] as Buffer, valueReply);
}

/** `redis-cli --bigkeys` asks it of every key. */
export function strlen(call: Call): Later<Reply> {
  return new KeyAccess(call).readThen(call.args[1] as Buffer, lengthReply);
}

export function set(call: Call): Later<Reply> {
  const { args, store } = call;
  const [, key, value] = args as readonly [Buffer, Buffer, Buffer];
  const keys = new KeyAccess(call);
  if (args.length === 3) {
    return keys.writeThen(key, { kind: 'put', value, expiresAt: 'default' }, writtenReply);
  }
  const options = setOptions(args, store.wallMs());
  if (options.kind === 'refused') return options.reply;
  const { expiresAt, condition, returnPrevious } = options;
  const change: Change = { kind: 'put', value, expiresAt };
  const answer = returnPrevious ? previousReply : writtenReply;
  return keys.writeThen(key, change, answer, { condition, returnPrevious });
}

export async function mget(call: Call): Promise<Reply> {
  const values: Reply[] = [];
  for (const outcome of await new KeyAccess(call).readAll(call.args.slice(1))) {
    // A hole would read as "missing", so one key without an answer fails the command.
    const refusal = refusalOf(outcome);
    if (refusal !== undefined) return refusal;
    values.push(valueReply(outcome));
  }
  return values;
}

/** Each key on its own: not atomic over keys, which on Kvorum may live on different nodes. */
export async function mset(call: Call): Promise<Reply> {
  const { args } = call;
  if (args.length % 2 === 0) return error("ERR wrong number of arguments for 'mset' command");
  const writes = new Map<string, readonly [Buffer, Change]>();
  for (let at = 1; at < args.length; at += 2) {
    const key = args[at] as Buffer;
    const change: Change = { kind: 'put', value: args[at + 1] as Buffer, expiresAt: 'default' };
    writes.set(key.toString('latin1'), [key, change]);
  }
  return unwrittenOfMany(await new KeyAccess(call).writeAll([...writes.values()])) ?? OK;
}

/** Why it holds no value to answer with; undefined: there is one, or none at all. */
function refusalOf(outcome: GetOutcome): Reply | undefined {
  if (outcome.kind === 'no-answer') return noAnswer(outcome);
  if (outcome.kind === 'found' && outcome.merge?.kind === 'unmerged') {
    return unmerged(outcome.merge.why);
  }
  return undefined;
}

function valueReply(outcome: GetOutcome): Reply {
  const refusal = refusalOf(outcome);
  if (refusal !== undefined) return refusal;
  return outcome.kind === 'found' ? newest(outcome.values) : null;
}

function lengthReply(outcome: GetOutcome): Reply {
  const refusal = refusalOf(outcome);
  if (refusal !== undefined) return refusal;
  return outcome.kind === 'found' ? (outcome.values[0]?.value.length ?? 0) : 0;
}

/** Null: the condition did not hold. */
function writtenReply(outcome: WriteOutcome): Reply {
  if (isUnwritten(outcome)) return unwritten(outcome);
  return outcome.kind === 'ok' ? OK : null;
}

function previousReply(outcome: WriteOutcome): Reply {
  return isUnwritten(outcome) ? unwritten(outcome) : (outcome.previous?.value ?? null);
}

function newest(values: readonly { readonly value: Buffer }[]): Reply {
  return values[0]?.value ?? null;
}
