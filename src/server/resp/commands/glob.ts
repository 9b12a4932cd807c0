// Redis' glob patterns: `*` any bytes, `?` one byte, `[a-z0]` one of a class, `[^…]` one outside
// it, `\x` x itself. Bytes, not characters.
//
// The pattern is compiled to one token per byte of the key. Every token but the star takes
// exactly one byte, so after a mismatch only the latest star can give way: no recursion, and at
// most pattern × key steps, where the textbook recursion takes 2^stars.
//
// Pure: no clock, no disk, no network; dice are an argument.

const STAR = -1;
const ANY = -2;
/** And below: a class, number FIRST_CLASS - token. */
const FIRST_CLASS = -3;

const [STAR_BYTE, QUESTION, OPEN, CLOSE, CARET, DASH, BACKSLASH] = Buffer.from('*?[]^-\\');

export class Glob {
  /** A byte value, or one of the tokens above. */
  readonly #tokens: number[] = [];
  readonly #classes: Uint8Array[] = [];
  readonly #lengthMin: number;

  constructor(pattern: Buffer) {
    for (let at = 0; at < pattern.length; ) {
      const byte = pattern[at] as number;
      if (byte === OPEN) {
        at = this.#readClass(pattern, at + 1);
        continue;
      }
      if (byte === STAR_BYTE) {
        if (this.#tokens.at(-1) !== STAR) this.#tokens.push(STAR);
      } else if (byte === QUESTION) this.#tokens.push(ANY);
      else {
        if (byte === BACKSLASH && at + 1 < pattern.length) at++;
        this.#tokens.push(pattern[at] as number);
      }
      at++;
    }
    this.#lengthMin = this.#tokens.filter((token) => token !== STAR).length;
  }

  /** Whether the whole of `key` fits. */
  matches(key: Buffer): boolean {
    const tokens = this.#tokens;
    if (key.length < this.#lengthMin) return false;
    let token = 0;
    let afterStar = -1;
    let starEnd = 0;
    for (let at = 0; at < key.length; ) {
      if (tokens[token] === STAR) {
        afterStar = ++token;
        starEnd = at;
      } else if (token < tokens.length && this.#takes(tokens[token] as number, key[at] as number)) {
        token++;
        at++;
      } else {
        if (afterStar < 0) return false;
        token = afterStar;
        at = ++starEnd;
      }
    }
    if (tokens[token] === STAR) token++;
    return token === tokens.length;
  }

  #takes(token: number, byte: number): boolean {
    if (token >= 0) return token === byte;
    return token === ANY || this.#classes[FIRST_CLASS - token]?.[byte] === 1;
  }

  /** Reads from behind the `[`; a class that is never closed ends with the pattern. */
  #readClass(pattern: Buffer, from: number): number {
    const isNegated = pattern[from] === CARET;
    const members = new Uint8Array(256);
    let at = isNegated ? from + 1 : from;
    for (; at < pattern.length && pattern[at] !== CLOSE; at++) {
      const byte = pattern[at] as number;
      if (byte === BACKSLASH && at + 1 < pattern.length) members[pattern[++at] as number] = 1;
      else if (pattern[at + 1] === DASH && at + 2 < pattern.length) {
        const end = pattern[at + 2] as number;
        members.fill(1, Math.min(byte, end), Math.max(byte, end) + 1);
        at += 2;
      } else members[byte] = 1;
    }
    this.#tokens.push(FIRST_CLASS - this.#classes.length);
    this.#classes.push(isNegated ? members.map((member) => 1 - member) : members);
    return at + 1;
  }
}

/**
 * The prefix of every key that the pattern can match: its bytes up to the first special one.
 * It tells which slot a pattern with a hash tag is confined to.
 */
export function literalPrefix(pattern: Buffer): Buffer {
  const end = pattern.findIndex((byte) => [STAR_BYTE, QUESTION, OPEN, BACKSLASH].includes(byte));
  return end < 0 ? pattern : pattern.subarray(0, end);
}
