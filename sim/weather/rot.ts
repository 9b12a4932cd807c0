// Bits that flip on the platter, in one file of one node at a time, and reads that fail once. The
// node heals what it can (tables, value files, what memory knows of a log or a manifest that is
// found in time); what it refuses to start with, an operator replaces (docs/errors.md, CORRUPTION).
//
// Only where the atlas allows it: what rots somewhere stands elsewhere too (disk-atlas.ts).

import { IDENTITY_NAME } from '../../src/storage/identity-file.ts';
import { segmentNumberOf } from '../../src/storage/log/log-format.ts';
import { tableNumberOf } from '../../src/storage/table-info.ts';
import { MANIFEST_NAME } from '../../src/storage/tables/manifest.ts';
import { valuesNumberOf } from '../../src/storage/values/value-format.ts';
import type { SimDirectory } from '../sim-directory.ts';
import type { SimFile } from '../sim-file.ts';
import type { SimRandom } from '../sim-random.ts';

/** A bit of a file, as it was when it was picked. */
export interface RotPlace {
  readonly name: string;
  readonly file: SimFile;
  readonly offset: number;
  readonly bit: number;
}

const KINDS: readonly ((name: string) => boolean)[] = [
  (name) => tableNumberOf(name) !== undefined,
  (name) => valuesNumberOf(name) !== undefined,
  isOfLog,
  (name) => name === MANIFEST_NAME || name === IDENTITY_NAME,
];

/** Undefined: there is no such file now. */
export function drawRotPlace(directory: SimDirectory, random: SimRandom): RotPlace | undefined {
  const isOfKind = random.pick(KINDS);
  const files = directory.durableFiles().filter(([name]) => isOfKind(name));
  if (files.length === 0) return undefined;
  const [name, file] = random.pick(files);
  const offset = random.between(0, file.durableLength - 1);
  return { name, file, offset, bit: random.between(0, 7) };
}

/** Whether the file is what it was when it was picked. */
export function isStillThere(directory: SimDirectory, { name, file, offset }: RotPlace): boolean {
  return directory.find(name) === file && offset < file.durableLength;
}

export function isOfLog(name: string): boolean {
  return segmentNumberOf(name) !== undefined;
}

/** Whether a node may refuse to start for it: all but tables and value files. */
export function mayRefuse(name: string): boolean {
  return tableNumberOf(name) === undefined && valuesNumberOf(name) === undefined;
}
