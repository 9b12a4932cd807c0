// The part of message-format.ts that rounds and flushes speak: kinds stand there, fields here.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { type ByteReader, type ByteWriter, badBytes } from '../../base/bytes.ts';
import { type KeyspaceNumber, SLOT_COUNT, type Slot } from '../../base/ids.ts';
import { readVector, writeVector } from '../../causality/version-vector.ts';
import type {
  BeginFlushRequest,
  FlushRequest,
  Opened,
  OpenRequest,
  Position,
  RaiseRequest,
  SlotAt,
} from '../messages.ts';
import { readDot, writeDot } from '../outcome-format.ts';

export type RoundRequest = OpenRequest | RaiseRequest | BeginFlushRequest | FlushRequest;

export function writeRoundRequest(w: ByteWriter, request: RoundRequest): void {
  w.u8(request.keyspace);
  if (request.kind === 'open-round' || request.kind === 'raise-floor') w.u16(request.slot);
  if (request.kind !== 'open-round') w.u32(request.token);
  if (request.kind !== 'begin-flush') writeVector(w, request.floor);
  if (request.kind === 'raise-floor') w.varint(request.nowMs);
}

export function readRoundRequest(r: ByteReader, kind: RoundRequest['kind']): RoundRequest {
  const keyspace = readKeyspace(r);
  switch (kind) {
    case 'open-round':
      return { kind, keyspace, slot: readSlot(r), floor: readVector(r) };
    case 'begin-flush':
      return { kind, keyspace, token: r.u32() };
    case 'flush':
      return { kind, keyspace, token: r.u32(), floor: readVector(r) };
    case 'raise-floor': {
      const [slot, token, floor] = [readSlot(r), r.u32(), readVector(r)];
      return { kind, keyspace, slot, token, floor, nowMs: r.varint() };
    }
  }
}

export function writeRoundReply(w: ByteWriter, reply: Opened | Position): void {
  w.u32(reply.token);
  writeDot(w, reply.last);
  if (reply.kind === 'position') return;
  w.varint(reply.wallMs);
  writeVector(w, reply.floor);
}

export function readRoundReply(r: ByteReader, kind: 'opened' | 'position'): Opened | Position {
  const [token, last] = [r.u32(), readDot(r)];
  if (kind === 'position') return { kind, token, last };
  return { kind, token, last, wallMs: r.varint(), floor: readVector(r) };
}

export function writeSlotAt(w: ByteWriter, at: SlotAt): void {
  w.u8(at.keyspace);
  w.u16(at.slot);
}

export function readKeyspace(r: ByteReader): KeyspaceNumber {
  return r.u8() as KeyspaceNumber;
}

/** Throws BAD_BYTES. */
export function readSlot(r: ByteReader): Slot {
  const slot = r.u16();
  if (slot >= SLOT_COUNT) throw badBytes(`there is no slot ${slot}`);
  return slot as Slot;
}
