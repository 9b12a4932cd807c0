// The keyspaces of a configuration file, with the default one where the file does not name it; of
// no file, or one that names none, the two that come with every node. What cannot be is refused
// here, before a node starts.

import type { KeyspaceNumber } from '../../base/ids.ts';
import {
  COPIES_MAX,
  type Copies,
  DEFAULT_KEYSPACE,
  type Keyspace,
  type ObjectLimits,
  PRESETS,
  SIBLINGS_KEYSPACE,
} from '../../replication/keyspace.ts';
import { byteSize } from '../byte-size.ts';
import { durationMs } from '../duration.ts';
import type { KeyspaceTable } from './config-schema.ts';
import { conflictsOf } from './merge-setting.ts';
import { badOption } from './node-setting.ts';

/** Begins with a letter: digits are the number of a keyspace. */
const NAME = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/;

const MIB = 1024 ** 2;
/** The largest value that the doors take. */
const OBJECT_BYTES_MIN = MIB;
/** N coordinators may each fill an object, and all of it must fit into one frame of 16 MiB. */
const OBJECT_BYTES_OF_ALL_COPIES = 15 * MIB;

/** Throws BAD_OPTION; `from` is the file that they stand in, and modules beside. */
export function keyspacesOf(tables: readonly KeyspaceTable[], from: string): Keyspace[] {
  if (tables.length === 0) return [DEFAULT_KEYSPACE, SIBLINGS_KEYSPACE];
  const keyspaces = tables.map((table) => keyspaceOf(table, from));
  if (keyspaces.every(({ number }) => number !== 0)) keyspaces.unshift(DEFAULT_KEYSPACE);
  const numbers = new Set<number>();
  const names = new Set<string>();
  for (const { number, name } of keyspaces) {
    if (numbers.has(number) || names.has(name)) {
      const why = `${from}: keyspace ${number} ("${name}") repeats a number or a name`;
      throw badOption(why, 'Give each keyspace its own; number 0 named "default" exists always.');
    }
    numbers.add(number);
    names.add(name);
  }
  return keyspaces;
}

function keyspaceOf(table: KeyspaceTable, from: string): Keyspace {
  const { number, name } = table;
  const where = `${from}: keyspace "${name}"`;
  if (!NAME.test(name)) {
    const fix = 'Begin with a letter; then letters, digits, "-", "_" and ".", at most 64.';
    throw badOption(`${where} cannot be called so`, fix);
  }
  const copies = copiesOf(table, where);
  return {
    number: number as KeyspaceNumber,
    name,
    ...copies,
    ...conflictsOf(table, where, from),
    isSloppy: (table.quorum ?? 'sloppy') === 'sloppy',
    durability: table.durability ?? DEFAULT_KEYSPACE.durability,
    ttlMs: table.ttl === undefined ? 0 : durationMs(table.ttl, `${where}: ttl`),
    limits: limitsOf(table, copies.n, where),
  };
}

function copiesOf(table: KeyspaceTable, where: string): Pick<Keyspace, 'n' | 'copies' | 'r' | 'w'> {
  const { n = DEFAULT_KEYSPACE.n } = table;
  const copies = typeof n === 'number' ? undefined : n;
  const usual = PRESETS[table.preset ?? 'quorum'](typeof n === 'number' ? n : sumOf(n));
  const levels = { n: usual.n, r: table.r ?? usual.r, w: table.w ?? usual.w };
  if (levels.n < 1 || levels.n > COPIES_MAX) {
    const why = `${where} has ${levels.n} copies in all its data centers together`;
    throw badOption(why, `Ask for 1 to ${COPIES_MAX}: more copies serve nobody.`);
  }
  for (const letter of ['r', 'w'] as const) {
    const level = levels[letter];
    if (typeof level === 'string' || level <= levels.n) continue;
    const why = `${where} has ${letter} = ${level} but n = ${levels.n}`;
    throw badOption(why, `Lower ${letter} to ${levels.n} or raise n: only n nodes hold a key.`);
  }
  return { ...levels, copies };
}

function sumOf(copies: Copies): number {
  return Object.values(copies).reduce((sum, count) => sum + count, 0);
}

function limitsOf(table: KeyspaceTable, n: number, where: string): ObjectLimits {
  const { limits } = DEFAULT_KEYSPACE;
  const siblingsMax = table['siblings-max'] ?? limits.siblingsMax;
  const siblingsWarned = table['siblings-warned'] ?? Math.min(limits.siblingsWarned, siblingsMax);
  if (siblingsWarned > siblingsMax) {
    const why = `${where} warns of ${siblingsWarned} siblings but refuses more than ${siblingsMax}`;
    throw badOption(why, 'Lower siblings-warned, or raise siblings-max.');
  }
  const objectBytesMost = Math.max(OBJECT_BYTES_MIN, Math.floor(OBJECT_BYTES_OF_ALL_COPIES / n));
  const size = table['object-max'];
  const objectBytesMax =
    size === undefined
      ? Math.min(limits.objectBytesMax, objectBytesMost)
      : byteSize({ value: size, from: `${where}: object-max` }, OBJECT_BYTES_MIN);
  if (objectBytesMax > objectBytesMost) {
    const why = `${where}: object-max is ${size}, more than ${objectBytesMost} bytes`;
    throw badOption(why, `With n = ${n} give ${Math.floor(objectBytesMost / MIB)}mb at most.`);
  }
  return { siblingsWarned, siblingsMax, objectBytesMax };
}
