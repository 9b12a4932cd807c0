import { equal, throws } from 'node:assert/strict';
import { test } from 'node:test';
import { KvorumError } from '../base/errors.ts';
import { ReplyError } from './reply-parser.ts';
import { failureOf, failureOfConnection, mayRetry } from './retry.ts';

const table = [
  ['NOREPLICAS too few [NOT_ENOUGH_REPLICAS]', 'NOT_ENOUGH_REPLICAS', 'read write'],
  ['LOADING the node starts', 'UNREACHABLE', 'read write'],
  ['CLUSTERDOWN not served [NO_ANSWER]', 'NO_ANSWER', 'read write'],
  ['TRYAGAIN slow down [OVERLOADED]', 'OVERLOADED', 'read write'],
  ['ERR indeterminate: it may appear [INDETERMINATE]', 'INDETERMINATE', 'read'],
  ['ERR the context is too short [BAD_CONTEXT]', 'BAD_CONTEXT', ''],
  ['ERR unknown command', 'BAD_OPTION', ''],
] as const;

for (const [text, code, retried] of table) {
  test(`${text}: ${retried || 'nothing'} is tried again`, () => {
    const failure = failureOf(new ReplyError(text));
    equal(failure.error.code, code);
    equal(mayRetry(failure, true), retried.includes('read'));
    equal(mayRetry(failure, false), retried.includes('write'));
  });
}

test('a connection that broke before the command left did nothing, after it nobody knows', () => {
  const broken = new KvorumError('UNREACHABLE', 'it broke', 'Look.');
  equal(mayRetry(failureOfConnection(broken, false), false), true);
  const sent = failureOfConnection(broken, true);
  equal(sent.error.code, 'INDETERMINATE');
  equal(mayRetry(sent, false), false);
  equal(mayRetry(sent, true), true);
  throws(() => failureOfConnection(new TypeError('a bug'), true), TypeError);
});

test('a keyspace that there is not is no reason to try elsewhere', () => {
  const reply = new ReplyError('ERR there is no keyspace "x" [NO_SUCH_KEYSPACE]');
  const { error } = failureOf(reply);
  equal(error.message, 'there is no keyspace "x"');
  equal(mayRetry(failureOfConnection(error, false), true), false);
});
