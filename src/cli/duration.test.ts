import { equal, throws } from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '../base/errors.ts';
import { durationMs } from './duration.ts';

test('durations as people type them', () => {
  const cases = [
    ['1ms', 1],
    ['10s', 10_000],
    ['1.5s', 1_500],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['7d', 604_800_000],
  ] as const;
  for (const [text, ms] of cases) equal(durationMs(text, '--ttl'), ms);
});

test('everything else is refused by the name of its option', () => {
  for (const text of ['', '10', 's', '-1s', '0s', '0.1ms', '1w', '1 s', '99999999999999d']) {
    throws(
      () => durationMs(text, '--ttl'),
      (error) => hasCode(error, 'BAD_OPTION') && error.message.includes('--ttl'),
    );
  }
});
