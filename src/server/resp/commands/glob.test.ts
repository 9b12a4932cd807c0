import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Glob, literalPrefix } from './glob.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');
const isMatch = (pattern: string, key: string) => new Glob(bytes(pattern)).matches(bytes(key));

/** The textbook: what a pattern means, without a thought for time. */
function reference(pattern: string, key: string): boolean {
  if (pattern === '') return key === '';
  const [first, rest] = [pattern[0] as string, pattern.slice(1)];
  if (first === '*')
    return reference(rest, key) || (key !== '' && reference(pattern, key.slice(1)));
  if (key === '') return false;
  if (first === '?') return reference(rest, key.slice(1));
  if (first === '\\' && rest !== '')
    return rest[0] === key[0] && reference(rest.slice(1), key.slice(1));
  if (first !== '[') return first === key[0] && reference(rest, key.slice(1));
  const [isMember, after] = referenceClass(rest, key[0] as string);
  return isMember && reference(after, key.slice(1));
}

function referenceClass(text: string, byte: string): readonly [isMember: boolean, after: string] {
  const isNegated = text[0] === '^';
  let rest = isNegated ? text.slice(1) : text;
  let isMember = false;
  while (rest !== '' && rest[0] !== ']') {
    if (rest[0] === '\\' && rest.length > 1) {
      isMember ||= rest[1] === byte;
      rest = rest.slice(2);
    } else if (rest[1] === '-' && rest.length > 2) {
      const [from, to] = [rest[0], rest[2]].sort() as [string, string];
      isMember ||= from <= byte && byte <= to;
      rest = rest.slice(3);
    } else {
      isMember ||= rest[0] === byte;
      rest = rest.slice(1);
    }
  }
  return [isMember !== isNegated, rest.slice(1)];
}

describe('Glob', () => {
  const cases: readonly (readonly [pattern: string, key: string, isMatch: boolean])[] = [
    ['', '', true],
    ['*', '', true],
    ['*', 'anything', true],
    ['h?llo', 'hallo', true],
    ['h?llo', 'hllo', false],
    ['h*llo', 'heeeello', true],
    ['h[ae]llo', 'hillo', false],
    ['h[^e]llo', 'hallo', true],
    ['h[a-b]llo', 'hbllo', true],
    ['h[b-a]llo', 'hbllo', true],
    ['\\*', '*', true],
    ['\\*', 'a', false],
    ['a\\', 'a\\', true],
    ['[\\]]', ']', true],
    ['[]', 'a', false],
    ['[^]', 'a', true],
    ['[abc', 'c', true],
    ['\xff*\x00', '\xff\xfe\x00', true],
    ['user:*:name', 'user:1:2:name', true],
  ];
  for (const [pattern, key, expected] of cases) {
    const verb = expected ? 'fits' : 'does not fit';
    it(`${JSON.stringify(pattern)} ${verb} ${JSON.stringify(key)}`, () => {
      assert.equal(isMatch(pattern, key), expected);
    });
  }

  it('means what the textbook means', () => {
    const pattern = fc.string({ unit: fc.constantFrom(...'ab*?[]^-\\'), maxLength: 10 });
    const key = fc.string({ unit: fc.constantFrom(...'ab-]^\\'), maxLength: 8 });
    fc.assert(
      fc.property(pattern, key, (p, k) => isMatch(p, k) === reference(p, k)),
      { numRuns: 20_000 },
    );
  });

  it('is not slowed down by many stars', () => {
    const startedAt = performance.now();
    assert.equal(isMatch(`${'a*'.repeat(1000)}b`, 'a'.repeat(16_000)), false);
    assert.ok(performance.now() - startedAt < 5000);
  });

  it('has a literal prefix that all its keys begin with', () => {
    assert.deepEqual(literalPrefix(bytes('{user1}:*')), bytes('{user1}:'));
    assert.deepEqual(literalPrefix(bytes('plain')), bytes('plain'));
    assert.deepEqual(literalPrefix(bytes('a\\*')), bytes('a'));
  });
});
