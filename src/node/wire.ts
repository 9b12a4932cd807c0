// A frame between nodes: who speaks, for which cluster and epoch, and the sender's hybrid time;
// then everything that he has to say to the other in one turn of the event loop, one message
// behind the other, so that a header, a checksum and a system call serve all of them. Every frame
// names its cluster, so that a stranger on the right port is refused at the first word.
//
//   frame    u8 format = 13 │ u64 hybrid time │ u32 cluster tag │ u32 sender's node number
//            varint epoch │ message*
//   message  u8 direction: 1 request, 2 reply │ u32 question id │ replication/message-format.ts
//            u8 direction: 3 gossip │ u32 exchange │ membership/gossip-message.ts
//            u8 direction: 4 relay │ u32 question id │ varint count │ u32 node number* │ request
//            u8 direction: 5 relayed │ u32 question id │ u32 node number of who asks │ request
//
// A relay is carried out by whoever gets it, and passed on by him to the members that it names, as
// `relayed`; each of them answers whoever asked. Only a copy to be stored travels so.

import { type ByteReader, type ByteWriter, badBytes } from '../base/bytes.ts';
import type { ClusterId } from '../base/ids.ts';
import type { HybridTime } from '../causality/hybrid-clock.ts';
import { type GossipMessage, readGossip, writeGossip } from '../membership/gossip-message.ts';
import { readReply, readRequest, writeReply, writeRequest } from '../replication/message-format.ts';
import type { Reply, Request, StoreRequest } from '../replication/messages.ts';
import { readMany } from '../replication/outcome-format.ts';

const WIRE_FORMAT = 13;
const TIME_OFFSET = 1;
const REQUEST = 1;
const REPLY = 2;
const GOSSIP = 3;
const RELAY = 4;
const RELAYED = 5;
const DIRECTIONS = {
  request: REQUEST,
  reply: REPLY,
  gossip: GOSSIP,
  relay: RELAY,
  relayed: RELAYED,
} as const;

export const FRAME_HEADER_BYTES_MAX = 25;

/** Of one sender, unchanged for a whole epoch. */
export interface Speaker {
  /** First 32 bits of the cluster id. */
  readonly clusterTag: number;
  readonly sender: number;
  readonly epoch: number;
}

export interface FrameHeader extends Speaker {
  readonly time: HybridTime;
}

export type Message =
  | { readonly kind: 'request'; readonly questionId: number; readonly request: Request }
  | { readonly kind: 'reply'; readonly questionId: number; readonly reply: Reply }
  | { readonly kind: 'gossip'; readonly questionId: number; readonly gossip: GossipMessage }
  | Relay
  | Relayed;

/** Carry this out, and pass it on to those with these node numbers. */
export interface Relay {
  readonly kind: 'relay';
  readonly questionId: number;
  readonly targets: readonly number[];
  readonly request: StoreRequest;
}

/** Carry this out, and answer the node with this number. */
export interface Relayed {
  readonly kind: 'relayed';
  readonly questionId: number;
  readonly asker: number;
  readonly request: StoreRequest;
}

export function clusterTagOf(id: ClusterId): number {
  return Number.parseInt(id.slice(0, 8), 16);
}

/** Begins a frame; its time is set when it leaves. */
export function writeHeader(w: ByteWriter, speaker: Speaker): void {
  w.u8(WIRE_FORMAT);
  w.u32(0);
  w.u32(0);
  w.u32(speaker.clusterTag);
  w.u32(speaker.sender);
  w.varint(speaker.epoch);
}

/** Of the one frame in `w`: not before anything that it tells. */
export function setTime(w: ByteWriter, time: HybridTime): void {
  w.patchU32(TIME_OFFSET, Math.floor(time / 2 ** 32));
  w.patchU32(TIME_OFFSET + 4, time >>> 0);
}

export function writeMessage(w: ByteWriter, message: Message): void {
  w.u8(DIRECTIONS[message.kind]);
  w.u32(message.questionId);
  switch (message.kind) {
    case 'reply':
      writeReply(w, message.reply);
      return;
    case 'gossip':
      writeGossip(w, message.gossip);
      return;
    case 'relay':
      w.varint(message.targets.length);
      for (const target of message.targets) w.u32(target);
      break;
    case 'relayed':
      w.u32(message.asker);
      break;
    case 'request':
  }
  writeRequest(w, message.request);
}

/** Throws BAD_BYTES. */
export function readHeader(r: ByteReader): FrameHeader {
  const format = r.u8();
  if (format !== WIRE_FORMAT) {
    throw badBytes(`wire format ${format}, this node speaks ${WIRE_FORMAT}`);
  }
  const time = r.u32() * 2 ** 32 + r.u32();
  if (time > Number.MAX_SAFE_INTEGER) throw badBytes('a hybrid time has more than 53 bits');
  return { time, clusterTag: r.u32(), sender: r.u32(), epoch: r.varint() };
}

/** The next message of a frame. Throws BAD_BYTES. Its buffers are views of what `r` reads. */
export function readMessage(r: ByteReader): Message {
  const direction = r.u8();
  const questionId = r.u32();
  if (direction === REPLY) return { kind: 'reply', questionId, reply: readReply(r) };
  if (direction === REQUEST) return { kind: 'request', questionId, request: readRequest(r) };
  if (direction === GOSSIP) return { kind: 'gossip', questionId, gossip: readGossip(r) };
  if (direction === RELAY) {
    const targets = readMany(r, (each) => each.u32());
    return { kind: 'relay', questionId, targets, request: readCopy(r) };
  }
  if (direction === RELAYED) {
    return { kind: 'relayed', questionId, asker: r.u32(), request: readCopy(r) };
  }
  throw badBytes(`there is no direction ${direction}`);
}

function readCopy(r: ByteReader): StoreRequest {
  const request = readRequest(r);
  if (request.kind === 'store-copy') return request;
  throw badBytes(`a ${request.kind} is not passed on`);
}
