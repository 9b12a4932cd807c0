// How much one client may ask of this node, where nobody configured it otherwise.
//
// The parser enforces the first four before it keeps a byte; a value between `valueBytesMax` and
// `bulkBytesMax` is read and then refused by its command, so that the connection survives a mere
// mistake, while a length beyond that can only be an attack or another protocol.

import type { RespLimits } from './server-info.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

export const DEFAULT_RESP_LIMITS: RespLimits = {
  // MSET of 8,000 pairs; each word costs about 150 bytes of view, so 2.5 MB at worst.
  argumentsMax: 16_384,
  bulkBytesMax: 8 * MIB,
  // Redis' PROTO_INLINE_MAX_SIZE.
  inlineBytesMax: 64 * KIB,
  commandBytesMax: 16 * MIB,
  keyBytesMax: 16 * KIB,
  // Dynamo's objects are usually below 1 MB; a larger one stalls every other client of the loop.
  valueBytesMax: MIB,
  // Redis' default for maxclients.
  connectionsMax: 10_000,
  // Eight pipelines of 16; more only moves the queue from the kernel into our heap.
  inFlightMax: 128,
  // Of an answer within half a second the other half is for the way and the work.
  waitMsMax: 200,
  // As long as a request may take.
  silentWaitMsMax: 3_000,
  outputBytesMax: 8 * MIB,
  // The largest command at 550 KB/s, over any link that deserves the name.
  halfCommandMs: 30_000,
};
