// The options behind the key of a KV.… command, in any order and any case: each once, with one
// word behind it.

import { type ConsistencyLevel, levelIn, levelRule } from '../../../../node/store.ts';
import type { Call } from '../../command.ts';
import { error, type Reply, type ReplyNode } from '../../reply.ts';
import { integer64, SYNTAX_ERROR } from '../integer-argument.ts';

export type KvOption = 'R' | 'W' | 'TTL' | 'CONTEXT' | 'IF' | 'AFTER';

export type KvOptions =
  | { readonly kind: 'options'; readonly values: Readonly<Partial<Record<KvOption, Buffer>>> }
  | { readonly kind: 'refused'; readonly reply: Reply };

/** Words from number `from` on; `allowed` of them. */
export function kvOptions(
  args: Call['args'],
  from: number,
  allowed: readonly KvOption[],
): KvOptions {
  const values: Partial<Record<KvOption, Buffer>> = {};
  for (let at = from; at < args.length; at += 2) {
    const typed = (args[at] as Buffer).toString('latin1');
    const name = allowed.find((each) => each === typed.toUpperCase());
    if (name === undefined) {
      const why = `unknown option '${typed}', there are`;
      return refused(error(`ERR ${why} ${allowed.join(', ')} [BAD_OPTION]`));
    }
    const value = args[at + 1];
    if (value === undefined || values[name] !== undefined) return refused(SYNTAX_ERROR);
    values[name] = value;
  }
  return { kind: 'options', values };
}

/** A whole number from 1 to `most`; undefined where there is none; an error where it is wrong. */
export function countIn(
  name: KvOption,
  word: Buffer | undefined,
  most: number,
): number | undefined | ReplyNode {
  if (word === undefined) return undefined;
  const value = integer64(word);
  if (value !== undefined && value >= 1n && value <= BigInt(most)) return Number(value);
  return badOption(`${name} is a whole number from 1 to ${most}`);
}

/** How many replicas to wait for; undefined where nothing is said; an error where it is wrong. */
export function levelOf(
  name: 'R' | 'W',
  word: Buffer | undefined,
): ConsistencyLevel | undefined | ReplyNode {
  if (word === undefined) return undefined;
  return levelIn(word.toString('latin1')) ?? badOption(levelRule(name));
}

function badOption(rule: string): ReplyNode {
  return { kind: 'error', text: `ERR ${rule} [BAD_OPTION]` };
}

function refused(reply: Reply): KvOptions {
  return { kind: 'refused', reply };
}
