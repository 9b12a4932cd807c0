import { equal } from 'node:assert/strict';
import { test } from 'node:test';
import { DirectReads } from './direct-reads.ts';

test('a wait for the device makes reads go through the pool for fifty times as long', () => {
  let deviceReads = 0;
  const reads = new DirectReads(() => deviceReads);
  equal(reads.may(0, 8192), true);
  reads.took(0, 0.01);
  equal(reads.may(0.01, 8192), true, 'from memory');
  deviceReads += 16;
  reads.took(1, 1.2);
  equal(reads.may(1.2, 8192), false);
  equal(reads.may(11.1, 8192), false);
  equal(reads.may(11.3, 8192), true);
});

test('a slow read during which nothing came from a device was only interrupted', () => {
  const reads = new DirectReads(() => 0);
  reads.took(0, 5);
  equal(reads.may(5, 8192), true);
});

test('a large read is never done on the spot', () => {
  equal(new DirectReads(() => 0).may(0, 65_537), false);
});
