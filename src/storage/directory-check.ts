// Looks at a data directory that nobody uses and says what a start would find there: the identity,
// the manifest, every block of every table, every large value, every batch of the log. It reads and
// changes nothing.

import { KvorumError, messageOf } from '../base/errors.ts';
import type { Disk, Host } from '../host/host.ts';
import { type DropMap, NO_DROPS } from './drops/drop-map.ts';
import { IDENTITY_NAME, readIdentity, type StoredIdentity } from './identity-file.ts';
import type { ChangeTarget } from './log/log-batch.ts';
import { inspectLog } from './log/log-recovery.ts';
import { BlockCache } from './sstable/block-cache.ts';
import { openTable } from './sstable/table-reader.ts';
import { type TableInfo, tableName } from './table-info.ts';
import { EMPTY_MANIFEST, MANIFEST_NAME, type Manifest, readManifest } from './tables/manifest.ts';
import { expectationOf, fileNumberOf, leftoversOf } from './tables/table-recovery.ts';
import { openValueFile } from './values/value-file.ts';
import { valuesName } from './values/value-format.ts';
import { liveBytesByFile } from './values/value-use.ts';

export interface DirectoryFinding {
  /** A file, or `log` for all its segments. */
  readonly file: string;
  /** sound; leftover: harmless, a start removes it; damaged: data is missing or a start refuses. */
  readonly verdict: 'sound' | 'leftover' | 'damaged';
  readonly what: string;
  /** What a start of the node would do about it; nothing for what is sound. */
  readonly onStart?: string;
}

export interface DirectoryReport {
  readonly identity: StoredIdentity | undefined;
  readonly findings: readonly DirectoryFinding[];
  readonly isSound: boolean;
}

type CheckHost = Pick<Host, 'disk' | 'log'>;

const REFUSES = 'refuses to open; nothing is changed';
const SERVES_REST = 'opens; what cannot be read is CORRUPTION until other nodes have refilled it';

/** Rejects with DIRECTORY_LOCKED when a node uses it, and with IO_ERROR. */
export async function checkDirectory(host: CheckHost): Promise<DirectoryReport> {
  const lock = await host.disk.lock();
  try {
    return await new DirectoryCheck(host).run();
  } finally {
    await lock.release();
  }
}

class DirectoryCheck {
  readonly #host: CheckHost;
  readonly #findings: DirectoryFinding[] = [];

  constructor(host: CheckHost) {
    this.#host = host;
  }

  async run(): Promise<DirectoryReport> {
    const identity = await this.#identity();
    const manifest = await this.#manifest();
    const names = await this.#host.disk.list();
    for (const file of leftoversOf(names, manifest ?? EMPTY_MANIFEST)) {
      // Without a manifest nobody knows which tables live.
      if (manifest === undefined && fileNumberOf(file) !== undefined) continue;
      const what = 'half-written or obsolete';
      this.#findings.push({ file, verdict: 'leftover', what, onStart: 'removes it' });
    }
    const drops = await this.#log(identity, manifest);
    for (const { info } of manifest?.tables ?? []) {
      if (drops.hidesTable(info)) this.#droppedTable(info);
      else await this.#table(info);
    }
    const shown = (manifest?.tables ?? []).filter(({ info }) => !drops.hidesTable(info));
    const uses = shown.flatMap(({ info }) => info.values);
    for (const [number, bytes] of liveBytesByFile(uses)) await this.#values(number, bytes);
    const isSound = this.#findings.every(({ verdict }) => verdict !== 'damaged');
    return { identity, findings: this.#findings, isSound };
  }

  async #identity(): Promise<StoredIdentity | undefined> {
    const identity = await this.#attempt(IDENTITY_NAME, REFUSES, () =>
      readIdentity(this.#host.disk),
    );
    if (identity !== undefined) {
      const { incarnation, closedAt, nodeId } = identity;
      const end = closedAt === undefined ? 'in use or not closed cleanly' : 'closed cleanly';
      const what = `node ${nodeId}, incarnation ${incarnation}, ${end}`;
      this.#findings.push({ file: IDENTITY_NAME, verdict: 'sound', what });
    }
    return identity;
  }

