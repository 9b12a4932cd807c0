// The real dice: the operating system's cryptographic generator, drawn in blocks because one call
// per number would cost a microsecond.

import { randomBytes, randomFillSync } from 'node:crypto';
import type { Random } from './host.ts';

const BLOCK_BYTES = 4096;

export function nodeRandom(): Random {
  const block = Buffer.alloc(BLOCK_BYTES);
  let used = BLOCK_BYTES;
  return {
    u32() {
      if (used === BLOCK_BYTES) {
        randomFillSync(block);
        used = 0;
      }
      used += 4;
      return block.readUInt32LE(used - 4);
    },
    bytes: (count) => randomBytes(count),
  };
}
