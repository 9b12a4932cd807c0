// What a client may make of one object. Only its writes are held to it, and only while they make
// the object larger: a write that resolves siblings is always taken, and so is whatever merge,
// repair and handoff bring, for an object that may not heal stays broken.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { KvorumError } from '../base/errors.ts';
import type { Keyspace } from './keyspace.ts';

export interface ObjectSize {
  readonly siblings: number;
  /** Of the encoded object. */
  readonly bytes: number;
}

/** Throws TOO_MANY_SIBLINGS or VALUE_TOO_LARGE. */
export function refuseGrowth(keyspace: Keyspace, before: ObjectSize, after: ObjectSize): void {
  const { siblingsMax, objectBytesMax } = keyspace.limits;
  if (after.siblings > siblingsMax && after.siblings > before.siblings) {
    const message = `the key has ${before.siblings} siblings, the limit of "${keyspace.name}"`;
    const fix = 'Read it, merge its values, and write the result with the context of that read.';
    throw new KvorumError('TOO_MANY_SIBLINGS', message, fix);
  }
  if (after.bytes > objectBytesMax && after.bytes > before.bytes) {
    const message =
      `the object would have ${after.bytes} bytes with all of its ${after.siblings} siblings, ` +
      `and "${keyspace.name}" takes ${objectBytesMax}`;
    const fix = 'Resolve its siblings, or split the value over several keys.';
    throw new KvorumError('VALUE_TOO_LARGE', message, fix);
  }
}
