// RocksDB through rocksdb-native. The binding has neither a synchronous read nor a synced write,
// and its block cache has one size (RocksDB's default of 32 MiB).

import type { Rival } from './rival.ts';

interface Rocks {
  ready(): Promise<void>;
  put(key: Buffer, value: Buffer): Promise<void>;
  write(): WriteBatch;
  get(key: Buffer): Promise<Buffer | null>;
  iterator(range: object, options: object): AsyncIterable<unknown>;
  close(): Promise<void>;
}

interface WriteBatch {
  tryPut(key: Buffer, value: Buffer): void;
  flush(): Promise<void>;
  destroy(): void;
}

export type RocksModule = new (
  directory: string,
  options: { readonly writeBufferSize: number },
) => Rocks;

export function rocksdbNative(RocksDB: RocksModule): Rival {
  return {
    name: 'rocksdb-native',
    remark: 'its reads are promises, its cache is always 32 MiB, it cannot sync a write',
    writesInFlight: 256,
    canSync: false,
    async open(directory, { memtableBytes }) {
      const db = new RocksDB(directory, { writeBufferSize: memtableBytes });
      await db.ready();
      return {
        put: (key, value) => db.put(key, value),
        async putMany(puts) {
          const batch = db.write();
          for (const { key, value } of puts) batch.tryPut(key, value);
          await batch.flush();
          batch.destroy();
        },
        get: (key) => db.get(key),
        async scan() {
          let count = 0;
          const everything = db.iterator({}, { capacity: 1000 });
          for await (const entry of everything) count += entry === undefined ? 0 : 1;
          return count;
        },
        flush: () => Promise.resolve(),
        close: () => db.close(),
      };
    },
  };
}
