// The engine behind the door: a write goes to the commit log, then into the memtable; reads are
// answered by the memtable. (The log-structured merge tree of O'Neil et al., Acta Informatica
// 1996; its sorted tables on disk are the next floor.)
//
// Invariants: the memtable holds exactly the writes that the log took, in its order. Whoever has
// the engine has the lock of the directory.

import type { DiskLock, Host } from '../host/host.ts';
import { CommitLog, type CommitLogOptions } from './log/commit-log.ts';
import type {
  Engine,
  EngineKey,
  EngineStats,
  Identity,
  Put,
  ScanLimits,
  ScanPage,
  ScanRange,
  Snapshot,
  Stored,
  Written,
} from './engine.ts';
import { renewIdentity, type StoredIdentity, writeIdentity } from './identity-file.ts';
import type { RecoveredLog } from './log/log-recovery.ts';
import type { Memtable } from './memtable.ts';
import { engineClosed } from './storage-errors.ts';

export type EngineHost = Pick<Host, 'disk' | 'clock' | 'log'>;

export class LogStructuredEngine implements Engine {
  readonly #host: EngineHost;
  readonly #lock: DiskLock;
  readonly #memtable: Memtable;
  readonly #log: CommitLog;
  readonly #recovered: RecoveredLog;
  #identity: StoredIdentity;
  #renewal: Promise<Identity> | undefined;
  #closing: Promise<void> | undefined;

  constructor(
    host: EngineHost,
    lock: DiskLock,
    identity: StoredIdentity,
    memtable: Memtable,
    recovered: RecoveredLog,
    options: CommitLogOptions,
  ) {
    this.#host = host;
    this.#lock = lock;
    this.#identity = identity;
    this.#memtable = memtable;
    this.#recovered = recovered;
    this.#log = new CommitLog(host, recovered, options);
  }

  get identity(): Identity {
    return this.#identity;
  }

  write(puts: readonly Put[]): Written {
    const written = this.#log.append(puts);
    for (const { keyspace, slot, key, value } of puts) {
      this.#memtable.put(keyspace, slot, key, value, written.sequence);
    }
    return written;
  }

  get(at: EngineKey): Stored | undefined {
    return this.#memtable.get(at);
  }

  scan(range: ScanRange, limits: ScanLimits): ScanPage {
    return this.#memtable.scan(range, limits);
  }

  snapshot(): Snapshot {
    return this.#memtable.snapshot(this.#log.lastSequence);
  }

  durableSequence(): number {
    return this.#log.durableSequence;
  }

  whenDurable(sequence: number): Promise<void> {
    return this.#log.whenDurable(sequence);
  }

  renewIncarnation(): Promise<Identity> {
    if (this.#closing !== undefined) return Promise.reject(engineClosed());
    this.#renewal ??= this.#renew().finally(() => {
      this.#renewal = undefined;
    });
    return this.#renewal;
  }

  stats(): EngineStats {
    return {
      entries: this.#memtable.entries,
      memoryBytes: this.#memtable.memoryBytes,
      ...this.#log.stats(),
      batchesRecovered: this.#recovered.batches,
      bytesCut: this.#recovered.bytesCut,
    };
  }

  close(dotCounter: number): Promise<void> {
    this.#closing ??= this.#close(dotCounter);
    return this.#closing;
  }

  async #renew(): Promise<Identity> {
    this.#identity = await renewIdentity(this.#host, this.#identity, this.#identity.incarnation);
    return this.#identity;
  }

  async #close(dotCounter: number): Promise<void> {
    try {
      const logClosed = this.#log.close();
      await Promise.allSettled([logClosed, this.#renewal]);
      await logClosed;
      await writeIdentity(this.#host.disk, { ...this.#identity, dotCounter, isClean: true });
    } finally {
      await this.#lock.release();
    }
  }
}
