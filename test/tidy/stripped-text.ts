// Tells code from comments and literals in a TypeScript file, without a compiler: TypeScript 7 has
// no JavaScript interface yet, and the rules need no more than this. Each result has the length
// and the line breaks of the original, everything else blanked, so that offsets stay comparable.
//
//   original   const a = 'x'; // why
//   code       const a = ' ';
//   comments                  // why
//
// Of a template literal only the code within ${…} remains. Whether a slash divides or begins a
// regular expression is decided by what stands before it, which is right for formatted code.

export interface StrippedText {
  /** Comments, the insides of strings and templates, and regular expressions are blank. */
  readonly code: string;
  /** Everything but comments is blank. */
  readonly comments: string;
}

interface Token {
  readonly kind: 'code' | 'comment' | 'string' | 'template' | 'regex';
  readonly end: number;
}

const COMMENT = /\/\/[^\n]*|\/\*[\s\S]*?\*\//y;
const STRING = /'(?:\\[\s\S]|[^'\\\n])*'|"(?:\\[\s\S]|[^"\\\n])*"/y;
/** From a backtick, or from the } that ends a ${…}, to the next ${ or the closing backtick. */
const TEMPLATE = /[`}](?:\\[\s\S]|\$(?!\{)|[^`\\$])*(?:`|\$\{)/y;
const REGEX = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/y;
const WORD = /[\w$]+/y;

/** A slash after one of these begins a regular expression; after anything else it divides. */
const BEFORE_REGEX = /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of|await|yield))$/;

export function strippedText(text: string): StrippedText {
  const code: string[] = [];
  const comments: string[] = [];
  const braces = new TemplateBraces();
  let before = '';
  for (let at = 0; at < text.length; ) {
    const token = tokenAt(text, at, before, braces);
    const piece = text.slice(at, token.end);
    code.push(codeOf(token.kind, piece));
    comments.push(token.kind === 'comment' ? piece : blank(piece));
    if (token.kind !== 'comment' && piece.trim() !== '') {
      before = token.kind === 'code' || token.kind === 'template' ? piece : ')';
    }
    at = token.end;
  }
  return { code: code.join(''), comments: comments.join('') };
}

function tokenAt(text: string, at: number, before: string, braces: TemplateBraces): Token {
  const char = text[at] as string;
  const endsHole = char === '}' && braces.isHoleEnd();
  if (char === '`' || endsHole) {
    const end = endOf(TEMPLATE, text, at) ?? text.length;
    braces.chunk(endsHole, text.startsWith('${', end - 2));
    return { kind: 'template', end };
  }
  if (char === '/') {
    const commentEnd = endOf(COMMENT, text, at);
    if (commentEnd !== undefined) return { kind: 'comment', end: commentEnd };
    const regexEnd = BEFORE_REGEX.test(before) ? endOf(REGEX, text, at) : undefined;
    if (regexEnd !== undefined) return { kind: 'regex', end: regexEnd };
  }
  if (char === "'" || char === '"') {
    return { kind: 'string', end: endOf(STRING, text, at) ?? at + 1 };
  }
  braces.code(char);
  return { kind: 'code', end: endOf(WORD, text, at) ?? at + 1 };
}

/** Which } closes the ${ of a template: each open ${ with the count of { open inside it. */
class TemplateBraces {
  readonly #open: number[] = [];

  isHoleEnd(): boolean {
    return this.#open.at(-1) === 0;
  }

  chunk(endsHole: boolean, beginsHole: boolean): void {
    if (endsHole) this.#open.pop();
    if (beginsHole) this.#open.push(0);
  }

  code(char: string): void {
    const top = this.#open.length - 1;
    if (top < 0) return;
    if (char === '{') this.#open[top] = (this.#open[top] as number) + 1;
    if (char === '}') this.#open[top] = (this.#open[top] as number) - 1;
  }
}

function codeOf(kind: Token['kind'], piece: string): string {
  if (kind === 'code') return piece;
  if (kind !== 'string' || piece.length < 2) return blank(piece);
  return `${piece[0]}${blank(piece.slice(1, -1))}${piece.at(-1)}`;
}

function endOf(pattern: RegExp, text: string, at: number): number | undefined {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}

function blank(piece: string): string {
  return piece.replace(/[^\n]/g, ' ');
}
