// The words after SET key value: which of them go together, exactly as Redis 7.0 has it (an
// option may be repeated, the last one counts; two different expiries are a syntax error).

import type { PutExpiry } from '../../../node/store.ts';
import type { Reply } from '../reply.ts';
import { type ExpiryTime, type ExpiryUnit, expiryTime, invalidExpireTime } from './expiry-time.ts';
import { integer64, SYNTAX_ERROR } from './integer-argument.ts';

export type SetOptions =
  | {
      readonly kind: 'options';
      readonly expiresAt: PutExpiry;
      readonly condition: 'absent' | 'present' | undefined;
      readonly returnPrevious: boolean;
    }
  | { readonly kind: 'refused'; readonly reply: Reply };

const UNITS = new Map<string, ExpiryUnit>([
  ['ex', { isSeconds: true, isAbsolute: false }],
  ['px', { isSeconds: false, isAbsolute: false }],
  ['exat', { isSeconds: true, isAbsolute: true }],
  ['pxat', { isSeconds: false, isAbsolute: true }],
]);
const SYNTAX: SetOptions = { kind: 'refused', reply: SYNTAX_ERROR };

/** `args` is the whole command. */
export function setOptions(args: readonly Buffer[], nowMs: number): SetOptions {
  let condition: 'absent' | 'present' | undefined;
  let expiry = 'none';
  let time: Buffer | undefined;
  let returnPrevious = false;
  for (let at = 3; at < args.length; at++) {
    const word = (args[at] as Buffer).toString('latin1').toLowerCase();
    if (word === 'nx' && condition !== 'present') condition = 'absent';
    else if (word === 'xx' && condition !== 'absent') condition = 'present';
    else if (word === 'get') returnPrevious = true;
    else if (word === 'keepttl' && (expiry === 'none' || expiry === 'keep')) expiry = 'keep';
    else if (UNITS.has(word) && (expiry === 'none' || expiry === word) && args[at + 1]) {
      expiry = word;
      time = args[++at];
    } else return SYNTAX;
  }
  if (time === undefined) {
    return {
      kind: 'options',
      expiresAt: expiry === 'keep' ? 'keep' : 'default',
      condition,
      returnPrevious,
    };
  }
  const expiryAt = setExpiry(time, UNITS.get(expiry) as ExpiryUnit, nowMs);
  if (expiryAt.kind === 'refused') return expiryAt;
  return { kind: 'options', expiresAt: expiryAt.wallMs, condition, returnPrevious };
}

/** SET refuses what is not positive; a moment in the past is fine, the value is then expired. */
function setExpiry(time: Buffer, unit: ExpiryUnit, nowMs: number): ExpiryTime {
  const given = integer64(time);
  if (given !== undefined && given <= 0n)
    return { kind: 'refused', reply: invalidExpireTime('set') };
  return expiryTime(time, unit, nowMs, 'set');
}
