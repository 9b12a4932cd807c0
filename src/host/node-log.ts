// The real log: one JSON object a line on stderr, by pino. stdout belongs to the commands.
//
// Lines are written synchronously: the last one before a crash is the one that matters, and
// nothing on the road of a request logs.

import { pino } from 'pino';
import type { Log } from './host.ts';

export const LOG_LEVELS = ['info', 'warn', 'error', 'silent'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

/** `destination` is a file descriptor; 2 is stderr. */
export function nodeLog(level: LogLevel = 'info', destination = 2): Log {
  const logger = pino(
    {
      level,
      base: null,
      messageKey: 'event',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ dest: destination, sync: true }),
  );
  return {
    info: (event, fields) => logger.info(fields ?? {}, event),
    warn: (event, fields) => logger.warn(fields ?? {}, event),
    error: (event, fields) => logger.error(fields ?? {}, event),
  };
}

/** Says nothing: for tests and for commands that print for themselves. */
export const silentLog: Log = { info() {}, warn() {}, error() {} };
