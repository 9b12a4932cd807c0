import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { KnownNames } from './known-names.ts';

test('the same spelling is the same Buffer, and no view of what came in', () => {
  const names = new KnownNames();
  const bytes = Buffer.from('GETGETget');
  const first = names.name(bytes, 0, 3);
  assert.equal(names.name(bytes, 3, 6), first);
  assert.equal(names.name(bytes, 6, 9).toString(), 'get');
  bytes.fill('x');
  assert.equal(first.toString(), 'GET');
});

test('always the right name, whatever takes whose place', () => {
  const names = new KnownNames();
  for (let i = 0; i < 10_000; i++) {
    const text = 'n'.repeat(i % 20) + (i * i).toString(36);
    assert.equal(names.name(Buffer.from(`<${text}>`), 1, 1 + text.length).toString(), text);
  }
});
