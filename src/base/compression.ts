// Zstandard, native in Node.js: for the blocks of tables. Level 1: on 8 KiB of JSON
// level 3 made nothing smaller, and took a third longer on 64 KiB.
//
// With base/checksum.ts the only imports of node: in the core: pure functions of their arguments.

import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { badBytes } from './bytes.ts';
import { messageOf } from './errors.ts';

const OPTIONS = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

export function compress(bytes: Uint8Array): Buffer {
  return zstdCompressSync(bytes, OPTIONS);
}

/** Memory of its own, `length` bytes and no more; throws BAD_BYTES when that is not the length. */
export function decompress(bytes: Uint8Array, length: number): Buffer {
  // One byte of room more, so that the output ends within the first and only chunk.
  const chunkSize = Math.max(64, length + 1);
  let whole: Buffer;
  try {
    whole = zstdDecompressSync(bytes, { chunkSize, maxOutputLength: chunkSize });
  } catch (error) {
    throw badBytes(`zstd: ${messageOf(error)}`);
  }
  if (whole.length !== length) throw badBytes(`zstd: ${whole.length} bytes instead of ${length}`);
  return whole;
}
