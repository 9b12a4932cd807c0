// What a Redis command answers, as plain values; the writer turns them into RESP2 or RESP3.
//
//   Buffer, string → bulk string     number → integer     null → missing     array → array

export type Reply = Buffer | string | number | null | readonly Reply[] | ReplyNode;

export type ReplyNode =
  | { readonly kind: 'simple'; readonly text: string }
  /** The first word of `text` is the code that clients match: `ERR …`, `WRONGTYPE …`. */
  | { readonly kind: 'error'; readonly text: string; readonly encoded?: Buffer }
  /** A map in RESP3, a flat array in RESP2. */
  | { readonly kind: 'map'; readonly entries: readonly (readonly [Reply, Reply])[] }
  /** A set in RESP3, an array in RESP2. */
  | { readonly kind: 'set'; readonly items: readonly Reply[] }
  /** Plain text: verbatim in RESP3, a bulk string in RESP2. */
  | { readonly kind: 'verbatim'; readonly text: string }
  /** A missing array: `*-1` in RESP2, null in RESP3. */
  | { readonly kind: 'null-array' }
  /** Nothing at all is sent (CLIENT REPLY OFF). */
  | { readonly kind: 'silence' };

export const OK: Reply = { kind: 'simple', text: 'OK' };

export function simple(text: string): Reply {
  return { kind: 'simple', text };
}

export function error(text: string): Reply {
  return { kind: 'error', text };
}

/** One that is sent so often that its encoding is kept. `text`: one line. */
export function commonError(text: string): Reply {
  return { kind: 'error', text, encoded: Buffer.from(`-${text}\r\n`) };
}

export function map(entries: readonly (readonly [Reply, Reply])[]): Reply {
  return { kind: 'map', entries };
}
