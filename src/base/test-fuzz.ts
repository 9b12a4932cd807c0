// Fuzzing of formats: bytes that were right once, mutated the way disks, networks and strangers do,
// and the judgement that every reader owes: an answer or a KvorumError of the codes that it names,
// and no memory that the bytes merely claim to need.
//
// `KVORUM_FUZZ=100 npm test -- fuzz` runs a hundred times as many cases.

import { ok } from 'node:assert/strict';
import fc from 'fast-check';
import { assert } from './assert.ts';
import { crc32 } from './checksum.ts';
import { type ErrorCode, hasCode } from './errors.ts';

/** How many cases a property tries: `usual`, times what the environment says. */
export function casesOf(usual: number): { readonly numRuns: number } {
  return { numRuns: Math.round(usual * Number(process.env.KVORUM_FUZZ ?? 1)) };
}

/** Bytes and numbers at which lengths and counts go wrong, in the codings of base/bytes.ts. */
const EXTREMES = [
  '00',
  '01',
  '7f',
  '80',
  'ff',
  '0000',
  'ffff',
  '00000000',
  '00000001',
  '7fffffff',
  '80000000',
  'ffffffff',
  'ffffff7f', // a varint of 2^28 - 1
  'ffffffffffffff0f', // a varint of 2^53 - 1
  'ffffffffffffffff7f', // a varint that is too long
].map((hex) => Buffer.from(hex, 'hex'));

type Mutation = (bytes: Buffer) => Buffer;

function at(bytes: Buffer, place: number): number {
  return bytes.length === 0 ? 0 : place % bytes.length;
}

function spliced(bytes: Buffer, from: number, to: number, piece: Uint8Array): Buffer {
  return Buffer.concat([bytes.subarray(0, from), piece, bytes.subarray(to)]);
}

/** One mutation; `others`: where pieces may come from. */
function mutation(others: readonly Buffer[]): fc.Arbitrary<Mutation> {
  const place = fc.nat(1 << 20);
  const length = fc.oneof(fc.nat(8), fc.nat(400));
  const flip = fc.tuple(place, fc.nat(7)).map(
    ([where, bit]): Mutation =>
      (bytes) => {
        if (bytes.length === 0) return bytes;
        const copy = Buffer.from(bytes);
        copy[at(bytes, where)] = (copy[at(bytes, where)] as number) ^ (1 << bit);
        return copy;
      },
  );
  const overwrite = fc.tuple(place, fc.constantFrom(...EXTREMES), fc.boolean()).map(
    ([where, extreme, isInserted]): Mutation =>
      (bytes) => {
        const from = at(bytes, where);
        const to = isInserted ? from : Math.min(bytes.length, from + extreme.length);
        return spliced(bytes, from, to, extreme);
      },
  );
  const truncate = place.map(
    (where): Mutation =>
      (bytes) =>
        bytes.subarray(0, at(bytes, where)),
  );
  const remove = fc.tuple(place, length).map(
    ([where, count]): Mutation =>
      (bytes) => {
        const from = at(bytes, where);
        return spliced(bytes, from, Math.min(bytes.length, from + count), Buffer.alloc(0));
      },
  );
  const duplicate = fc.tuple(place, place, length).map(
    ([from, to, count]): Mutation =>
      (bytes) => {
        const piece = bytes.subarray(at(bytes, from), at(bytes, from) + count);
        return spliced(bytes, at(bytes, to), at(bytes, to), piece);
      },
  );
  const splice = fc.tuple(fc.nat(), place, place, length).map(
    ([which, from, to, count]): Mutation =>
      (bytes) => {
        const other = others[which % others.length] as Buffer;
        const piece = other.subarray(at(other, from), at(other, from) + count);
        return spliced(bytes, at(bytes, to), Math.min(bytes.length, at(bytes, to) + count), piece);
      },
  );
  const noise = fc.tuple(place, fc.uint8Array({ maxLength: 40 })).map(
    ([where, piece]): Mutation =>
      (bytes) => {
        const from = at(bytes, where);
        return spliced(bytes, from, Math.min(bytes.length, from + piece.length), piece);
      },
  );
  return fc.oneof(flip, overwrite, truncate, remove, duplicate, splice, noise);
}

/** One of `samples` with one to three mutations; now and then bytes of chance. */
export function mutants(samples: readonly Buffer[]): fc.Arbitrary<Buffer> {
  const changes = fc.array(mutation(samples), { minLength: 1, maxLength: 3 });
  const mutated = fc.tuple(fc.constantFrom(...samples), changes).map(([sample, mutations]) => {
    return mutations.reduce<Buffer>((bytes, mutate) => mutate(bytes), Buffer.from(sample));
  });
  const random = fc.uint8Array({ maxLength: 100 }).map((bytes): Buffer => Buffer.from(bytes));
  return fc.oneof({ arbitrary: mutated, weight: 19 }, { arbitrary: random, weight: 1 });
}

/** Puts a checksum in the last four bytes right, as a writer of wrong bytes would. */
export function resealed(bytes: Buffer): Buffer {
  if (bytes.length < 4) return bytes;
  const copy = Buffer.from(bytes);
  copy.writeUInt32BE(crc32(copy.subarray(0, -4)), copy.length - 4);
  return copy;
}

/** Throws unless `error` is a KvorumError with one of these codes. */
export function expectCode(error: unknown, codes: readonly ErrorCode[]): void {
  const isKnown = codes.some((code) => hasCode(error, code));
  ok(isKnown, error instanceof Error ? (error.stack ?? error.message) : String(error));
}

/** What `read` returns; undefined when it threw one of these codes. It must throw no other. */
export function answerOf<T>(read: () => T, codes: readonly ErrorCode[]): T | undefined {
  try {
    return read();
  } catch (error) {
    expectCode(error, codes);
    return undefined;
  }
}

const ALLOCATORS = ['alloc', 'allocUnsafe', 'allocUnsafeSlow'] as const;
const ARRAYS = ['Uint8Array', 'Uint16Array', 'Uint32Array', 'Float64Array'] as const;

/**
 * From now on, in this whole process, whoever asks for more memory in one piece fails: a length
 * that was believed before it was checked. Above `bytesMax` lies no window and no arena.
 */
export function refuseLargeAllocations(bytesMax: number): void {
  const check = (what: string, bytes: unknown) => {
    assert(!(Number(bytes) > bytesMax), `${what}(${bytes}) is more than ${bytesMax} bytes`);
  };
  const allocators = Buffer as unknown as Record<string, (...args: unknown[]) => Buffer>;
  for (const name of ALLOCATORS) {
    const allocate = allocators[name] as (...args: unknown[]) => Buffer;
    allocators[name] = (...args) => {
      check(`Buffer.${name}`, args[0]);
      return allocate(...args);
    };
  }
  const globals = globalThis as unknown as Record<string, Uint8ArrayConstructor>;
  for (const name of ARRAYS) {
    globals[name] = new Proxy(globals[name] as Uint8ArrayConstructor, {
      construct(target, args, newTarget) {
        if (typeof args[0] === 'number') check(name, args[0] * target.BYTES_PER_ELEMENT);
        return Reflect.construct(target, args, newTarget);
      },
    });
  }
}
