// GET, STRLEN, SET, MGET, MSET. In a keyspace that keeps siblings they see the newest value: a
// Redis client has no place to put the others.

import type { Change } from '../../../node/store.ts';
import type { Call } from '../command.ts';
import { error, OK, type Reply } from '../reply.ts';
import { KeyAccess } from './key-access.ts';
import { isUnwritten, noAnswer, unwritten, unwrittenOfMany } from './outcome-reply.ts';
import { setOptions } from './set-options.ts';

export async function get(call: Call): Promise<Reply> {
  const outcome = await new KeyAccess(call).read(call.args[1] as Buffer);
  if (outcome.kind === 'no-answer') return noAnswer(outcome);
  return outcome.kind === 'found' ? newest(outcome.values) : null;
}

/** `redis-cli --bigkeys` asks it of every key. */
export async function strlen(call: Call): Promise<Reply> {
  const outcome = await new KeyAccess(call).read(call.args[1] as Buffer);
  if (outcome.kind === 'no-answer') return noAnswer(outcome);
  return outcome.kind === 'found' ? (outcome.values[0]?.value.length ?? 0) : 0;
}

export async function set(call: Call): Promise<Reply> {
  const { args, store } = call;
  const [, key, value] = args as readonly [Buffer, Buffer, Buffer];
  const keys = new KeyAccess(call);
  if (args.length === 3) {
    const outcome = await keys.write(key, { kind: 'put', value, expiresAt: 'default' });
    return isUnwritten(outcome) ? unwritten(outcome) : OK;
  }
  const options = setOptions(args, store.wallMs());
  if (options.kind === 'refused') return options.reply;
  const { expiresAt, condition, returnPrevious } = options;
  const change: Change = { kind: 'put', value, expiresAt };
  const outcome = await keys.write(key, change, { condition, returnPrevious });
  if (isUnwritten(outcome)) return unwritten(outcome);
  if (returnPrevious) return outcome.previous?.value ?? null;
  return outcome.kind === 'ok' ? OK : null;
}

export async function mget(call: Call): Promise<Reply> {
  const values: Reply[] = [];
  for (const outcome of await new KeyAccess(call).readAll(call.args.slice(1))) {
    // A hole would read as "missing", so one key without an answer fails the command.
    if (outcome.kind === 'no-answer') return noAnswer(outcome);
    values.push(outcome.kind === 'found' ? newest(outcome.values) : null);
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

function newest(values: readonly { readonly value: Buffer }[]): Reply {
  return values[0]?.value ?? null;
}
