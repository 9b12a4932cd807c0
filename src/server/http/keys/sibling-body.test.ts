import { deepEqual, equal } from 'node:assert/strict';
import { test } from 'node:test';
import type { LiveValue } from '../../../node/store.ts';
import { boundaryFor, multipartOf, siblingJson } from './sibling-body.ts';

function live(value: Buffer, expiresAt: number): LiveValue {
  const dot = { actor: 1, counter: 1 } as LiveValue['dot'];
  return { value, expiresAt, dot, time: 1 };
}

test('JSON says how bytes that are no text are written, and when a value expires', () => {
  deepEqual(siblingJson(live(Buffer.from('é'), 0)), {
    value: 'é',
    encoding: 'utf8',
    expiresAt: null,
  });
  deepEqual(siblingJson(live(Buffer.from([255, 0]), 7)), {
    value: '/wA=',
    encoding: 'base64',
    expiresAt: 7,
  });
});

test('the parts of a multipart body are the bytes of the values, whatever they hold', () => {
  const values = [live(Buffer.from([0, 255]), 0), live(Buffer.from('--kvorum-sibling\r\n'), 5)];
  const boundary = boundaryFor(values);
  equal(
    values.some(({ value }) => value.includes(boundary)),
    false,
  );
  const head = 'Content-Type: application/octet-stream\r\n';
  equal(
    multipartOf(values, boundary).toString('latin1'),
    `--${boundary}\r\n${head}\r\n\x00\xff\r\n` +
      `--${boundary}\r\n${head}X-Kvorum-Expires: 5\r\n\r\n--kvorum-sibling\r\n\r\n` +
      `--${boundary}--\r\n`,
  );
});
