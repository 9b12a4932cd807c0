// The three messages of an exchange between two members, after van Renesse, Dumitriu, Gough and
// Thomas: "Efficient Reconciliation and Flow Control for Anti-Entropy Protocols" (Scuttlebutt,
// LADIS 2008):
//
//   A ── digest: "of these members I know that much" ──────────────────────────> B
//   A <── answer: "of those I know more; of these tell me, for you know more" ── B
//   A ── closing: "here they are" ─────────────────────────────────────────────> B
//
// The second proves to A that B is there and both ways are open, the third proves it to B. A node
// that stops sends a closing that nobody asked for.
//
// Bytes:  u8 kind: 1 digest, 2 answer, 3 closing
//   digest   varint wall clock of the sender │ stamps
//   answer   heartbeats │ stamps
//   closing  heartbeats
//
//   stamps      varint count │ stamp*
//   heartbeats  varint count │ heartbeat*
//   stamp       varint member │ varint generation │ varint 2 · version + left
//   heartbeat   stamp │ varint epoch │ u8 flags: 1 its disk is full │ u8 free per cent
//               varint late ms │ varint requests per second
//
// Pure: no clock, no disk, no network; dice are an argument.

import { type ByteReader, type ByteWriter, badBytes } from '../base/bytes.ts';
import type { Heartbeat, Stamp } from './heartbeat.ts';

export type GossipMessage =
  | {
      readonly kind: 'digest';
      /** By the sender's clock: it tells how late other messages are (node/lag-meter.ts). */
      readonly sentMs: number;
      readonly stamps: readonly Stamp[];
    }
  | {
      readonly kind: 'answer';
      readonly heartbeats: readonly Heartbeat[];
      /** What the answerer has of those that it wants. */
      readonly wanted: readonly Stamp[];
    }
  | { readonly kind: 'closing'; readonly heartbeats: readonly Heartbeat[] };

const KINDS = ['digest', 'answer', 'closing'] as const;
const DISK_FULL = 1;
/** Milliseconds until the year 10889: one more is still a number that can be written. */
const GENERATION_MAX = 2 ** 48;
/** Kind, clock and two counts. */
export const MESSAGE_OVERHEAD_BYTES = 20;

export function writeGossip(w: ByteWriter, message: GossipMessage): void {
  w.u8(KINDS.indexOf(message.kind) + 1);
  switch (message.kind) {
    case 'digest':
      w.varint(message.sentMs);
      writeStamps(w, message.stamps);
      return;
    case 'answer':
      writeHeartbeats(w, message.heartbeats);
      writeStamps(w, message.wanted);
      return;
    case 'closing':
      writeHeartbeats(w, message.heartbeats);
      return;
  }
}

/** Throws BAD_BYTES. */
export function readGossip(r: ByteReader): GossipMessage {
  const number = r.u8();
  const kind = KINDS[number - 1];
  switch (kind) {
    case 'digest':
      return { kind, sentMs: r.varint(), stamps: readAll(r, readStamp) };
    case 'answer':
      return { kind, heartbeats: readAll(r, readHeartbeat), wanted: readAll(r, readStamp) };
    case 'closing':
      return { kind, heartbeats: readAll(r, readHeartbeat) };
    default:
      throw badBytes(`there is no kind of gossip ${number}`);
  }
}

export function stampBytes({ member, generation, version }: Stamp): number {
  return varintBytes(member) + varintBytes(generation) + varintBytes(version * 2);
}

export function heartbeatBytes(heartbeat: Heartbeat): number {
  const { epoch, load } = heartbeat;
  const loadBytes = 2 + varintBytes(load.lateMs) + varintBytes(load.requestsPerSecond);
  return stampBytes(heartbeat) + varintBytes(epoch) + loadBytes;
}

export function messageBytes(message: GossipMessage): number {
  let bytes = MESSAGE_OVERHEAD_BYTES;
  const stamps = message.kind === 'digest' ? message.stamps : [];
  const wanted = message.kind === 'answer' ? message.wanted : stamps;
  for (const stamp of wanted) bytes += stampBytes(stamp);
  if (message.kind === 'digest') return bytes;
  for (const heartbeat of message.heartbeats) bytes += heartbeatBytes(heartbeat);
  return bytes;
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes += 1;
  return bytes;
}

function writeStamps(w: ByteWriter, stamps: readonly Stamp[]): void {
  w.varint(stamps.length);
  for (const stamp of stamps) writeStamp(w, stamp);
}

function writeStamp(w: ByteWriter, { member, generation, version, hasLeft }: Stamp): void {
  w.varint(member);
  w.varint(generation);
  w.varint(version * 2 + (hasLeft ? 1 : 0));
}

function writeHeartbeats(w: ByteWriter, heartbeats: readonly Heartbeat[]): void {
  w.varint(heartbeats.length);
  for (const heartbeat of heartbeats) {
    const { epoch, load } = heartbeat;
    writeStamp(w, heartbeat);
    w.varint(epoch);
    w.u8(load.isDiskFull ? DISK_FULL : 0);
    w.u8(load.freePercent);
    w.varint(load.lateMs);
    w.varint(load.requestsPerSecond);
  }
}

/** No memory is taken for a count before its entries were there. */
function readAll<T>(r: ByteReader, readOne: (r: ByteReader) => T): T[] {
  const count = r.varint();
  const all: T[] = [];
  for (let i = 0; i < count; i++) all.push(readOne(r));
  return all;
}

function readStamp(r: ByteReader): Stamp {
  const [member, generation, state] = [r.varint(), r.varint(), r.varint()];
  if (generation > GENERATION_MAX) throw badBytes('a generation has more than 48 bits');
  return { member, generation, version: Math.floor(state / 2), hasLeft: state % 2 === 1 };
}

function readHeartbeat(r: ByteReader): Heartbeat {
  const stamp = readStamp(r);
  const epoch = r.varint();
  const flags = r.u8();
  const freePercent = r.u8();
  if (flags > DISK_FULL) throw badBytes(`there are no flags ${flags} of a heartbeat`);
  const isDiskFull = flags === DISK_FULL;
  const [lateMs, requestsPerSecond] = [r.varint(), r.varint()];
  return { ...stamp, epoch, load: { isDiskFull, freePercent, lateMs, requestsPerSecond } };
}
