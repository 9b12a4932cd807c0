// EXPIRE and its three sisters, TTL and its three, PERSIST. An expiry is an absolute time inside
// the version, so that replicas agree on it; a time that has already come deletes the key.

import type { Change, WriteOutcome } from '../../../node/store.ts';
import type { Call, Handler } from '../command.ts';
import { error, type Reply } from '../reply.ts';
import { type ExpiryUnit, expiryTime } from './expiry-time.ts';
import { KeyAccess } from './key-access.ts';
import { isUnwritten, noAnswer, unwritten } from './outcome-reply.ts';

interface ExpireConditions {
  readonly nx: boolean;
  readonly xx: boolean;
  readonly gt: boolean;
  readonly lt: boolean;
}

const NEVER = 0;
const NO_KEY = -2;
const NO_EXPIRY = -1;

/** The handler of EXPIRE, PEXPIRE, EXPIREAT or PEXPIREAT. */
export function expire(command: string, unit: ExpiryUnit): Handler {
  return async (call) => {
    const { args, store } = call;
    const keys = new KeyAccess(call);
    const conditions = expireConditions(args.slice(3));
    if ('refused' in conditions) return conditions.refused;
    const time = expiryTime(args[2] as Buffer, unit, store.wallMs(), command);
    if (time.kind === 'refused') return time.reply;
    const key = args[1] as Buffer;
    if (args.length > 3) {
      // Best effort: between this read and the write another client may change the expiry. Only
      // a linearizable keyspace could decide and write in one step.
      const outcome = await keys.read(key);
      if (outcome.kind === 'no-answer') return noAnswer(outcome);
      const current = outcome.kind === 'found' ? outcome.values[0]?.expiresAt : undefined;
      if (current === undefined || !mayExpire(conditions, current, time.wallMs)) return 0;
    }
    const hasCome = time.wallMs <= store.wallMs();
    const expiresAt = time.wallMs;
    const change: Change = hasCome ? { kind: 'delete' } : { kind: 'expire', expiresAt };
    return countOf(await keys.write(key, change));
  };
}

/** The handler of TTL, PTTL, EXPIRETIME or PEXPIRETIME. */
export function timeToLive({ isSeconds, isAbsolute }: ExpiryUnit): Handler {
  return async (call) => {
    const outcome = await new KeyAccess(call).read(call.args[1] as Buffer);
    if (outcome.kind === 'no-answer') return noAnswer(outcome);
    if (outcome.kind === 'missing') return NO_KEY;
    const expiresAt = outcome.values[0]?.expiresAt ?? NEVER;
    if (expiresAt === NEVER) return NO_EXPIRY;
    const ms = isAbsolute ? expiresAt : Math.max(0, expiresAt - call.store.wallMs());
    return isSeconds ? Math.floor((ms + 500) / 1000) : ms;
  };
}

export async function persist(call: Call): Promise<Reply> {
  const key = call.args[1] as Buffer;
  const keys = new KeyAccess(call);
  // Best effort, as above; the read tells a key without an expiry, which answers 0.
  const outcome = await keys.read(key);
  if (outcome.kind === 'no-answer') return noAnswer(outcome);
  if (outcome.kind === 'missing' || outcome.values[0]?.expiresAt === NEVER) return 0;
  return countOf(await keys.write(key, { kind: 'expire', expiresAt: NEVER }));
}

/** 1: written; 0: there was no key. */
function countOf(outcome: WriteOutcome): Reply {
  if (isUnwritten(outcome)) return unwritten(outcome);
  return outcome.kind === 'ok' ? 1 : 0;
}

function mayExpire({ nx, xx, gt, lt }: ExpireConditions, current: number, wanted: number): boolean {
  if (nx && current !== NEVER) return false;
  if (xx && current === NEVER) return false;
  // No expiry counts as an infinite one.
  if (gt && (current === NEVER || wanted <= current)) return false;
  if (lt && current !== NEVER && wanted >= current) return false;
  return true;
}

function expireConditions(words: readonly Buffer[]): ExpireConditions | { refused: Reply } {
  const given = new Set<string>();
  for (const word of words) {
    const option = word.toString('latin1').toLowerCase();
    if (!['nx', 'xx', 'gt', 'lt'].includes(option)) {
      return { refused: error(`ERR Unsupported option ${word.toString('latin1')}`) };
    }
    given.add(option);
  }
  const [nx, xx, gt, lt] = ['nx', 'xx', 'gt', 'lt'].map((option) => given.has(option));
  if (nx && (xx || gt || lt)) {
    const text = 'ERR NX and XX, GT or LT options at the same time are not compatible';
    return { refused: error(text) };
  }
  if (gt && lt) {
    return { refused: error('ERR GT and LT options at the same time are not compatible') };
  }
  return { nx: nx === true, xx: xx === true, gt: gt === true, lt: lt === true };
}
