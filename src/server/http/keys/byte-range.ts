// A part of a value: what `Range` and `If-Range` of a GET ask for.
//
//   bytes=0-99      the first hundred         bytes=100-   from there to the end
//   bytes=-100      the last hundred
//
// One range is answered; of several, of other units and of what cannot be read the whole value is,
// as the standard wants it: RFC 9110, sections 13.1.5 and 14.

import { headerOf, type KeyHeaders } from './key-request.ts';

export interface ByteRange {
  readonly from: number;
  /** Not part of it. */
  readonly end: number;
}

const ONE_RANGE = /^bytes=(\d*)-(\d*)$/;

/** Undefined: the whole value. `tag`: the entity tag of the answer. */
export function rangeIn(
  headers: KeyHeaders,
  tag: string,
  size: number,
): ByteRange | 'unsatisfiable' | undefined {
  const [, first = '', last = ''] = ONE_RANGE.exec(headerOf(headers, 'range') ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  const ifRange = headerOf(headers, 'if-range');
  if (ifRange !== undefined && ifRange !== tag) return undefined;
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length === 0 ? 'unsatisfiable' : { from: size - length, end: size };
  }
  const from = Number(first);
  if (last !== '' && Number(last) < from) return undefined;
  if (from >= size) return 'unsatisfiable';
  return { from, end: last === '' ? size : Math.min(Number(last) + 1, size) };
}
