// The part of message-format.ts that comparisons speak: kinds stand there, fields here.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { type ByteReader, type ByteWriter, badBytes } from '../../base/bytes.ts';
import { readVersion, writeVersion } from '../../causality/object-format.ts';
import type {
  AnsweredPart,
  BucketsRequest,
  CompareRequest,
  KeysRequest,
  KeyVersion,
  PrintedPart,
  Reply,
} from '../messages.ts';
import { readMany } from '../outcome-format.ts';
import { readKeyspace, readSlot, writeSlotAt } from '../reaping/round-format.ts';
import { PRINT_BYTES } from './key-prints.ts';
import {
  BUCKETS_BYTES,
  DIGEST_BYTES,
  digestCountOf,
  NODE_COUNT,
  type NodeDigests,
} from './tree-shape.ts';

export type ComparisonRequest = CompareRequest | BucketsRequest | KeysRequest;
export type ComparedReply = Extract<Reply, { kind: 'digests' | 'buckets' | 'keys' }>;

export function writeComparison(w: ByteWriter, request: ComparisonRequest): void {
  if (request.kind === 'compare-digests') {
    w.u8(request.keyspace);
    w.u32(request.from);
    writeNodes(w, request.nodes);
    return;
  }
  if (request.kind === 'compare-buckets') {
    writeSlotAt(w, request);
    w.raw(request.buckets);
    return;
  }
  w.u8(request.keyspace);
  w.u32(request.salt);
  w.varint(request.parts.length);
  for (const part of request.parts) writePrinted(w, part);
}

export function readComparison(r: ByteReader, kind: ComparisonRequest['kind']): ComparisonRequest {
  const keyspace = readKeyspace(r);
  if (kind === 'compare-digests') {
    return { kind, keyspace, from: r.u32(), nodes: readMany(r, readNode) };
  }
  if (kind === 'compare-buckets') {
    return { kind, keyspace, slot: readSlot(r), buckets: r.raw(BUCKETS_BYTES) };
  }
  return { kind, keyspace, salt: r.u32(), parts: readMany(r, readPrinted) };
}

export function writeCompared(w: ByteWriter, reply: ComparedReply): void {
  if (reply.kind === 'digests') writeNodes(w, reply.nodes);
  else if (reply.kind === 'buckets') w.u32(reply.differing);
  else {
    w.varint(reply.parts.length);
    for (const part of reply.parts) writeAnswered(w, part);
  }
}

export function readCompared(r: ByteReader, kind: ComparedReply['kind']): ComparedReply {
  if (kind === 'digests') return { kind, nodes: readMany(r, readNode) };
  return kind === 'buckets'
    ? { kind, differing: r.u32() }
    : { kind, parts: readMany(r, readAnswered) };
}

function writeNodes(w: ByteWriter, nodes: readonly NodeDigests[]): void {
  w.varint(nodes.length);
  for (const { node, digests } of nodes) {
    w.u16(node);
    w.raw(digests);
  }
}

function readNode(r: ByteReader): NodeDigests {
  const node = r.u16();
  if (node >= NODE_COUNT) throw badBytes(`the tree over all slots has no node ${node}`);
  return { node, digests: r.raw(digestCountOf(node) * DIGEST_BYTES) };
}

function writePrinted(w: ByteWriter, { slot, fromHash, toHash, prints }: PrintedPart): void {
  w.u16(slot);
  w.u32(fromHash);
  w.u32(toHash);
  w.varint(prints.length / PRINT_BYTES);
  w.raw(prints);
}

function readPrinted(r: ByteReader): PrintedPart {
  const [slot, fromHash, toHash] = [readSlot(r), r.u32(), r.u32()];
  return { slot, fromHash, toHash, prints: r.raw(r.varint() * PRINT_BYTES) };
}

function writeAnswered(w: ByteWriter, { toHash, digest, places, keys }: AnsweredPart): void {
  w.u32(toHash);
  w.u32(digest.high >>> 0);
  w.u32(digest.low >>> 0);
  w.varint(places.length);
  let next = 0;
  for (const place of places) {
    w.varint(place - next);
    next = place + 1;
  }
  w.varint(keys.length);
  for (const { key, version } of keys) {
    w.bytes(key);
    writeVersion(w, version);
  }
}

function readAnswered(r: ByteReader): AnsweredPart {
  const toHash = r.u32();
  const digest = { high: r.u32() | 0, low: r.u32() | 0 };
  let next = 0;
  const places = readMany(r, (each) => {
    const place = next + each.varint();
    next = place + 1;
    return place;
  });
  return { toHash, digest, places, keys: readMany(r, readKeyVersion) };
}

function readKeyVersion(r: ByteReader): KeyVersion {
  return { key: r.bytes(), version: readVersion(r) };
}
