import { equal, throws } from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '../base/errors.ts';
import { byteSize } from './byte-size.ts';

const from = '--memory';
const MIB = 1024 * 1024;

test('sizes as people type them', () => {
  const cases = [
    ['16mb', 16 * MIB],
    ['1.5GB', 1536 * MIB],
    ['16384kb', 16 * MIB],
    ['1tb', 1024 * 1024 * MIB],
  ] as const;
  for (const [value, bytes] of cases) equal(byteSize({ value, from }, 16 * MIB), bytes);
});

test('everything else is refused by the name of its option', () => {
  for (const value of ['', '16', 'mb', '-1gb', '1 gb', '1g', '15.9mb', '99999999999tb', 'NaNmb']) {
    throws(
      () => byteSize({ value, from }, 16 * MIB),
      (error) => hasCode(error, 'BAD_OPTION') && error.message.includes('--memory'),
      value,
    );
  }
});
