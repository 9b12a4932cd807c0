// The laws of a merge function, tried on values:
//
//   commutative    a · b = b · a
//   associative    (a · b) · c = a · (b · c)
//   idempotent     (a · b) · b = a · b, and so (a · a) · a = a · a
//
// The last one is the law of a user's point of view: what was merged already changes nothing. It
// allows that a · a tidies a, by sorting it say, as functions over sets and JSON do.
//
// What they do not forbid is to forget: a function that makes {} of everything obeys all of them.
// So it must tell some values apart.
//
// A function need not take every value: where it throws on both sides of a law nothing was tried.
// Where it throws on one side only, the law is broken. What was recorded it must take. Of generated
// values only kinds count that it takes all of: one that was made for objects does something with
// most numbers and lists too, and nobody cares what.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { messageOf } from '../base/errors.ts';
import type { MergeFunction, MergeInput } from './merge-function.ts';
import type { Dice, Family } from './sample-values.ts';

export type Law = 'commutative' | 'associative' | 'idempotent';

export type LawVerdict =
  | { readonly kind: 'lawful'; readonly triedCount: number }
  | BrokenLaw
  /** All laws hold, but it makes this of every value, and so keeps nothing of any. */
  | { readonly kind: 'constant'; readonly value: string }
  /** It throws on something recorded, or takes no kind of generated values: what and why. */
  | { readonly kind: 'untried'; readonly why: string };

export interface BrokenLaw {
  readonly kind: 'broken';
  readonly law: Law;
  /** a, b and perhaps c; then what the two sides of the law came to. All for people to read. */
  readonly values: readonly string[];
  readonly left: string;
  readonly right: string;
}

/** Of one kind of values, next to all pairs. */
const TRIPLES_PER_FAMILY = 300;
const SHOWN_CHARACTERS_MAX = 120;

export function lawVerdict(fn: MergeFunction, families: readonly Family[], dice: Dice): LawVerdict {
  const trial = new Trial(fn);
  for (const { kind, values } of families) {
    const taken = values.filter((each) => trial.takes(each));
    const isWhole = taken.length === values.length;
    if (kind === 'recorded' && !isWhole) break;
    if (kind === 'generated' && !isWhole) continue;
    const broken = brokenByPairs(trial, taken) ?? brokenByTriples(trial, taken, dice);
    if (broken !== undefined) return broken;
  }
  const constant = trial.constant();
  if (constant !== undefined) return { kind: 'constant', value: constant };
  if (trial.count > 0) return { kind: 'lawful', triedCount: trial.count };
  return { kind: 'untried', why: trial.firstRefusal ?? 'there were no values' };
}

/** A value, or two of them merged. */
type Expression = MergeInput | readonly [Expression, Expression];

class Trial {
  count = 0;
  /** A value that it does not take, and what it says. */
  firstRefusal: string | undefined;
  #lastFailure = '';
  readonly #taken = new Set<string>();
  /** What was made of these, each merged with itself. */
  readonly #made = new Set<string>();
  readonly #fn: MergeFunction;

  constructor(fn: MergeFunction) {
    this.#fn = fn;
  }

  takes(value: MergeInput): boolean {
    const made = this.#valueOf([value, value]);
    if (made !== undefined) {
      this.#taken.add(latin1(value.value));
      this.#made.add(latin1(made));
      return true;
    }
    this.firstRefusal ??= `${this.#lastFailure} (for ${shown(value.value)})`;
    return false;
  }

  /** What it makes of all values alike; undefined: it tells some of them apart. */
  constant(): string | undefined {
    const [made, ...others] = this.#made;
    const isConstant = made !== undefined && others.length === 0 && this.#taken.size > 1;
    return isConstant ? shown(Buffer.from(made, 'latin1')) : undefined;
  }

  /** What the law and the two sides are, where they differ. */
  broken(law: Law, values: readonly MergeInput[], left: Expression, right: Expression) {
    const [a, b] = [this.#valueOf(left), this.#valueOf(right)];
    if (a === undefined && b === undefined) return undefined;
    this.count += 1;
    if (a !== undefined && b !== undefined && Buffer.compare(a, b) === 0) return undefined;
    const shownValues = values.map(({ value }) => shown(value));
    return { kind: 'broken', law, values: shownValues, left: shown(a), right: shown(b) } as const;
  }

  /** Undefined: it threw. */
  #valueOf(expression: Expression): Uint8Array | undefined {
    try {
      return this.#fn.close(this.#stateOf(expression));
    } catch (error) {
      this.#lastFailure = messageOf(error);
      return undefined;
    }
  }

  #stateOf(expression: Expression): unknown {
    if ('value' in expression) return this.#fn.open(expression);
    const [a, b] = expression;
    return this.#fn.merge(this.#stateOf(a), this.#stateOf(b));
  }
}

function brokenByPairs(trial: Trial, family: readonly MergeInput[]): BrokenLaw | undefined {
  for (const a of family) {
    for (const b of family) {
      const broken =
        trial.broken('commutative', [a, b], [a, b], [b, a]) ??
        trial.broken('idempotent', [a, b], [[a, b], b], [a, b]);
      if (broken !== undefined) return broken;
    }
  }
  return undefined;
}

function brokenByTriples(
  trial: Trial,
  family: readonly MergeInput[],
  dice: Dice,
): BrokenLaw | undefined {
  if (family.length === 0) return undefined;
  const one = () => family[dice() % family.length] as MergeInput;
  for (let n = 0; n < TRIPLES_PER_FAMILY; n++) {
    const [a, b, c] = [one(), one(), one()];
    const broken = trial.broken('associative', [a, b, c], [[a, b], c], [a, [b, c]]);
    if (broken !== undefined) return broken;
  }
  return undefined;
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

/** As text where it is some, else in hexadecimal. */
function shown(value: Uint8Array | undefined): string {
  if (value === undefined) return 'an error';
  const text = Buffer.from(value).toString('utf8');
  const isText = !/[\p{Cc}\uFFFD]/u.test(text);
  const whole = isText ? text : `0x${Buffer.from(value).toString('hex')}`;
  return whole.length <= SHOWN_CHARACTERS_MAX ? whole : `${whole.slice(0, SHOWN_CHARACTERS_MAX)}…`;
}
