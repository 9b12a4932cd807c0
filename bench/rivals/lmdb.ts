// LMDB through lmdb-js. It gathers the puts of a turn into one transaction by itself. Its cache is
// the one of the file system. Unsynced it runs with noSync; synced without overlappingSync, for
// with it a put resolves before it is on the disk.

import { type Rival, turn } from './rival.ts';

interface Lmdb {
  put(key: Buffer, value: Buffer): Promise<boolean>;
  get(key: Buffer): Buffer | undefined;
  getRange(options: object): Iterable<unknown>;
  readonly committed: Promise<unknown>;
  close(): Promise<void>;
}

export interface LmdbModule {
  open(options: object): Lmdb;
}

export function lmdb(module: LmdbModule): Rival {
  return {
    name: 'lmdb',
    remark: 'its only cache is the file system’s',
    writesInFlight: 8192,
    canSync: true,
    open(directory, { isSynced }) {
      const durability = isSynced ? { overlappingSync: false } : { noSync: true };
      const encodings = { keyEncoding: 'binary', encoding: 'binary' };
      const db = module.open({ path: directory, ...encodings, ...durability });
      return Promise.resolve({
        put: (key, value) => db.put(key, value),
        putMany(puts) {
          let last: Promise<unknown> | undefined;
          for (const { key, value } of puts) last = db.put(key, value);
          return last;
        },
        get: (key) => db.get(key),
        async scan() {
          let count = 0;
          for (const entry of db.getRange({})) {
            if (entry !== undefined) count += 1;
            if (count % 1000 === 0) await turn();
          }
          return count;
        },
        flush: () => db.committed,
        close: () => db.close(),
      });
    },
  };
}
