// Requests and replies as bytes (docs/formats.md draws them): one kind byte, then the fields in
// the order in which they are written here. Decoded buffers are views of the bytes given.
//
// Pure: no clock, no disk, no network; dice are an argument.

import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import { ERROR_CODES } from '../base/errors.ts';
import { SLOT_COUNT } from '../base/ids.ts';
import { readVersion, writeVersion } from '../causality/object-format.ts';
import { readVector, type VersionVector, writeVector } from '../causality/version-vector.ts';
import {
  readCompared,
  readComparison,
  writeCompared,
  writeComparison,
} from './anti-entropy/comparison-format.ts';
import { readLevel, writeLevel } from './levels/level-format.ts';
import type { KeyAt, Listing, Reply, Request } from './messages.ts';
import {
  oneOf,
  readGetOutcome,
  readMany,
  readWriteOutcome,
  writeGetOutcome,
  writeWriteOutcome,
} from './outcome-format.ts';
import {
  readKeyspace,
  readRoundReply,
  readRoundRequest,
  readSlot,
  writeRoundReply,
  writeRoundRequest,
  writeSlotAt,
} from './reaping/round-format.ts';
import type { Change, GetRequest, KeyPosition, PutExpiry, WriteRequest } from './request.ts';

const REQUEST_KINDS = [
  'store-copy',
  'read-version',
  'read-object',
  'coordinate-get',
  'coordinate-write',
  'list-slots',
  'count-keys',
  'store-hint',
  'compare-digests',
  'compare-buckets',
  'open-round',
  'raise-floor',
  'begin-flush',
  'flush',
  'compare-keys',
] as const satisfies readonly Request['kind'][];

const REPLY_KINDS = [
  'stored',
  'version',
  'object',
  'got',
  'wrote',
  'listing',
  'count',
  'refused',
  'digests',
  'buckets',
  'opened',
  'raised',
  'position',
  'flushed',
  'keys',
] as const satisfies readonly Reply['kind'][];

const CHANGES = ['put', 'delete', 'expire'] as const;
const CONDITIONS = [undefined, 'absent', 'present', 'unchanged'] as const;
/** Beside bit 0, which says that something follows. */
const REFILLING = 2;
const PUT_EXPIRIES = ['given', 'keep', 'default'] as const;

export function writeRequest(w: ByteWriter, request: Request): void {
  w.u8(REQUEST_KINDS.indexOf(request.kind));
  switch (request.kind) {
    case 'store-copy':
      writeKeyAt(w, request);
      w.bytes(request.object);
      return;
    case 'compare-digests':
    case 'compare-buckets':
    case 'compare-keys':
      writeComparison(w, request);
      return;
    case 'store-hint':
      writeKeyAt(w, request);
      w.u32(request.target);
      w.bytes(request.object);
      return;
    case 'open-round':
    case 'raise-floor':
    case 'begin-flush':
    case 'flush':
      writeRoundRequest(w, request);
      return;
    case 'read-version':
    case 'read-object':
      writeKeyAt(w, request);
      return;
    case 'coordinate-get':
      w.u8(request.keyspace);
      w.bytes(request.key);
      writeLevel(w, request.r);
      w.text(request.home ?? '');
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
    case 'store-copy':
      return { kind, ...readKeyAt(r), object: r.bytes() };
    case 'compare-digests':
    case 'compare-buckets':
    case 'compare-keys':
      return readComparison(r, kind);
    case 'store-hint':
      return { kind, ...readKeyAt(r), target: r.u32(), object: r.bytes() };
    case 'open-round':
    case 'raise-floor':
    case 'begin-flush':
    case 'flush':
      return readRoundRequest(r, kind);
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
    case 'raised':
    case 'flushed':
      return;
    case 'position':
    case 'opened':
      writeRoundReply(w, reply);
      return;
    case 'stored':
      writeVector(w, reply.context);
      return;
    case 'version':
      w.u8((reply.version === undefined ? 0 : 1) + (reply.isRefilling ? REFILLING : 0));
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
    case 'digests':
    case 'buckets':
    case 'keys':
      writeCompared(w, reply);
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
    case 'raised':
    case 'flushed':
      return { kind };
    case 'position':
    case 'opened':
      return readRoundReply(r, kind);
    case 'stored':
      return { kind, context: readVector(r) };
    case 'version':
      return readVersionReply(r);
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
    case 'digests':
    case 'buckets':
    case 'keys':
      return readCompared(r, kind);
    case 'refused':
      return { kind, code: oneOf(ERROR_CODES, r.u8(), 'error'), why: r.text(), fix: r.text() };
  }
}

function readVersionReply(r: ByteReader): Reply {
  const flags = r.u8();
  const version = (flags & 1) === 0 ? undefined : readVersion(r);
  const reply = { kind: 'version', version } as const;
  return (flags & REFILLING) === 0 ? reply : { ...reply, isRefilling: true };
}

function writeKeyAt(w: ByteWriter, at: KeyAt): void {
  writeSlotAt(w, at);
  w.bytes(at.key);
}

function readKeyAt(r: ByteReader): KeyAt {
  return { keyspace: readKeyspace(r), slot: readSlot(r), key: r.bytes() };
}

function readGetRequest(r: ByteReader): GetRequest {
  return {
    keyspace: readKeyspace(r),
    key: r.bytes(),
    r: readLevel(r),
    home: r.text() || undefined,
    after: readOptionalVector(r),
  };
}

function writeWriteRequest(w: ByteWriter, request: WriteRequest): void {
  w.u8(request.keyspace);
  w.bytes(request.key);
  w.u8(CONDITIONS.indexOf(request.condition));
  w.u8(request.returnPrevious ? 1 : 0);
  writeLevel(w, request.w);
  w.text(request.home ?? '');
  w.varint(request.before ?? 0);
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
    w: readLevel(r),
    home: r.text() || undefined,
    before: r.varint() || undefined,
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

function writeListing(w: ByteWriter, listing: Listing): void {
  w.u8((listing.next === undefined ? 0 : 1) + (listing.isRefilling ? REFILLING : 0));
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
  const flags = r.u8();
  const next = (flags & 1) === 0 ? undefined : readPosition(r);
  const entries = readMany(r, (each) => ({
    slot: readSlot(each),
    hash: each.u32(),
    key: each.bytes(),
    version: readVersion(each),
  }));
  const listing = { kind: 'listing', next, entries } as const;
  return (flags & REFILLING) === 0 ? listing : { ...listing, isRefilling: true };
}

function writePosition(w: ByteWriter, position: KeyPosition): void {
  w.u16(position.slot);
  w.u32(position.hash);
}

function readPosition(r: ByteReader): KeyPosition {
  return { slot: readSlot(r), hash: r.u32() };
}

function writeOptionalVector(w: ByteWriter, vector: VersionVector | undefined): void {
  w.u8(vector === undefined ? 0 : 1);
  if (vector !== undefined) writeVector(w, vector);
}

function readOptionalVector(r: ByteReader): VersionVector | undefined {
  return r.u8() === 0 ? undefined : readVector(r);
}
