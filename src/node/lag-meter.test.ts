import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LagMeter } from './lag-meter.ts';

const SENDER = 1;

test('nothing is known of a stranger, so nothing of his is late', () => {
  assert.equal(new LagMeter().lateMs(SENDER, 0, 99_999), 0);
});

test('a clock that is an hour ahead or behind makes nothing late', () => {
  for (const skewMs of [-3_600_000, 0, 3_600_000]) {
    const meter = new LagMeter();
    for (let ms = 0; ms < 60_000; ms += 500) meter.note(SENDER, ms + skewMs, ms + 2);
    assert.equal(meter.lateMs(SENDER, 60_000 + skewMs, 60_002), 0);
    assert.equal(meter.lateMs(SENDER, 60_000 + skewMs, 60_102), 100);
  }
});

test('what waited while we were paused is late, pings before it notwithstanding', () => {
  const meter = new LagMeter();
  for (let ms = 0; ms <= 30_000; ms += 500) meter.note(SENDER, ms, ms + 1);
  const resumedMs = 90_000;
  for (let ms = 30_500; ms < resumedMs; ms += 500) meter.note(SENDER, ms, resumedMs);
  assert.equal(meter.lateMs(SENDER, 31_000, resumedMs), resumedMs - 31_000 - 1);
});

test('after our clock stepped everything is late, until two windows have passed', () => {
  const meter = new LagMeter();
  meter.note(SENDER, 0, 0);
  const stepMs = 3_600_000;
  for (let ms = 500; ms <= 25_000; ms += 500) meter.note(SENDER, ms, ms + stepMs);
  assert.equal(meter.lateMs(SENDER, 25_500, 25_500 + stepMs), 0);
});
