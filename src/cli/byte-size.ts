// Sizes as people type them: `64mb`, `1.5gb`. A kilobyte is 1,024 bytes here, as in redis.conf.

import { badOption, type Setting } from './config/node-setting.ts';

const MIB = 1024 ** 2;
const UNIT_BYTES: Readonly<Record<string, number>> = {
  kb: 1024,
  mb: MIB,
  gb: 1024 ** 3,
  tb: 1024 ** 4,
};

/** Whole bytes, at least `least`; throws BAD_OPTION that names where the setting stands. */
export function byteSize({ value, from }: Setting, least: number): number {
  const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?)(kb|mb|gb|tb)$/i.exec(value) ?? [];
  const bytes = Math.round(Number(digits) * (UNIT_BYTES[unit.toLowerCase()] ?? Number.NaN));
  if (bytes >= least && Number.isSafeInteger(bytes)) return bytes;
  const what = bytes < least ? `less than ${least / MIB}mb` : 'not a size';
  throw badOption(`${from} is "${value}", ${what}`, 'Write 512mb or 2gb.');
}
