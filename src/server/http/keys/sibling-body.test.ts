import { deepEqual, equal } from 'node:assert/strict';
import { test } from 'node:test';
import { boundaryFor, multipartOf, siblingJson } from './sibling-body.ts';

test('JSON says how bytes that are no text are written, and when a value expires', () => {
  deepEqual(siblingJson({ value: Buffer.from('é'), expiresAt: 0 }), {
    value: 'é',
    encoding: 'utf8',
    expiresAt: null,
  });
  deepEqual(siblingJson({ value: Buffer.from([255, 0]), expiresAt: 7 }), {
    value: '/wA=',
    encoding: 'base64',
    expiresAt: 7,
  });
});

test('the parts of a multipart body are the bytes of the values, whatever they hold', () => {
  const values = [
    { value: Buffer.from([0, 255]), expiresAt: 0 },
    { value: Buffer.from('--kvorum-sibling\r\n'), expiresAt: 5 },
  ];
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
