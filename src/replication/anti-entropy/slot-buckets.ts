// One level below the slots: the digests of a slot's keys, sorted into 32 buckets by the highest
// bits of the hash that listings are ordered by. They are made by reading the slot, and only when
// it differs: then a few keys are listed instead of all.

import { ByteReader } from '../../base/bytes.ts';
import { crc32 } from '../../base/checksum.ts';
import type { KeyspaceNumber, Slot } from '../../base/ids.ts';
import { readVersion } from '../../causality/object-format.ts';
import type { Engine, ScanRange } from '../../storage/engine.ts';
import { digestOf } from './key-digest.ts';
import { BUCKET_HASHES, BUCKETS_BYTES } from './tree-shape.ts';

const PAGE = { entriesMax: 1_000, bytesMax: 1024 * 1024 };

/** A digest for each bucket: 32 × u64. Rejects as Engine.scan does. */
export async function bucketDigests(
  engine: Engine,
  seed: number,
  keyspace: KeyspaceNumber,
  slot: Slot,
): Promise<Buffer> {
  const bytes = Buffer.alloc(BUCKETS_BYTES);
  let range: ScanRange | undefined = { keyspace, fromSlot: slot, toSlot: slot };
  while (range !== undefined) {
    const page = await engine.scan(range, PAGE);
    for (const { key, value } of page.entries) {
      const { context } = readVersion(new ByteReader(value));
      const { high, low } = digestOf(seed, { keyspace, slot, key }, context);
      const at = Math.floor(crc32(key) / BUCKET_HASHES) * 8;
      bytes.writeInt32BE(bytes.readInt32BE(at) ^ high, at);
      bytes.writeInt32BE(bytes.readInt32BE(at + 4) ^ low, at + 4);
    }
    range = page.next;
  }
  return bytes;
}
