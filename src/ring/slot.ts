// The slot of a key: CRC16 (XMODEM: polynomial 0x1021, initial value 0) modulo 16,384, exactly as
// the Redis Cluster specification says, so that every cluster client computes what we compute.
//
// Hash tag: when the key has a `{`, and the first `}` after it does not follow at once, only the
// bytes between the two are hashed. Keys of one tag share a slot: `{user1000}.following`.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { SLOT_COUNT, type Slot } from '../base/ids.ts';

const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;

const CRC_OF_BYTE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  return crc;
});

/** Allocates nothing: it runs on every key of every request. */
export function slotOf(key: Buffer): Slot {
  const opening = key.indexOf(OPENING_BRACE);
  if (opening >= 0) {
    const closing = key.indexOf(CLOSING_BRACE, opening + 1);
    if (closing > opening + 1) return (crc16(key, opening + 1, closing) % SLOT_COUNT) as Slot;
  }
  return (crc16(key, 0, key.length) % SLOT_COUNT) as Slot;
}

/** CRC16/XMODEM of `bytes[from … to - 1]`. */
export function crc16(bytes: Buffer, from: number, to: number): number {
  let crc = 0;
  for (let i = from; i < to; i++) {
    const index = ((crc >>> 8) ^ (bytes[i] as number)) & 0xff;
    crc = ((crc << 8) & 0xffff) ^ (CRC_OF_BYTE[index] as number);
  }
  return crc;
}
