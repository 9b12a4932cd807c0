// Finds functions and their lengths by following brackets through code that was stripped of
// comments and literals.
//
// A function begins at a ( that is no call's and no condition's: after its ) comes, perhaps behind
// a return type, either `{` or `=>` and `{`. A call, `if (…)` or `for (…)` is told apart by what
// stands before the ( or by what follows the ).

export interface FunctionSize {
  readonly name: string;
  /** Offset of the name or of the parameters. */
  readonly at: number;
  readonly lines: number;
  /** From { to }. */
  readonly body: string;
}

const CONTROL = /(?:^|[^\w$.])(?:if|for|while|switch|catch|with|await)\s*$/;
const NAME = /([\w$#]+)\s*(?:<[^()]*>)?\s*$/;
const CLOSING: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };
/** After one of these a { begins a type, not the body. */
const TYPE_EXPECTED = /(?:[:|&<,]|=>|\bis|\bextends|\bkeyof|\breadonly)\s*$/;

export function functionSizes(code: string): FunctionSize[] {
  const found: FunctionSize[] = [];
  const bodies = new Set<number>(); // a return type like (() => void) looks like parameters too
  for (let at = code.indexOf('('); at >= 0; at = code.indexOf('(', at + 1)) {
    const before = code.slice(Math.max(0, at - 200), at);
    if (CONTROL.test(before)) continue;
    const close = closingBracket(code, at);
    const open = close === undefined ? undefined : bodyAfter(code, close + 1);
    const end = open === undefined ? undefined : closingBracket(code, open);
    if (open === undefined || end === undefined || bodies.has(open)) continue;
    bodies.add(open);
    const body = code.slice(open, end + 1);
    const lines = code.slice(at, end).split('\n').length;
    found.push({ name: NAME.exec(before)?.[1] ?? 'a function', at, lines, body });
  }
  return found;
}

/** Where the bracket that opens at `at` closes. */
export function closingBracket(code: string, at: number): number | undefined {
  const open = code[at] as string;
  const close = CLOSING[open];
  let depth = 0;
  for (let here = at; here < code.length; here++) {
    if (code[here] === open) depth++;
    if (code[here] === close && --depth === 0) return here;
  }
  return undefined;
}

/** Where the body's { stands, if what follows the parameters is a function's body. */
function bodyAfter(code: string, from: number): number | undefined {
  const next = skipSpace(code, from);
  if (code[next] === '{') return next;
  if (code.startsWith('=>', next)) return braceAt(code, next + 2);
  if (code[next] !== ':') return undefined;
  const end = endOfReturnType(code, next + 1);
  if (end === undefined) return undefined;
  return code[end] === '{' ? end : braceAt(code, end + 2);
}

function braceAt(code: string, from: number): number | undefined {
  const next = skipSpace(code, from);
  return code[next] === '{' ? next : undefined;
}

/** Where the type ends that begins at `from`: at the body's { or at the arrow before it. */
function endOfReturnType(code: string, from: number): number | undefined {
  let angles = 0;
  for (let at = from; at < code.length; at++) {
    const char = code[at] as string;
    if (code.startsWith('=>', at)) {
      if (angles === 0 && braceAt(code, at + 2) !== undefined) return at;
      at++; // the arrow of a function type; its > closes nothing
    } else if (char === '<') angles++;
    else if (char === '>') angles--;
    else if (char === '{' && angles === 0 && !TYPE_EXPECTED.test(code.slice(from - 1, at))) {
      return at;
    } else if (char in CLOSING) at = closingBracket(code, at) ?? code.length;
    else if (/[;)\]}=?]/.test(char) || (char === ',' && angles === 0)) return undefined;
  }
  return undefined;
}

function skipSpace(code: string, from: number): number {
  let at = from;
  while (at < code.length && /\s/.test(code[at] as string)) at++;
  return at;
}
