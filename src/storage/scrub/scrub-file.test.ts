import { deepEqual, equal } from 'node:assert/strict';
import { test } from 'node:test';
import { TestServer } from '../test-engine.ts';
import {
  decodeScrubProgress,
  encodeScrubProgress,
  readScrubProgress,
  type ScrubProgress,
  writeScrubProgress,
} from './scrub-file.ts';

const PROGRESS: ScrubProgress = {
  pass: { beganMs: 1_800_000_000_000, next: 41, end: 300 },
  checkedAsOfMs: 1_799_400_000_000,
};

test('what was kept is read again', async () => {
  const server = new TestServer();
  const { disk } = server.machine.boot();
  equal(await server.settle(readScrubProgress(disk)), undefined);
  await server.settle(writeScrubProgress(disk, PROGRESS));
  deepEqual(await server.settle(readScrubProgress(disk)), PROGRESS);
});

test('a flipped bit or a missing end is no progress, and no error', () => {
  const bytes = encodeScrubProgress(PROGRESS);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = Buffer.from(bytes);
    flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
    equal(decodeScrubProgress(flipped), undefined, `bit ${bit}`);
  }
  for (let length = 0; length < bytes.length; length++) {
    equal(decodeScrubProgress(bytes.subarray(0, length)), undefined);
  }
});
