// Levels, and how far requests came, as bytes (docs/formats.md draws them).
//
// Pure: no clock, no disk, no network; dice are an argument.

import { type ByteReader, type ByteWriter, badBytes } from '../../base/bytes.ts';
import { type ConsistencyLevel, LEVEL_NAMES } from './consistency-level.ts';
import type { Progress } from './need.ts';

const NONE = 0;
const NUMBER = 1;
const NAMED = 2;

/** `undefined`: as the keyspace says. */
export function writeLevel(w: ByteWriter, level: ConsistencyLevel | undefined): void {
  if (level === undefined) w.u8(NONE);
  else if (typeof level === 'string') w.u8(NAMED + LEVEL_NAMES.indexOf(level));
  else {
    w.u8(NUMBER);
    w.varint(level);
  }
}

/** Throws BAD_BYTES. */
export function readLevel(r: ByteReader): ConsistencyLevel | undefined {
  const kind = r.u8();
  if (kind === NONE) return undefined;
  if (kind === NUMBER) return r.varint();
  const name = LEVEL_NAMES[kind - NAMED];
  if (name === undefined) throw badBytes(`there is no level ${kind}`);
  return name;
}

export function writeProgress(w: ByteWriter, { needed, got, dataCenter }: Progress): void {
  w.varint(needed);
  w.varint(got);
  w.text(dataCenter ?? '');
}

export function readProgress(r: ByteReader): Progress {
  const counts = { needed: r.varint(), got: r.varint() };
  const dataCenter = r.text();
  return dataCenter === '' ? counts : { ...counts, dataCenter };
}
