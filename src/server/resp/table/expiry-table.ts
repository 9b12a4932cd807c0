// Rows of the command table: when keys expire.

import { expire, persist, timeToLive } from '../commands/expiry-commands.ts';
import type { ExpiryUnit } from '../commands/expiry-time.ts';
import { commandGroup, oneKey, type Row } from './command-entry.ts';

const SECONDS: ExpiryUnit = { isSeconds: true, isAbsolute: false };
const MILLISECONDS: ExpiryUnit = { isSeconds: false, isAbsolute: false };
const UNIX_SECONDS: ExpiryUnit = { isSeconds: true, isAbsolute: true };
const UNIX_MILLISECONDS: ExpiryUnit = { isSeconds: false, isAbsolute: true };

function expireRow(name: string, time: string, unit: ExpiryUnit, since: string): Row {
  return {
    name,
    arity: -3,
    flags: 'write fast',
    keys: oneKey('RW update'),
    categories: '@keyspace @write @fast',
    syntax: `key ${time} [NX | XX | GT | LT]`,
    summary: `Lets a key expire at a time given in ${time}; one that has come deletes it.`,
    since,
    run: expire(name, unit),
  };
}

function timeToLiveRow(name: string, answer: string, unit: ExpiryUnit, since: string): Row {
  return {
    name,
    arity: 2,
    flags: 'readonly fast',
    keys: oneKey('RO access'),
    categories: '@keyspace @read @fast',
    tips: unit.isAbsolute ? '' : 'nondeterministic_output',
    syntax: 'key',
    summary: `Answers ${answer}; -1 when it never expires, -2 without the key.`,
    since,
    run: timeToLive(unit),
  };
}

export const EXPIRY_COMMANDS = commandGroup('generic', [
  expireRow('expire', 'seconds', SECONDS, '1.0.0'),
  expireRow('pexpire', 'milliseconds', MILLISECONDS, '2.6.0'),
  expireRow('expireat', 'unix-seconds', UNIX_SECONDS, '1.2.0'),
  expireRow('pexpireat', 'unix-milliseconds', UNIX_MILLISECONDS, '2.6.0'),
  timeToLiveRow('ttl', 'the seconds that a key has left', SECONDS, '1.0.0'),
  timeToLiveRow('pttl', 'the milliseconds that a key has left', MILLISECONDS, '2.6.0'),
  timeToLiveRow('expiretime', 'the Unix second in which a key expires', UNIX_SECONDS, '7.0.0'),
  timeToLiveRow('pexpiretime', 'the Unix ms in which a key expires', UNIX_MILLISECONDS, '7.0.0'),
  {
    name: 'persist',
    arity: 2,
    flags: 'write fast',
    keys: oneKey('RW update'),
    categories: '@keyspace @write @fast',
    syntax: 'key',
    summary: 'Takes the expiry off a key; answers 0 when it had none.',
    since: '2.2.0',
    run: persist,
  },
]);
