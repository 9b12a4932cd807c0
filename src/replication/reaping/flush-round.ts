// Empties a keyspace at once, by floors (floor.ts) instead of a tombstone for each key: what had a
// name when the flush began is obsolete by decree, so a floor that covers it needs no levelling.
// All members must live, and answer; else nothing is certain, and keys are deleted one by one.
//
//   1. begin   all members take down from here on in which slots something is written
//   2. again   all say how far they have counted: whatever is named later is taken down by all who
//              get it, for all were listening before
//   3. flush   all raise the floors of all their slots, and drop them, but those taken down, in
//              which they look for what is named later
//
// A write that runs beside the flush comes before or after it, as a whole.

import type { KeyspaceNumber } from '../../base/ids.ts';
import { EMPTY_VECTOR } from '../../causality/version-vector.ts';
import type { Position, Request } from '../messages.ts';
import type { MemberIndex } from '../peers.ts';
import { raisedFloor } from './floor.ts';
import type { Ask } from './reap-round.ts';

/** Whether all that was written before is gone, durably, everywhere. Never rejects. */
export async function flushKeyspace(
  ask: Ask,
  members: readonly MemberIndex[],
  keyspace: KeyspaceNumber,
): Promise<boolean> {
  const begun = await positions(ask, members, () => ({ kind: 'begin-flush', keyspace, token: 0 }));
  if (begun === undefined) return false;
  const token = (place: number) => (begun[place] as Position).token;
  const reached = await positions(ask, members, (place) => {
    return { kind: 'begin-flush', keyspace, token: token(place) };
  });
  if (reached === undefined) return false;
  const floor = raisedFloor(reached.map(({ last }) => ({ last, floor: EMPTY_VECTOR })));
  const answers = await Promise.all(
    members.map((member, place) => {
      return ask(member, { kind: 'flush', keyspace, token: token(place), floor });
    }),
  );
  return answers.every((answer) => answer.kind === 'flushed');
}

/** Undefined when one of them does not say. */
async function positions(
  ask: Ask,
  members: readonly MemberIndex[],
  requestOf: (place: number) => Request,
): Promise<readonly Position[] | undefined> {
  const answers = await Promise.all(members.map((member, place) => ask(member, requestOf(place))));
  const found = answers.filter((answer) => answer.kind === 'position');
  return found.length < answers.length ? undefined : found;
}
