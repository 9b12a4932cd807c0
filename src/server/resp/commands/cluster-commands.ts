// CLUSTER: where which slot is, and which keys a slot has. Whoever asks for the map of slots
// routes by it, and so will understand MOVED.

import { SLOT_COUNT, type Slot } from '../../../base/ids.ts';
import { slotOf } from '../../../ring/slot.ts';
import type { Call } from '../command.ts';
import { error, type Reply } from '../reply.ts';
import { infoText, nodesText, shardsReply, slotsReply } from './cluster-view.ts';
import { integer64, NOT_AN_INTEGER } from './integer-argument.ts';
import { noAnswer } from './outcome-reply.ts';

export function clusterSlots({ session, store }: Call): Reply {
  session.isClusterAware = true;
  return slotsReply(store.status(), session.localAddress);
}

export function clusterShards({ session, store }: Call): Reply {
  session.isClusterAware = true;
  return shardsReply(store.status(), session.localAddress);
}

export function clusterNodes({ session, store }: Call): Reply {
  session.isClusterAware = true;
  return { kind: 'verbatim', text: nodesText(store.status(), session.localAddress) };
}

export function clusterInfo({ store }: Call): Reply {
  return { kind: 'verbatim', text: infoText(store.status()) };
}

export function clusterMyid({ store }: Call): Reply {
  return store.status().self;
}

export function clusterKeyslot({ args }: Call): Reply {
  return slotOf(args[2] as Buffer);
}

/** As this node has it: a replica counts too. */
export function clusterCountkeysinslot({ args, session, store }: Call): Reply {
  const slot = integer64(args[2]);
  if (slot === undefined) return NOT_AN_INTEGER;
  if (!isSlot(slot)) return error('ERR Invalid slot');
  return store.countKeysInSlot(session.keyspace, Number(slot) as Slot);
}

export async function clusterGetkeysinslot({ args, session, store }: Call): Promise<Reply> {
  const [slot, count] = [integer64(args[2]), integer64(args[3])];
  if (slot === undefined || count === undefined) return NOT_AN_INTEGER;
  if (!isSlot(slot) || count < 0n) return error('ERR Invalid slot or number of keys');
  const { keyspace } = session;
  const wanted = Math.min(Number(count), store.countKeysInSlot(keyspace, Number(slot) as Slot));
  const keys: Buffer[] = [];
  let from = { slot: Number(slot) as Slot, hash: 0 };
  while (keys.length < wanted) {
    const page = await store.listKeys({ keyspace, from, count: wanted - keys.length });
    if (page.kind === 'no-answer') return noAnswer(page);
    for (const key of page.keys) {
      if (keys.length < wanted && slotOf(key) === Number(slot)) keys.push(key);
    }
    if (page.next === undefined || page.next.slot !== Number(slot)) break;
    from = page.next;
  }
  return keys;
}

/** Redis lists the links of its cluster bus; ours are no client's business. */
export function clusterLinks(): Reply {
  return [];
}

function isSlot(slot: bigint): boolean {
  return slot >= 0n && slot < BigInt(SLOT_COUNT);
}
