// Which of a command's words are keys, and how commands may overtake each other on a connection:
// commands on different keys may run side by side, a barrier waits for all before it and is
// waited for by all after it.

import type { Command } from './command.ts';

const NONE: readonly Buffer[] = [];

/** Commands without keys that nevertheless see or change data. */
const BARRIERS = new Set(['scan', 'keys', 'dbsize', 'flushdb', 'flushall', 'wait']);

/** The keys among `args`, in their order, duplicates included; arity was checked. */
export function keysOf(command: Command, args: readonly Buffer[]): readonly Buffer[] {
  const { first, last, step } = command.keys;
  if (first === 0) return NONE;
  if (last === first) return [args[first] as Buffer];
  const end = last < 0 ? args.length + last : last;
  const keys: Buffer[] = [];
  for (let at = first; at <= end; at += step) keys.push(args[at] as Buffer);
  return keys;
}

/** Whether it puts values whatever was there before: SET without NX, XX, GET, KEEPTTL; MSET. */
export function isPlainWrite(command: Command, args: readonly Buffer[]): boolean {
  if (command.name === 'mset') return true;
  if (command.name !== 'set') return false;
  if (args.length === 3) return true;
  return args.length === 5 && /^(ex|px|exat|pxat)$/i.test((args[3] as Buffer).toString('latin1'));
}

/** Whether it touches data without naming keys, so that its place among the others matters. */
export function isBarrier(command: Command): boolean {
  return BARRIERS.has(command.name);
}
