import { deepEqual } from 'node:assert/strict';
import { test } from 'node:test';
import { actorOf } from '../../causality/dot.ts';
import type { ObjectVersion, SiblingFacts } from '../../causality/siblings.ts';
import { verdicts } from './verdict.ts';

const A = actorOf(1, 1);
const B = actorOf(2, 1);
const NOW = 100;

function facts(actor: typeof A, counter: number, more: Partial<SiblingFacts> = {}): SiblingFacts {
  return { dot: { actor, counter }, time: counter, expiresAt: 0, isTombstone: false, ...more };
}

function version(context: [typeof A, number][], ...siblings: SiblingFacts[]): ObjectVersion {
  return { context: context.map(([actor, counter]) => ({ actor, counter })), siblings };
}

function shown(versions: ObjectVersion[], rule: 'latest' | 'siblings'): string[] {
  return verdicts(versions, rule, NOW).map(({ sibling: { dot }, fate }) => {
    return `${dot.actor === A ? 'a' : 'b'}${dot.counter} ${fate}`;
  });
}

test('concurrent writes: siblings are both answered, the latest alone otherwise', () => {
  const one = version([[A, 1]], facts(A, 1));
  const two = version([[B, 2]], facts(B, 2));
  deepEqual(shown([one, two], 'siblings'), ['a1 answered', 'b2 answered']);
  deepEqual(shown([one, two], 'latest'), ['a1 older', 'b2 answered']);
});

test('what a replica has seen replaced is replaced, also where another still has it', () => {
  const stale = version([[A, 1]], facts(A, 1));
  const fresh = version([[A, 1], [B, 1]], facts(B, 1)); // biome-ignore format: a drawing
  for (const rule of ['latest', 'siblings'] as const) {
    deepEqual(shown([stale, fresh], rule), ['a1 replaced', 'b1 answered']);
  }
});

test('tombstones and expired values stand there without a value', () => {
  const deleted = version([[A, 3]], facts(A, 3, { isTombstone: true }));
  deepEqual(shown([deleted], 'latest'), ['a3 deleted']);
  const expired = version([[A, 3]], facts(A, 3, { expiresAt: NOW }));
  deepEqual(shown([expired], 'latest'), ['a3 expired']);
  deepEqual(shown([], 'latest'), []);
});
