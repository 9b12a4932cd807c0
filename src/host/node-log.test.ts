import { deepEqual, equal } from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Log } from './host.ts';
import { type LogLevel, nodeLog, silentLog } from './node-log.ts';

function linesOf(level: LogLevel, write: (log: Log) => void): Record<string, unknown>[] {
  const directory = mkdtempSync(join(tmpdir(), 'kvorum-log-'));
  const path = join(directory, 'log');
  const descriptor = openSync(path, 'w');
  write(nodeLog(level, descriptor));
  const lines = readFileSync(path, 'utf8').trim().split('\n');
  closeSync(descriptor);
  rmSync(directory, { recursive: true });
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line));
}

test('a line is one JSON object with its time, level, event and fields', () => {
  const [line, ...more] = linesOf('info', (log) => log.warn('peer-lost', { peer: 'n2', tries: 3 }));
  const { time, ...rest } = line ?? {};
  deepEqual(rest, { level: 'warn', event: 'peer-lost', peer: 'n2', tries: 3 });
  equal(new Date(String(time)).toISOString(), time);
  equal(more.length, 0);
});

test('what lies below the level is left out', () => {
  const all = (log: Log) => {
    log.info('i');
    log.warn('w');
    log.error('e');
  };
  const eventsAt = (level: LogLevel) => linesOf(level, all).map((line) => line.event);
  deepEqual(eventsAt('info'), ['i', 'w', 'e']);
  deepEqual(eventsAt('error'), ['e']);
  deepEqual(eventsAt('silent'), []);
  all(silentLog);
});
