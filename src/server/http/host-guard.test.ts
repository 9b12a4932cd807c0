import { equal } from 'node:assert/strict';
import { test } from 'node:test';
import { foreignHost, foreignOrigin } from './host-guard.ts';

test('addresses and localhost are ours, names are not', () => {
  for (const host of ['127.0.0.1:8001', '127.0.0.1', 'localhost:8001', '[::1]:8001', '10.0.0.7']) {
    equal(foreignHost(host), undefined, host);
  }
  for (const host of [
    'evil.example:8001',
    'localhost.evil.example',
    '127.0.0.1.nip.io',
    '',
    undefined,
  ]) {
    equal(foreignHost(host)?.problem.status, 421, String(host));
  }
});

test('what a page of somebody else sends is refused', () => {
  equal(foreignOrigin(undefined), undefined);
  for (const origin of ['https://evil.example', 'null']) {
    equal(foreignOrigin(origin)?.problem.status, 403, origin);
  }
});
