// Durations as people type them: `500ms`, `10s`, `5m`, `2h`, `7d`.

import { badOption } from './config/node-setting.ts';

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Whole milliseconds, at least 1; throws BAD_OPTION that names `option`. */
export function durationMs(text: string, option: string): number {
  const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) ?? [];
  const ms = Math.round(Number(digits) * (UNIT_MS[unit] ?? Number.NaN));
  if (ms >= 1 && Number.isSafeInteger(ms)) return ms;
  throw badOption(`${option} "${text}" is not a duration`, 'Write 500ms, 10s, 5m, 2h or 7d.');
}
