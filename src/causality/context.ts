// The context as a client holds it: an opaque text that a read or write answers with and that the
// next write hands back (HTTP header X-Kvorum-Context).
//
//   base64url of   u8 format, 1 · u8 keyspace · vector (version-vector.ts) · u32 crc32 of these
//
// Clients cut, quote, mix up and keep such texts, and a wrong context silently replaces siblings
// that nobody had read. Hence the checksum and the keyspace; it is no defence against forgery.
// Pure: no clock, no disk, no network; dice are an argument.

import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { crc32 } from '../base/checksum.ts';
import { hasCode, KvorumError } from '../base/errors.ts';
import { INCARNATION_EPOCH_MS, type KeyspaceNumber } from '../base/ids.ts';
import { incarnationOf } from './dot.ts';
import { CUT, readVector, type VersionVector, writeVector } from './version-vector.ts';

const FORMAT = 1;
const CRC_BYTES = 4;
// A node whose clock was years ahead when it started lives as an incarnation of that time for good;
// its contexts are taken. What is further off only a forger writes, and it must not wear out the
// 32 bits of those that are to come.
const AHEAD_MS_MAX = 10 * 365 * 86_400_000;

const BYTES_MIN = 3 + CRC_BYTES;

// Half of what Node.js takes as all headers of a request (16 KiB); room for 500 actors and more,
// where three are usual.
const TEXT_LENGTH_MAX = 8_192;

export function encodeContext(vector: VersionVector, keyspace: KeyspaceNumber): string {
  const w = new ByteWriter(64);
  w.u8(FORMAT);
  w.u8(keyspace);
  writeVector(w, vector);
  w.u32(crc32(w.view()));
  return w.view().toString('base64url');
}

/** Throws BAD_CONTEXT for what encodeContext did not write, or wrote for another keyspace. */
export function decodeContext(text: string, keyspace: KeyspaceNumber): VersionVector {
  const bytes = checkedBytes(text);
  const r = new ByteReader(bytes);
  const format = r.u8();
  if (format !== FORMAT) throw badContext(`has format ${format}, and this node knows ${FORMAT}`);
  const origin = r.u8();
  if (origin !== keyspace) {
    throw badContext(`comes from keyspace number ${origin}, and the request is for ${keyspace}`);
  }
  try {
    const vector = readVector(r);
    r.end();
    return vector;
  } catch (error) {
    if (hasCode(error, 'BAD_BYTES')) throw badContext('does not hold a version vector', error);
    throw error;
  }
}

/** Throws BAD_CONTEXT where `vector` knows of a life of a node that cannot have begun yet. */
export function refuseFutureIncarnations(vector: VersionVector, wallMs: number): void {
  const latest = Math.floor((wallMs + AHEAD_MS_MAX - INCARNATION_EPOCH_MS) / 1000);
  for (const entry of vector) {
    const life = entry.actor === CUT ? entry.counter : incarnationOf(entry.actor);
    if (life > latest) throw badContext(`knows of a node in incarnation ${life}, years from now`);
  }
}

/** What the text holds, without its checksum, which was right. */
function checkedBytes(text: string): Buffer {
  if (text.length > TEXT_LENGTH_MAX) {
    throw badContext(`has ${text.length} characters, and ${TEXT_LENGTH_MAX} are the most`);
  }
  const bytes = Buffer.from(text, 'base64url');
  // Buffer skips what is not base64url, so only writing it again tells.
  if (bytes.toString('base64url') !== text) throw badContext('is not base64url');
  if (bytes.length < BYTES_MIN) throw badContext('is too short');
  const checksumAt = bytes.length - CRC_BYTES;
  const body = bytes.subarray(0, checksumAt);
  if (crc32(body) !== bytes.readUInt32BE(checksumAt)) throw badContext('fails its checksum');
  return body;
}

function badContext(why: string, cause?: unknown): KvorumError {
  const fix = 'Read the key again and send the context of that answer unchanged, or send none.';
  return new KvorumError('BAD_CONTEXT', `the context ${why}`, fix, cause);
}
