// Splits an inline command (`SET greeting "hello world"\r\n` typed into telnet) into words, by the
// rules of Redis' sdssplitargs: words stand between blanks; "…" knows \xHH \n \r \t \b \a and
// takes any other escaped byte as it is; '…' knows only \'. A closing quote must end its word.
//
// Pure. It runs for people and health checks, so it is written to be read, not to be fast.

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const DOUBLE_QUOTE = 0x22;
const SINGLE_QUOTE = 0x27;
const BACKSLASH = 0x5c;
const LETTER_X = 0x78;

/** The byte that each letter after a backslash stands for, inside double quotes. */
const ESCAPES = new Map([
  [0x6e, LF],
  [0x72, CR],
  [0x74, TAB],
  [0x62, 0x08],
  [0x61, 0x07],
]);

/** The words of `line`, which has no line end; undefined when its quotes are not balanced. */
export function splitInlineWords(line: Buffer): Buffer[] | undefined {
  const words: Buffer[] = [];
  const word = Buffer.allocUnsafe(line.length);
  let at = 0;
  while (true) {
    while (isBlank(line[at])) at++;
    if (at >= line.length) return words;
    const end = readWord(line, at, word);
    if (end === undefined) return undefined;
    words.push(Buffer.from(word.subarray(0, end.length)));
    at = end.at;
  }
}

/** Where reading came to: in the line, and in the word that it fills. */
interface Place {
  readonly at: number;
  readonly length: number;
}

/** A quote in the middle of a word opens a quotation that ends the word. */
function readWord(line: Buffer, from: number, word: Buffer): Place | undefined {
  let at = from;
  let length = 0;
  for (; at < line.length && !endsWord(line[at] as number); at++) {
    const byte = line[at] as number;
    if (byte === DOUBLE_QUOTE || byte === SINGLE_QUOTE) return readQuoted(line, at, word, length);
    word[length++] = byte;
  }
  return { at, length };
}

/** Appends the quoted text at `from` to `word`; undefined when it does not end as it must. */
function readQuoted(
  line: Buffer,
  from: number,
  word: Buffer,
  wordLength: number,
): Place | undefined {
  const quote = line[from] as number;
  let length = wordLength;
  let at = from + 1;
  while (at < line.length && line[at] !== quote) {
    let byte = line[at] as number;
    let width = 1;
    const next = line[at + 1];
    if (byte === BACKSLASH && next !== undefined) {
      if (quote === DOUBLE_QUOTE) {
        const hex = next === LETTER_X ? hexByte(line, at + 2) : undefined;
        width = hex === undefined ? 2 : 4;
        byte = hex ?? ESCAPES.get(next) ?? next;
      } else if (next === SINGLE_QUOTE) {
        width = 2;
        byte = SINGLE_QUOTE;
      }
    }
    word[length++] = byte;
    at += width;
  }
  const isClosed = at < line.length;
  const endsItsWord = at + 1 >= line.length || isBlank(line[at + 1]);
  return isClosed && endsItsWord ? { at: at + 1, length } : undefined;
}

function hexByte(line: Buffer, at: number): number | undefined {
  const text = line.toString('latin1', at, at + 2);
  return /^[0-9a-fA-F]{2}$/.test(text) ? Number.parseInt(text, 16) : undefined;
}

/** C's isspace, as Redis uses it between words. */
function isBlank(byte: number | undefined): boolean {
  return byte !== undefined && (byte === SPACE || (byte >= TAB && byte <= CR));
}

/** The fewer bytes that end a word without quotes: a vertical tab or form feed is part of it. */
function endsWord(byte: number): boolean {
  return byte === SPACE || byte === TAB || byte === LF || byte === CR;
}
