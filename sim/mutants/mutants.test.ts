import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { test } from 'node:test';
import { mutated } from './mutant.ts';
import { MUTANTS } from './mutants.ts';

const sourceOf = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');

for (const mutant of MUTANTS) {
  test(`the code has the place of "${mutant.name}", once, and parses with it`, () => {
    const source = sourceOf(mutant.file);
    const changed = mutated(source, mutant);
    assert.notEqual(changed, source);
    stripTypeScriptTypes(changed);
  });
}

test('a mutant whose text is gone is said to be', () => {
  const [mutant] = MUTANTS;
  assert.ok(mutant);
  assert.throws(() => mutated('nothing of it', mutant), /stands 0 times/);
  assert.throws(() => mutated(mutant.text.repeat(2), mutant), /stands 2 times/);
});

test('each mutant has a name of its own', () => {
  assert.equal(new Set(MUTANTS.map(({ name }) => name)).size, MUTANTS.length);
  assert.ok(MUTANTS.length >= 30);
});
