// Who a data directory is, in the file `identity`:
//
//   magic "KVID" u32 · format u32 · cluster id 16 bytes · node id 20 bytes · incarnation u32 ·
//   clean u8 (1: closed cleanly) · last write of the log varint, 0 unless clean ·
//   crc32 u32 of everything before
//
// The checksum stays at the end in every later format. The file is replaced whole.
//
// The incarnation rule. A dot is sent to peers before this disk has synced it, and a peer may
// acknowledge it although it never got here. If this node then went on under the same actor, its
// next write would carry a version vector such as {A:90}, which claims every earlier dot of A:
// the peer would drop the value that only it has. So every start makes a new actor, counting from
// 0. An orderly stop is no exception: this directory may be a copy that was taken then, and its
// node may have gone on since.
//
// An incarnation must not come back either, though a wiped or restored directory cannot remember
// the ones before: hence max(previous + 1, seconds since 2026), which repeats only if the wall
// clock goes back behind an earlier start. The mark `clean` is durably gone before the engine
// opens: a directory says `clean` only while nobody uses it. And since it then says where the log
// ends, a log that lost its end meanwhile is noticed.

import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { crc32 } from '../base/checksum.ts';
import { hasCode } from '../base/errors.ts';
import { type ClusterId, INCARNATION_EPOCH_MS, type NodeId } from '../base/ids.ts';
import type { Disk, Host } from '../host/host.ts';
import type { Identity } from './engine.ts';
import { checkFormat, corruption, foreignDirectory } from './storage-errors.ts';
import { readWhole, replaceWhole } from './whole-file.ts';

export const IDENTITY_NAME = 'identity';
const FORMAT = 3;
/** "KVID". */
const MAGIC = 0x4b564944;

export type Owner = Pick<Identity, 'clusterId' | 'nodeId'>;

export interface StoredIdentity extends Omit<Identity, 'incarnationBefore'> {
  /** The last write of the log at a clean close; undefined: in use, or not closed cleanly. */
  readonly closedAt: number | undefined;
}

/** Undefined in a fresh directory. Rejects with CORRUPTION or a format's error. */
export async function readIdentity(disk: Disk): Promise<StoredIdentity | undefined> {
  const bytes = await readWhole(disk, IDENTITY_NAME);
  return bytes === undefined ? undefined : decodeIdentity(bytes);
}

/** Durable when it resolves; the one before may stay in place when it rejects. */
export function writeIdentity(disk: Disk, identity: StoredIdentity): Promise<void> {
  return replaceWhole(disk, IDENTITY_NAME, encodeIdentity(identity));
}

/** Throws FOREIGN_DIRECTORY. */
export function checkOwner(stored: Owner, asked: Owner): void {
  if (stored.clusterId !== asked.clusterId) {
    throw foreignDirectory('cluster', stored.clusterId, asked.clusterId);
  }
  if (stored.nodeId !== asked.nodeId) {
    throw foreignDirectory('node', stored.nodeId, asked.nodeId);
  }
}

/** In use. */
export type LivingIdentity = StoredIdentity & Identity;

/** Durably makes `owner` a new actor; `previous`: its last known incarnation, 0 if none is. */
export async function renewIdentity(
  host: Pick<Host, 'disk' | 'clock'>,
  owner: Owner,
  previous: number,
): Promise<LivingIdentity> {
  const { clusterId, nodeId } = owner;
  const ageMs = host.clock.wallMs() - INCARNATION_EPOCH_MS;
  const incarnation = Math.max(previous + 1, Math.floor(ageMs / 1000));
  const identity = { clusterId, nodeId, incarnation, closedAt: undefined };
  await writeIdentity(host.disk, identity);
  return { ...identity, incarnationBefore: previous };
}

export function encodeIdentity(identity: StoredIdentity): Buffer {
  const writer = new ByteWriter(64);
  writer.u32(MAGIC);
  writer.u32(FORMAT);
  writer.raw(Buffer.from(identity.clusterId, 'hex'));
  writer.raw(Buffer.from(identity.nodeId, 'hex'));
  writer.u32(identity.incarnation);
  writer.u8(identity.closedAt === undefined ? 0 : 1);
  writer.varint(identity.closedAt ?? 0);
  writer.u32(crc32(writer.view()));
  return writer.copy();
}

/** Throws CORRUPTION, NEWER_FORMAT or OLDER_FORMAT. */
export function decodeIdentity(bytes: Buffer): StoredIdentity {
  const body = bytes.subarray(0, -4);
  if (bytes.length < 12 || crc32(body) !== bytes.readUInt32BE(body.length)) {
    throw corruption(IDENTITY_NAME, `its checksum is wrong (bytes 0 to ${bytes.length - 1})`);
  }
  const reader = new ByteReader(body);
  if (reader.u32() !== MAGIC) throw corruption(IDENTITY_NAME, 'it is no identity file (offset 0)');
  const format = reader.u32();
  checkFormat(IDENTITY_NAME, format, FORMAT);
  try {
    return decodeBody(reader);
  } catch (error) {
    if (!hasCode(error, 'BAD_BYTES')) throw error;
    throw corruption(IDENTITY_NAME, `it cannot be read at offset ${reader.at}`, error);
  }
}

function decodeBody(reader: ByteReader): StoredIdentity {
  const found = {
    clusterId: reader.raw(16).toString('hex') as ClusterId,
    nodeId: reader.raw(20).toString('hex') as NodeId,
    incarnation: reader.u32(),
    isClean: reader.u8() === 1,
    lastSequence: reader.varint(),
  };
  reader.end();
  const { isClean, lastSequence, ...identity } = found;
  return { ...identity, closedAt: isClean ? lastSequence : undefined };
}
