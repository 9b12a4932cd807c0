// Requests and replies as bytes (docs/formats.md draws them): one kind byte, then the fields in
// the order in which they are written here. Decoded buffers are views of the bytes given.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { type ByteReader, type ByteWriter, badBytes } from '../base/bytes.ts';
import { ERROR_CODES } from '../base/errors.ts';
import { type KeyspaceNumber, type NodeId, SLOT_COUNT, type Slot } from '../base/ids.ts';
import type { Actor, Dot } from '../causality/dot.ts';
import { readVersion, writeVersion } from '../causality/object-format.ts';
import { readVector, type VersionVector, writeVector } from '../causality/version-vector.ts';
import type { Durability } from './keyspace.ts';
import type { KeyAt, Listing, RemoteWriteOutcome, Reply, Request } from './messages.ts';
import type {
  Change,
  GetOutcome,
  GetRequest,
  KeyPosition,
  LiveValue,
  PutExpiry,
  Receipt,
  WriteRequest,
} from './request.ts';

const REQUEST_KINDS = [
  'ping',
  'store-copy',
  'read-version',
  'read-object',
  'coordinate-get',
  'coordinate-write',
  'list-slots',
  'count-keys',
] as const satisfies readonly Request['kind'][];

const REPLY_KINDS = [
  'pong',
  'stored',
  'version',
  'object',
  'got',
  'wrote',
  'listing',
  'count',
  'refused',
] as const satisfies readonly Reply['kind'][];

const GET_OUTCOMES = ['found', 'missing', 'no-answer'] as const;
const WRITE_OUTCOMES = ['ok', 'condition-failed', 'not-applied', 'indeterminate'] as const;
const CHANGES = ['put', 'delete', 'expire'] as const;
const CONDITIONS = [undefined, 'absent', 'present', 'unchanged'] as const;
const PUT_EXPIRIES = ['given', 'keep', 'default'] as const;
const DURABILITIES = ['fsync', 'interval'] as const satisfies readonly Durability[];
const NODE_ID_BYTES = 20;

export function writeRequest(w: ByteWriter, request: Request): void {
  w.u8(REQUEST_KINDS.indexOf(request.kind));
  switch (request.kind) {
    case 'ping':
      w.varint(request.sentMs);
      return;
    case 'store-copy':
      writeKeyAt(w, request);
      w.bytes(request.object);
      return;
    case 'read-version':
    case 'read-object':
      writeKeyAt(w, request);
      return;
    case 'coordinate-get':
      w.u8(request.keyspace);
      w.bytes(request.key);
      w.varint(request.r ?? 0);
      writeOptionalVector(w, request.after);
      return;
    case 'coordinate-write':
      w.varint(request.sentMs);
      writeWriteRequest(w, request);
      return;
    case 'list-slots':
      w.u8(request.keyspace);
      writePosition(w, request.from);
      w.u16(request.toSlot);
      w.varint(request.count);
      return;
    case 'count-keys':
      w.u8(request.keyspace);
      w.raw(request.slots);
      return;
  }
}

export function readRequest(r: ByteReader): Request {
  const kind = oneOf(REQUEST_KINDS, r.u8(), 'request');
  switch (kind) {
    case 'ping':
      return { kind, sentMs: r.varint() };
    case 'store-copy':
      return { kind, ...readKeyAt(r), object: r.bytes() };
    case 'read-version':
    case 'read-object':
      return { kind, ...readKeyAt(r) };
    case 'coordinate-get':
      return { kind, ...readGetRequest(r) };
    case 'coordinate-write':
      return { kind, sentMs: r.varint(), ...readWriteRequest(r) };
    case 'list-slots':
      return {
        kind,
        keyspace: readKeyspace(r),
        from: readPosition(r),
        toSlot: readSlot(r),
        count: r.varint(),
      };
    case 'count-keys':
      return { kind, keyspace: readKeyspace(r), slots: r.raw(SLOT_COUNT / 8) };
  }
}

export function writeReply(w: ByteWriter, reply: Reply): void {
  w.u8(REPLY_KINDS.indexOf(reply.kind));
  switch (reply.kind) {
    case 'pong':
      return;
    case 'stored':
      writeVector(w, reply.context);
      return;
    case 'version':
      w.u8(reply.version === undefined ? 0 : 1);
      if (reply.version !== undefined) writeVersion(w, reply.version);
      return;
    case 'object':
      w.u8(reply.object === undefined ? 0 : 1);
      if (reply.object !== undefined) w.bytes(reply.object);
      return;
    case 'got':
      writeGetOutcome(w, reply.outcome);
      return;
    case 'wrote':
      writeWriteOutcome(w, reply.outcome);
      return;
    case 'listing':
      writeListing(w, reply);
      return;
    case 'count':
      w.varint(reply.count);
      return;
    case 'refused':
      w.u8(ERROR_CODES.indexOf(reply.code));
      w.text(reply.why);
      w.text(reply.fix);
      return;
  }
}