  async #manifest(): Promise<Manifest | undefined> {
    const { disk } = this.#host;
    const manifest = await this.#attempt(MANIFEST_NAME, REFUSES, () => readManifest(disk));
    const file = (await disk.list()).find((name) => fileNumberOf(name) !== undefined);
    const isReported = this.#findings.some(({ file }) => file === MANIFEST_NAME);
    if (manifest !== undefined) {
      const { drops, firstSegment, flushedSequence, summary, tables } = manifest;
      const keys = `${summary.counts.total()} live keys`;
      const log = `the log is needed from segment ${firstSegment}`;
      const held = `${tables.length} tables, ${keys}, with writes up to ${flushedSequence}`;
      const dropped = drops.length === 0 ? '' : `, without what ${drops.length} drops hide`;
      const what = `${held}${dropped}; ${log}`;
      this.#findings.push({ file: MANIFEST_NAME, verdict: 'sound', what });
    } else if (file !== undefined && !isReported) {
      const what = `missing, though ${file} exists`;
      const finding = { file: MANIFEST_NAME, verdict: 'damaged', what, onStart: REFUSES } as const;
      this.#findings.push(finding);
    }
    return manifest;
  }

  #droppedTable({ number }: TableInfo): void {
    const what = 'all that is in it was dropped; not read';
    const finding = { file: tableName(number), what, onStart: 'removes it' };
    this.#findings.push({ ...finding, verdict: 'leftover' });
  }

  async #table(info: TableInfo): Promise<void> {
    const file = tableName(info.number);
    const isSound = await this.#attempt(file, SERVES_REST, () =>
      isTableSound(this.#host.disk, info),
    );
    if (isSound === undefined) return;
    const what = isSound
      ? `level ${info.level}, ${info.entries} entries, ${info.bytes} bytes, every block read`
      : 'it is not the table that the manifest names';
    if (isSound) this.#findings.push({ file, verdict: 'sound', what });
    else this.#findings.push({ file, verdict: 'damaged', what, onStart: SERVES_REST });
  }

  async #values(number: number, liveBytes: number): Promise<void> {
    const file = valuesName(number);
    const bytes = await this.#attempt(file, SERVES_REST, () => soundBytes(this.#host.disk, number));
    if (bytes === undefined) return;
    const what = `${bytes} bytes of large values, ${liveBytes} of them live, every one read`;
    this.#findings.push({ file, verdict: 'sound', what });
  }

  /** The drops of manifest and log. */
  async #log(
    identity: StoredIdentity | undefined,
    manifest: Manifest | undefined,
  ): Promise<DropMap> {
    const known = manifest ?? EMPTY_MANIFEST;
    const expectation = expectationOf(identity, manifest !== undefined, known);
    let changes = 0;
    const drops = [...known.drops];
    const target: ChangeTarget = {
      apply: () => {
        changes += 1;
      },
      drop: (range, sequence) => {
        changes += 1;
        drops.push({ ...range, sequence });
      },
      noteTime: () => undefined,
    };
    const found = await this.#attempt('log', REFUSES, () => {
      return inspectLog(this.#host, expectation, target);
    });
    const map = NO_DROPS.with(drops);
    if (found === undefined) return map;
    const { batches, bytesCut, lastSequence } = found;
    const beyond = `${changes} changes beyond the tables`;
    const what = `${batches} batches, ${beyond}, up to write ${lastSequence}`;
    this.#findings.push({ file: 'log', verdict: 'sound', what });
    if (bytesCut === 0) return map;
    const torn = `a torn end of ${bytesCut} bytes: never acknowledged`;
    this.#findings.push({ file: 'log', verdict: 'leftover', what: torn, onStart: 'cuts it off' });
    return map;
  }

  /** Undefined when the answer is, or when `read` failed and that was noted. */
  async #attempt<T>(file: string, onStart: string, read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof KvorumError)) throw error;
      const what = `${error.code}: ${messageOf(error)}`;
      const isFormat = error.code === 'NEWER_FORMAT' || error.code === 'OLDER_FORMAT';
      const finding = { file, what, onStart: isFormat ? REFUSES : onStart };
      this.#findings.push({ ...finding, verdict: 'damaged' });
      return undefined;
    }
  }
}

/** Of the values in a file; rejects with CORRUPTION or IO_ERROR. */
async function soundBytes(disk: Disk, number: number): Promise<number> {
  const file = await openValueFile(disk, number);
  try {
    await file.verify();
    return file.recordsBytes;
  } finally {
    await file.close();
  }
}

/** Rejects with CORRUPTION or IO_ERROR. */
async function isTableSound(disk: Disk, info: TableInfo): Promise<boolean> {
  const table = await openTable(disk, info.number, new BlockCache(0));
  try {
    await table.verify();
    return table.info.entries === info.entries && table.info.bytes === info.bytes;
  } finally {
    await table.close();
  }
}
