// DEL, UNLINK, EXISTS, TOUCH, TYPE: commands about keys whatever they hold. Over many keys they
// run side by side.

import type { Call } from '../command.ts';
import { type Reply, simple } from '../reply.ts';
import { distinct, KeyAccess } from './key-access.ts';
import { noAnswer, unwrittenOfMany } from './outcome-reply.ts';

/** Also UNLINK: a delete writes a tombstone, there is nothing to free later. */
export async function del(call: Call): Promise<Reply> {
  const keys = distinct(call.args.slice(1));
  const outcomes = await new KeyAccess(call).writeAll(keys.map((key) => [key, { kind: 'delete' }]));
  const deleted = outcomes.filter((outcome) => outcome.kind === 'ok').length;
  return unwrittenOfMany(outcomes) ?? deleted;
}

/** Counts a key as often as it is named. Also TOUCH: no key here has a time of last use. */
export async function exists(call: Call): Promise<Reply> {
  let count = 0;
  for (const outcome of await new KeyAccess(call).readAll(call.args.slice(1))) {
    if (outcome.kind === 'no-answer') return noAnswer(outcome);
    if (outcome.kind === 'found') count++;
  }
  return count;
}

export async function type(call: Call): Promise<Reply> {
  const outcome = await new KeyAccess(call).read(call.args[1] as Buffer);
  if (outcome.kind === 'no-answer') return noAnswer(outcome);
  return simple(outcome.kind === 'found' ? 'string' : 'none');
}