export function readReply(r: ByteReader): Reply {
  const kind = oneOf(REPLY_KINDS, r.u8(), 'reply');
  switch (kind) {
    case 'pong':
      return { kind };
    case 'stored':
      return { kind, context: readVector(r) };
    case 'version':
      return { kind, version: r.u8() === 0 ? undefined : readVersion(r) };
    case 'object':
      return { kind, object: r.u8() === 0 ? undefined : r.bytes() };
    case 'got':
      return { kind, outcome: readGetOutcome(r) };
    case 'wrote':
      return { kind, outcome: readWriteOutcome(r) };
    case 'listing':
      return readListing(r);
    case 'count':
      return { kind, count: r.varint() };
    case 'refused':
      return { kind, code: oneOf(ERROR_CODES, r.u8(), 'error'), why: r.text(), fix: r.text() };
  }
}

function writeKeyAt(w: ByteWriter, at: KeyAt): void {
  w.u8(at.keyspace);
  w.u16(at.slot);
  w.bytes(at.key);
}

function readKeyAt(r: ByteReader): KeyAt {
  return { keyspace: readKeyspace(r), slot: readSlot(r), key: r.bytes() };
}

function readGetRequest(r: ByteReader): GetRequest {
  return {
    keyspace: readKeyspace(r),
    key: r.bytes(),
    r: r.varint() || undefined,
    after: readOptionalVector(r),
  };
}

function writeWriteRequest(w: ByteWriter, request: WriteRequest): void {
  w.u8(request.keyspace);
  w.bytes(request.key);
  w.u8(CONDITIONS.indexOf(request.condition));
  w.u8(request.returnPrevious ? 1 : 0);
  w.varint(request.w ?? 0);
  writeOptionalVector(w, request.context);
  w.u8(CHANGES.indexOf(request.change.kind));
  const { change } = request;
  if (change.kind === 'put') {
    writePutExpiry(w, change.expiresAt);
    w.bytes(change.value);
  } else if (change.kind === 'expire') {
    w.varint(change.expiresAt);
  }
}

function readWriteRequest(r: ByteReader): WriteRequest {
  return {
    keyspace: readKeyspace(r),
    key: r.bytes(),
    condition: oneOf(CONDITIONS, r.u8(), 'condition'),
    returnPrevious: r.u8() === 1,
    w: r.varint() || undefined,
    context: readOptionalVector(r),
    change: readChange(r),
  };
}

function readChange(r: ByteReader): Change {
  const kind = oneOf(CHANGES, r.u8(), 'change');
  if (kind === 'delete') return { kind };
  if (kind === 'expire') return { kind, expiresAt: r.varint() };
  return { kind, expiresAt: readPutExpiry(r), value: r.bytes() };
}

function writePutExpiry(w: ByteWriter, expiry: PutExpiry): void {
  if (typeof expiry === 'number') {
    w.u8(PUT_EXPIRIES.indexOf('given'));
    w.varint(expiry);
  } else w.u8(PUT_EXPIRIES.indexOf(expiry));
}

function readPutExpiry(r: ByteReader): PutExpiry {
  const expiry = oneOf(PUT_EXPIRIES, r.u8(), 'expiry');
  return expiry === 'given' ? r.varint() : expiry;
}

function writeGetOutcome(w: ByteWriter, outcome: GetOutcome): void {
  w.u8(GET_OUTCOMES.indexOf(outcome.kind));
  if (outcome.kind === 'no-answer') {
    writeCounts(w, outcome);
    w.u8(outcome.isBehind ? 1 : 0);
    return;
  }
  writeVector(w, outcome.context);
  writeReceipt(w, outcome.receipt);
  if (outcome.kind === 'missing') return;
  w.varint(outcome.values.length);
  for (const value of outcome.values) writeValue(w, value);
}

function readGetOutcome(r: ByteReader): GetOutcome {
  const kind = oneOf(GET_OUTCOMES, r.u8(), 'get outcome');
  if (kind === 'no-answer') {
    const counts = readCounts(r);
    return r.u8() === 0 ? { kind, ...counts } : { kind, ...counts, isBehind: true };
  }
  const context = readVector(r);
  const receipt = readReceipt(r);
  if (kind === 'missing') return { kind, context, receipt };
  return { kind, context, receipt, values: readMany(r, readValue) };
}

