// CRC-32 (ISO-HDLC, as in zlib and PNG), native in Node.js. It guards every batch of the commit
// log and every frame between nodes against rot and torn writes; it is no defence against an
// attacker. A seed binds a checksum to its place: bytes that are right but stand in the wrong
// file or at the wrong offset then fail too.
//
// The only import of node: in the core: a pure function of its arguments.

import { crc32 as zlibCrc32 } from 'node:zlib';

/** Unsigned 32-bit CRC of `bytes`, continued from `seed` (0: a fresh checksum). */
export function crc32(bytes: Uint8Array, seed = 0): number {
  return zlibCrc32(bytes, seed);
}
