// Who a data directory is, in the file `identity`:
//
//   magic "KVID" u32 · format u32 · cluster id 16 bytes · node id 20 bytes · incarnation u32 ·
//   dot counter varint · clean u8 (1: closed cleanly) · crc32 u32 of everything before
//
// The checksum stays at the end in every later format. The file is replaced whole.
//
// The incarnation rule. A dot is sent to peers before this disk has synced it, and a peer may
// acknowledge it although it never got here. If this node then went on under the same actor, its
// next write would carry a version vector such as {A:90}, which claims every earlier dot of A:
// the peer would drop the value that only it has. So the actor goes on only where nothing can
// have been forgotten: after a clean close, at the counter that was noted then. After everything
// else (a fresh directory, a crash, a cut tail) the node is a new actor, counting from 0.
//
// An incarnation must not come back either, though a wiped or restored directory cannot remember
// the ones before: hence max(previous + 1, seconds since 2026), which repeats only if the wall
// clock goes back behind an earlier start. The mark `clean` is durably gone before the engine
// opens: a directory says `clean` only while nobody uses it.

import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { crc32 } from '../base/checksum.ts';
import type { ClusterId, NodeId } from '../base/ids.ts';
import type { Disk, Host } from '../host/host.ts';
import type { Identity } from './engine.ts';
import { checkFormat, corruption, foreignDirectory } from './storage-errors.ts';
import { readWhole, replaceWhole } from './whole-file.ts';

export const IDENTITY_NAME = 'identity';
const FORMAT = 1;
/** "KVID". */
const MAGIC = 0x4b564944;
const EPOCH_MS = Date.UTC(2026, 0, 1);

export type Owner = Pick<Identity, 'clusterId' | 'nodeId'>;

export interface StoredIdentity extends Identity {
  readonly isClean: boolean;
}

/** Undefined in a fresh directory. Rejects with CORRUPTION or a format's error. */
export async function readIdentity(disk: Disk): Promise<StoredIdentity | undefined> {
  const bytes = await readWhole(disk, IDENTITY_NAME);
  return bytes === undefined ? undefined : decode(bytes);
}

/** Durable when it resolves; the one before may stay in place when it rejects. */
export function writeIdentity(disk: Disk, identity: StoredIdentity): Promise<void> {
  return replaceWhole(disk, IDENTITY_NAME, encode(identity));
}

/** Throws FOREIGN_DIRECTORY. */
export function checkOwner(stored: Identity, asked: Owner): void {
  if (stored.clusterId !== asked.clusterId) {
    throw foreignDirectory('cluster', stored.clusterId, asked.clusterId);
  }
  if (stored.nodeId !== asked.nodeId) {
    throw foreignDirectory('node', stored.nodeId, asked.nodeId);
  }
}

/** Durably makes `owner` a new actor; `previous` is its incarnation so far, 0 if it had none. */
export async function renewIdentity(
  host: Pick<Host, 'disk' | 'clock'>,
  owner: Owner,
  previous: number,
): Promise<StoredIdentity> {
  const { clusterId, nodeId } = owner;
  const incarnation = Math.max(previous + 1, Math.floor((host.clock.wallMs() - EPOCH_MS) / 1000));
  const identity = { clusterId, nodeId, incarnation, dotCounter: 0, isClean: false };
  await writeIdentity(host.disk, identity);
  return identity;
}

function encode(identity: StoredIdentity): Buffer {
  const writer = new ByteWriter(64);
  writer.u32(MAGIC);
  writer.u32(FORMAT);
  writer.raw(Buffer.from(identity.clusterId, 'hex'));
  writer.raw(Buffer.from(identity.nodeId, 'hex'));
  writer.u32(identity.incarnation);
  writer.varint(identity.dotCounter);
  writer.u8(identity.isClean ? 1 : 0);
  writer.u32(crc32(writer.view()));
  return writer.copy();
}

function decode(bytes: Buffer): StoredIdentity {
  const body = bytes.subarray(0, -4);
  if (bytes.length < 12 || crc32(body) !== bytes.readUInt32BE(body.length)) {
    throw corruption(IDENTITY_NAME, `its checksum is wrong (bytes 0 to ${bytes.length - 1})`);
  }
  const reader = new ByteReader(body);
  if (reader.u32() !== MAGIC) throw corruption(IDENTITY_NAME, 'it is no identity file (offset 0)');
  const format = reader.u32();
  checkFormat(IDENTITY_NAME, format, FORMAT);
  return {
    clusterId: reader.raw(16).toString('hex') as ClusterId,
    nodeId: reader.raw(20).toString('hex') as NodeId,
    incarnation: reader.u32(),
    dotCounter: reader.varint(),
    isClean: reader.u8() === 1,
  };
}