function writeWriteOutcome(w: ByteWriter, outcome: RemoteWriteOutcome): void {
  w.u8(WRITE_OUTCOMES.indexOf(outcome.kind));
  if (outcome.kind === 'not-applied' || outcome.kind === 'indeterminate') {
    writeCounts(w, outcome);
    return;
  }
  w.u8(outcome.previous === undefined ? 0 : 1);
  if (outcome.previous !== undefined) writeValue(w, outcome.previous);
  if (outcome.kind === 'condition-failed') return;
  writeDot(w, outcome.dot);
  writeVector(w, outcome.context);
  writeReceipt(w, outcome.receipt);
}

function readWriteOutcome(r: ByteReader): RemoteWriteOutcome {
  const kind = oneOf(WRITE_OUTCOMES, r.u8(), 'write outcome');
  if (kind === 'not-applied' || kind === 'indeterminate') return { kind, ...readCounts(r) };
  const previous = r.u8() === 0 ? undefined : readValue(r);
  if (kind === 'condition-failed') return { kind, previous };
  return { kind, previous, dot: readDot(r), context: readVector(r), receipt: readReceipt(r) };
}

function writeListing(w: ByteWriter, listing: Listing): void {
  w.u8(listing.next === undefined ? 0 : 1);
  if (listing.next !== undefined) writePosition(w, listing.next);
  w.varint(listing.entries.length);
  for (const entry of listing.entries) {
    w.u16(entry.slot);
    w.u32(entry.hash);
    w.bytes(entry.key);
    writeVersion(w, entry.version);
  }
}

function readListing(r: ByteReader): Listing {
  const next = r.u8() === 0 ? undefined : readPosition(r);
  const entries = readMany(r, (each) => ({
    slot: readSlot(each),
    hash: each.u32(),
    key: each.bytes(),
    version: readVersion(each),
  }));
  return { kind: 'listing', next, entries };
}

function writePosition(w: ByteWriter, position: KeyPosition): void {
  w.u16(position.slot);
  w.u32(position.hash);
}

function readPosition(r: ByteReader): KeyPosition {
  return { slot: readSlot(r), hash: r.u32() };
}

function writeValue(w: ByteWriter, live: LiveValue): void {
  w.varint(live.expiresAt);
  writeDot(w, live.dot);
  w.varint(live.time);
  w.bytes(live.value);
}

function readValue(r: ByteReader): LiveValue {
  return { expiresAt: r.varint(), dot: readDot(r), time: r.varint(), value: r.bytes() };
}

function writeDot(w: ByteWriter, dot: Dot): void {
  w.varint(dot.actor);
  w.varint(dot.counter);
}

function readDot(r: ByteReader): Dot {
  return { actor: r.varint() as Actor, counter: r.varint() };
}

function writeReceipt(w: ByteWriter, { nodes, durability, epoch }: Receipt): void {
  w.varint(nodes.length);
  for (const node of nodes) w.raw(Buffer.from(node, 'hex'));
  w.u8(DURABILITIES.indexOf(durability));
  w.varint(epoch);
}

function readReceipt(r: ByteReader): Receipt {
  const nodes = readMany(r, (each) => each.raw(NODE_ID_BYTES).toString('hex') as NodeId);
  return { nodes, durability: oneOf(DURABILITIES, r.u8(), 'durability'), epoch: r.varint() };
}

function writeCounts(w: ByteWriter, counts: { needed: number; got: number }): void {
  w.varint(counts.needed);
  w.varint(counts.got);
}

function readCounts(r: ByteReader): { needed: number; got: number } {
  return { needed: r.varint(), got: r.varint() };
}

function writeOptionalVector(w: ByteWriter, vector: VersionVector | undefined): void {
  w.u8(vector === undefined ? 0 : 1);
  if (vector !== undefined) writeVector(w, vector);
}

function readOptionalVector(r: ByteReader): VersionVector | undefined {
  return r.u8() === 0 ? undefined : readVector(r);
}

/** A count, then so many; the count is believed only as far as there are bytes. */
function readMany<T>(r: ByteReader, readOne: (r: ByteReader) => T): T[] {
  const count = r.varint();
  if (count > r.left) throw badBytes(`a list of ${count} cannot stand in ${r.left} bytes`);
  const list: T[] = [];
  for (let index = 0; index < count; index++) list.push(readOne(r));
  return list;
}

function readKeyspace(r: ByteReader): KeyspaceNumber {
  return r.u8() as KeyspaceNumber;
}

function readSlot(r: ByteReader): Slot {
  const slot = r.u16();
  if (slot >= SLOT_COUNT) throw badBytes(`there is no slot ${slot}`);
  return slot as Slot;
}

function oneOf<const T>(list: readonly T[], index: number, what: string): T {
  if (index >= list.length) throw badBytes(`there is no ${what} kind ${index}`);
  return list[index] as T;
}
