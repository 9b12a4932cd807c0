// A frame between nodes: who speaks, for which cluster and epoch, the sender's hybrid time, and
// one request or reply. Every frame names its cluster, so that a stranger on the right port is
// refused at the first word.
//
//   u8 format = 2 │ u8 direction: 1 request, 2 reply │ u32 cluster tag │ u32 sender's node number
//   varint epoch │ varint hybrid time │ u32 question id │ message (replication/message-format.ts)

import { ByteReader, type ByteWriter, badBytes } from '../base/bytes.ts';
import type { ClusterId } from '../base/ids.ts';
import type { HybridTime } from '../causality/hybrid-clock.ts';
import { readReply, readRequest, writeReply, writeRequest } from '../replication/message-format.ts';
import type { Reply, Request } from '../replication/messages.ts';

const WIRE_FORMAT = 2;
const REQUEST = 1;
const REPLY = 2;

export interface FrameHeader {
  /** First 32 bits of the cluster id. */
  readonly clusterTag: number;
  readonly sender: number;
  readonly epoch: number;
  readonly time: HybridTime;
  readonly questionId: number;
}

export type PeerFrame =
  | { readonly kind: 'request'; readonly header: FrameHeader; readonly request: Request }
  | { readonly kind: 'reply'; readonly header: FrameHeader; readonly reply: Reply };

export function clusterTagOf(id: ClusterId): number {
  return Number.parseInt(id.slice(0, 8), 16);
}

export function writeRequestFrame(w: ByteWriter, header: FrameHeader, request: Request): void {
  writeHeader(w, REQUEST, header);
  writeRequest(w, request);
}

export function writeReplyFrame(w: ByteWriter, header: FrameHeader, reply: Reply): void {
  writeHeader(w, REPLY, header);
  writeReply(w, reply);
}

/** Throws BAD_BYTES. Buffers in the message are views of `frame`. */
export function readFrame(frame: Buffer): PeerFrame {
  const r = new ByteReader(frame);
  const format = r.u8();
  if (format !== WIRE_FORMAT)
    throw badBytes(`wire format ${format}, this node speaks ${WIRE_FORMAT}`);
  const direction = r.u8();
  const header = readHeader(r);
  if (direction === REPLY) {
    const reply = readReply(r);
    r.end();
    return { kind: 'reply', header, reply };
  }
  if (direction !== REQUEST) throw badBytes(`there is no direction ${direction}`);
  const request = readRequest(r);
  r.end();
  return { kind: 'request', header, request };
}

function writeHeader(w: ByteWriter, direction: number, header: FrameHeader): void {
  w.u8(WIRE_FORMAT);
  w.u8(direction);
  w.u32(header.clusterTag);
  w.u32(header.sender);
  w.varint(header.epoch);
  w.varint(header.time);
  w.u32(header.questionId);
}

function readHeader(r: ByteReader): FrameHeader {
  return {
    clusterTag: r.u32(),
    sender: r.u32(),
    epoch: r.varint(),
    time: r.varint(),
    questionId: r.u32(),
  };
}
