import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KeyspaceNumber } from '../base/ids.ts';
import { actorOf } from '../causality/dot.ts';
import { EMPTY_OBJECT, type StoredObject, writeSibling } from '../causality/siblings.ts';
import { decide, needsRead } from './change.ts';
import { DEFAULT_KEYSPACE } from './keyspace.ts';
import type { Change, PutExpiry, WriteRequest } from './request.ts';

const NOW = 1_000;
const usual: Change = { kind: 'put', value: Buffer.from('new'), expiresAt: 'default' };
const put = (text: string): Change => ({ kind: 'put', value: Buffer.from(text), expiresAt: 0 });

function request(change: Change, more: Partial<WriteRequest> = {}): WriteRequest {
  return { keyspace: 0 as KeyspaceNumber, key: Buffer.from('k'), change, ...more };
}

function holding(text: string | undefined, expiresAt = 0): StoredObject {
  return writeSibling(EMPTY_OBJECT, [], {
    dot: { actor: actorOf(1, 1), counter: 1 },
    time: 1,
    expiresAt,
    isTombstone: text === undefined,
    value: Buffer.from(text ?? ''),
  });
}

const states = {
  none: EMPTY_OBJECT,
  value: holding('old'),
  tombstone: holding(undefined),
  expired: holding('old', NOW),
};

const table: [string, WriteRequest, Record<keyof typeof states, 'write' | 'condition-failed'>][] = [
  ['SET', request(put('new')), every('write')],
  ['SET NX', request(put('new'), { condition: 'absent' }), onlyValue('condition-failed', 'write')],
  ['SET XX', request(put('new'), { condition: 'present' }), onlyValue('write', 'condition-failed')],
  ['DEL', request({ kind: 'delete' }), onlyValue('write', 'condition-failed')],
  ['EXPIRE', request({ kind: 'expire', expiresAt: 5 }), onlyValue('write', 'condition-failed')],
];

function every(kind: 'write') {
  return { none: kind, value: kind, tombstone: kind, expired: kind } as const;
}

function onlyValue<A, B>(value: A, others: B) {
  return { none: others, value, tombstone: others, expired: others };
}

for (const [name, asked, expected] of table) {
  for (const [state, outcome] of Object.entries(expected)) {
    test(`${name} on ${state}: ${outcome}`, () => {
      assert.equal(
        decide(DEFAULT_KEYSPACE, states[state as keyof typeof states], asked, NOW).kind,
        outcome,
      );
    });
  }
}

test('"unchanged" holds when the context covers all that stands there, tombstones included', () => {
  const seen = (context: WriteRequest['context']) =>
    request(put('new'), { condition: 'unchanged', context });
  const covering = states.value.context;
  for (const [state, object] of Object.entries(states)) {
    assert.equal(decide(DEFAULT_KEYSPACE, object, seen(covering), NOW).kind, 'write', state);
    const blind = object === EMPTY_OBJECT ? 'write' : 'condition-failed';
    assert.equal(decide(DEFAULT_KEYSPACE, object, seen([]), NOW).kind, blind, state);
    assert.equal(decide(DEFAULT_KEYSPACE, object, seen(undefined), NOW).kind, blind, state);
  }
});

test('"before": only while nothing newer stands there, value or tombstone', () => {
  for (const [state, object] of Object.entries(states)) {
    const at = (before: number) =>
      decide(DEFAULT_KEYSPACE, object, request(put('new'), { before }), NOW).kind;
    const stood = object?.siblings[0]?.time ?? 0;
    assert.equal(at(stood), 'write', state);
    if (stood > 0) assert.equal(at(stood - 0.5), 'condition-failed', state);
  }
});

test('KEEPTTL takes over the expiry of what lives, and none from what expired', () => {
  const keep = request({ kind: 'put', value: Buffer.from('new'), expiresAt: 'keep' });
  assert.equal(expiryOf(decide(DEFAULT_KEYSPACE, holding('old', 5_000), keep, NOW)), 5_000);
  assert.equal(expiryOf(decide(DEFAULT_KEYSPACE, states.expired, keep, NOW)), 0);
});

test('a writer who says nothing of expiry gets that of the keyspace', () => {
  const hourly = { ...DEFAULT_KEYSPACE, ttlMs: 3_600_000 };
  const putting = (expiresAt: PutExpiry, before = states.value) =>
    expiryOf(decide(hourly, before, request({ ...put('new'), expiresAt } as Change), NOW));
  assert.equal(putting('default'), NOW + 3_600_000);
  assert.equal(putting(0), 0);
  assert.equal(putting(2_000), 2_000);
  assert.equal(putting('keep'), 0);
  assert.equal(putting('keep', states.tombstone), NOW + 3_600_000);
  assert.equal(expiryOf(decide(DEFAULT_KEYSPACE, EMPTY_OBJECT, request(usual), NOW)), 0);
});

test('a blind write replaces what is known, a write with a context what that covers', () => {
  const known = states.value;
  assert.deepEqual(
    seenBy(decide(DEFAULT_KEYSPACE, known, request(put('new')), NOW)),
    known.context,
  );
  assert.deepEqual(
    seenBy(decide(DEFAULT_KEYSPACE, known, request(put('new'), { context: [] }), NOW)),
    [],
  );
});

test('only what depends on the past needs a read first', () => {
  assert.equal(needsRead(request(put('new'))), false);
  assert.equal(needsRead(request(put('new'), { returnPrevious: true })), true);
  assert.equal(needsRead(request({ kind: 'delete' })), true);
});

function expiryOf(decision: ReturnType<typeof decide>): number | undefined {
  return decision.kind === 'write' ? decision.expiresAt : undefined;
}

function seenBy(decision: ReturnType<typeof decide>) {
  return decision.kind === 'write' ? decision.seen : undefined;
}
