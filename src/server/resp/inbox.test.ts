import assert from 'node:assert/strict';
import { test } from 'node:test';
import { INBOX_BYTES_MAX, Inbox } from './inbox.ts';

const small = Buffer.alloc(100);
const large = Buffer.alloc(64 * 1024);

function times(inbox: Inbox): number[] {
  const found: number[] = [];
  for (let chunk = inbox.shift(); chunk !== undefined; chunk = inbox.shift()) {
    found.push(chunk.receivedMs);
  }
  return found;
}

test('chunks come out as they came in, with their times', () => {
  const inbox = new Inbox();
  inbox.push(small, 10);
  inbox.push(small, 20);
  assert.ok(!inbox.isFull);
  assert.equal(inbox.newestMs, 20);
  assert.deepEqual(times(inbox), [10, 20]);
  assert.equal(inbox.newestMs, 20);
  assert.equal(inbox.shift(), undefined);
});

test('it is full of bytes, not of chunks', () => {
  const inbox = new Inbox();
  for (let bytes = 0; bytes < INBOX_BYTES_MAX; bytes += small.length) {
    assert.ok(!inbox.isFull);
    inbox.push(small, 1);
  }
  assert.ok(inbox.isFull);
  inbox.shift();
  assert.ok(!inbox.isFull);
});

test('what comes after a pause may be as old as the pause, until the socket is empty', () => {
  const inbox = new Inbox();
  inbox.pauseReading(100);
  inbox.push(large, 150);
  inbox.pauseReading(160);
  inbox.push(large, 170);
  inbox.push(small, 180);
  inbox.push(small, 190);
  assert.deepEqual(times(inbox), [100, 100, 100, 190]);
});
