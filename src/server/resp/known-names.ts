// The names of commands as clients spell them, one Buffer for each spelling: a client that sends
// GET a million times makes neither a million views of "GET" nor a million look-ups, for what was
// found under a name is remembered by that Buffer's identity.
//
// A small table in which a name takes the place of another with the same hash: whatever clients
// send, it holds at most SLOTS names. One per server.

const SLOTS = 128;
const NAME_BYTES_MAX = 16;

export class KnownNames {
  readonly #names: (Buffer | undefined)[] = new Array<Buffer | undefined>(SLOTS).fill(undefined);

  /** `bytes[start … stop)` as a Buffer, the same as last time where possible. */
  name(bytes: Buffer, start: number, stop: number): Buffer {
    const length = stop - start;
    if (length === 0 || length > NAME_BYTES_MAX) return bytes.subarray(start, stop);
    let slot = length;
    for (let i = start; i < stop; i++) slot = slot * 31 + (bytes[i] as number);
    slot %= SLOTS;
    const known = this.#names[slot];
    if (known !== undefined && isAt(known, bytes, start, length)) return known;
    const name = Buffer.from(bytes.subarray(start, stop));
    this.#names[slot] = name;
    return name;
  }
}

function isAt(name: Buffer, bytes: Buffer, start: number, length: number): boolean {
  if (name.length !== length) return false;
  for (let i = 0; i < length; i++) if (name[i] !== bytes[start + i]) return false;
  return true;
}
