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
  let crc = 0;
  for (let i = 0; i < key.length; i++) {
    const byte = key[i] as number;
    // Until here: to look for one first would cost as much again as the sum.
    if (byte === OPENING_BRACE) return slotOfTagged(key, i);
    crc = next(crc, byte);
  }
  return (crc % SLOT_COUNT) as Slot;
}

/** `opening`: where the first one is. */
function slotOfTagged(key: Buffer, opening: number): Slot {
  const closing = key.indexOf(CLOSING_BRACE, opening + 1);
  const isTag = closing > opening + 1;
  const crc = isTag ? crc16(key, opening + 1, closing) : crc16(key, 0, key.length);
  return (crc % SLOT_COUNT) as Slot;
}

/** CRC16/XMODEM of `bytes[from … to - 1]`. */
export function crc16(bytes: Buffer, from: number, to: number): number {
  let crc = 0;
  for (let i = from; i < to; i++) crc = next(crc, bytes[i] as number);
  return crc;
}

function next(crc: number, byte: number): number {
  const index = (crc >>> 8) ^ byte;
  return ((crc << 8) & 0xffff) ^ (CRC_OF_BYTE[index] as number);
}
