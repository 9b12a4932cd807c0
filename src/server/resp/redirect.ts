// Forward or MOVED? A plain client gets its answer from any node: the store forwards. A client
// that is known to route by slots is told MOVED, so that its map becomes right, but only once per
// slot and target: one that goes on asking here has its reasons, and a hop is better than a loop
// of redirections. (A slot gets another target by a new epoch, or when its node dies.)
// `redirect: 'moved'` always says MOVED, as Redis Cluster does; `'forward'` never.
//
// Keys of several slots are forwarded: no single node would be right. Only 'moved' answers
// CROSSSLOT, as Redis does.

import { type Slot, splitAddress } from '../../base/ids.ts';
import { slotOf } from '../../ring/slot.ts';
import type { Call } from './command.ts';
import { error, type Reply } from './reply.ts';

/** More are not remembered: the set starts anew, and a slot may be said twice. */
const REMEMBERED_MAX = 16_384;
const CROSS_SLOT = error("CROSSSLOT Keys in request don't hash to the same slot");

/** The redirection that answers this call; undefined: run it here. */
export function maybeMoved(call: Call, keys: readonly Buffer[]): Reply | undefined {
  const { session, store, server } = call;
  if (keys.length === 0 || server.redirect === 'forward') return undefined;
  const isForced = server.redirect === 'moved';
  if (!isForced && !session.isClusterAware) return undefined;
  const slot = commonSlot(keys);
  if (slot === undefined) return isForced ? CROSS_SLOT : undefined;
  const route = store.route(session.keyspace, slot);
  if (route.isLocal) return undefined;
  const { id, clientAddress } = route.target;
  if (!isForced) {
    const said = `${session.keyspace}:${slot}@${id}`;
    if (session.movedFrom.has(said)) return undefined;
    if (session.movedFrom.size >= REMEMBERED_MAX) session.movedFrom.clear();
    session.movedFrom.add(said);
  }
  server.counters.moved++;
  const { host, port } = splitAddress(clientAddress);
  return error(`MOVED ${slot} ${host}:${port}`);
}

function commonSlot(keys: readonly Buffer[]): Slot | undefined {
  const slot = slotOf(keys[0] as Buffer);
  for (let at = 1; at < keys.length; at++) {
    if (slotOf(keys[at] as Buffer) !== slot) return undefined;
  }
  return slot;
}
