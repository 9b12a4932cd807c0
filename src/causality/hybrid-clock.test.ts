import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MAX_AHEAD_MS, millisOf, observe, tick } from './hybrid-clock.ts';

const NOW = 1_800_000_000_000;

test('a tick follows the wall clock, and counts while that stands still', () => {
  const first = tick(0, NOW);
  assert.equal(millisOf(first), NOW);
  assert.equal(tick(first, NOW), first + 1);
  assert.equal(millisOf(tick(first, NOW + 5)), NOW + 5);
});

test('a wall clock that was set back does not take time back', () => {
  const before = tick(0, NOW);
  assert.equal(tick(before, NOW - 3_600_000), before + 1);
  assert.equal(observe(before, 0, NOW - 3_600_000), before);
});

test('more events than fit into a millisecond carry into the next', () => {
  let time = tick(0, NOW);
  for (let i = 0; i < 3_000; i++) time = tick(time, NOW);
  assert.equal(millisOf(time), NOW + 1);
});

test('time is a safe integer until 2109', () => {
  const wallMs = Date.UTC(2109, 0, 1);
  assert.ok(Number.isSafeInteger(tick(0, wallMs)));
  assert.equal(millisOf(tick(0, wallMs)), wallMs);
});

test('a peer with a broken clock pulls us at most MAX_AHEAD_MS ahead', () => {
  const broken = tick(0, NOW + 1_000_000_000);
  assert.equal(millisOf(observe(tick(0, NOW), broken, NOW)), NOW + MAX_AHEAD_MS);
});

test('a write is later than the write of the peer whose message came before it', () => {
  const theirs = tick(0, NOW + 250);
  const ours = tick(observe(tick(0, NOW), theirs, NOW), NOW + 1);
  assert.ok(ours > theirs);
});

test('between nodes with skewed clocks: monotone, causal, and bounded by the skew', () => {
  const skewMs = MAX_AHEAD_MS - 1_000;
  const steps = fc.array(fc.record({ from: fc.nat(3), to: fc.nat(3), passMs: fc.nat(20) }), {
    minLength: 1,
    maxLength: 200,
  });
  const skews = fc.array(fc.integer({ min: 0, max: skewMs }), { minLength: 4, maxLength: 4 });
  fc.assert(
    fc.property(steps, skews, (messages, ahead) => {
      const clocks = [0, 0, 0, 0];
      let wallMs = NOW;
      for (const { from, to, passMs } of messages) {
        wallMs += passMs;
        const sent = tick(clocks[from]!, wallMs + ahead[from]!);
        assert.ok(sent > clocks[from]!);
        clocks[from] = sent;
        const received = tick(observe(clocks[to]!, sent, wallMs + ahead[to]!), wallMs + ahead[to]!);
        assert.ok(received > sent && received > clocks[to]! - (from === to ? 1 : 0));
        clocks[to] = received;
        assert.ok(millisOf(received) >= wallMs);
        assert.ok(millisOf(received) <= wallMs + skewMs + 1);
      }
    }),
  );
});
