// The settings of the storage of one node: how much memory it may use, how much of the disk it
// leaves free, and how often it checks what is there.

import type { NodeOptions } from '../../node/node.ts';
import { byteSize } from '../byte-size.ts';
import { durationMs } from '../duration.ts';
import { badOption, type Setting, type Settings } from './node-setting.ts';

export type StorageOptions = NonNullable<NodeOptions['storage']>;

/** Memtables of a megabyte: below that a node would do little else than flush. */
const MEMORY_BYTES_MIN = 6 * 1024 * 1024;
/** A node that keeps more free than that hardly uses its disk: "95%" was meant inversely. */
const RESERVE_SHARE_MAX = 0.5;
/** Below that a node would do little else; above, it might as well be told never. */
const PERIOD_MS_MIN = 1_000;
const PERIOD_MS_MAX = 365 * 86_400_000;

/** What is not set is left to the engine. Throws BAD_OPTION. */
export function storageOptions(settings: Settings): StorageOptions {
  const memory = settings.get('memory');
  const reserve = settings.get('disk-reserve');
  const period = settings.get('scrub-period');
  return {
    ...(memory === undefined ? {} : { memoryBytes: memoryFrom(memory) }),
    ...(reserve === undefined ? {} : { reserve: reserveFrom(reserve) }),
    ...(period === undefined ? {} : { scrubPeriodMs: periodFrom(period) }),
  };
}

/** In bytes; throws BAD_OPTION. */
export function memoryFrom(setting: Setting): number {
  return byteSize(setting, MEMORY_BYTES_MIN);
}

/** A size, or a share of the disk such as `5%`; throws BAD_OPTION. */
function reserveFrom(setting: Setting): NonNullable<StorageOptions['reserve']> {
  const { value, from } = setting;
  if (!value.endsWith('%')) return { kind: 'bytes', bytes: byteSize(setting, 0) };
  const share = /^\d+(\.\d+)?%$/.test(value) ? Number.parseFloat(value) / 100 : Number.NaN;
  if (share <= RESERVE_SHARE_MAX) return { kind: 'share', share };
  const most = `a share of the disk from 0% to ${RESERVE_SHARE_MAX * 100}%`;
  throw badOption(`${from} is "${value}", not ${most}`, 'Write 2gb or 5%.');
}

/** In milliseconds, or Infinity for `never`; throws BAD_OPTION. */
function periodFrom({ value, from }: Setting): number {
  if (value === 'never') return Number.POSITIVE_INFINITY;
  const ms = durationMs(value, from);
  if (ms >= PERIOD_MS_MIN && ms <= PERIOD_MS_MAX) return ms;
  throw badOption(`${from} is "${value}", not between 1s and 365d`, 'Write 12h, 7d or never.');
}
