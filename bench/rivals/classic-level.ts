// LevelDB through classic-level. Reads use getSync, which is faster than its promises.

import type { KeyValue, Rival } from './rival.ts';

interface Level {
  open(options: { cacheSize: number; writeBufferSize: number }): Promise<void>;
  put(key: Buffer, value: Buffer, options: { sync: boolean }): Promise<void>;
  batch(puts: readonly object[], options: { sync: boolean }): Promise<void>;
  getSync(key: Buffer): Buffer | undefined;
  iterator(): { nextv(size: number): Promise<readonly unknown[]>; close(): Promise<void> };
  close(): Promise<void>;
}

export interface ClassicLevelModule {
  readonly ClassicLevel: new (directory: string, options: object) => Level;
}

export function classicLevel({ ClassicLevel }: ClassicLevelModule): Rival {
  return {
    name: 'classic-level',
    remark: '',
    writesInFlight: 256,
    canSync: true,
    async open(directory, { cacheBytes, memtableBytes, isSynced }) {
      const encodings = { keyEncoding: 'buffer', valueEncoding: 'buffer' };
      const db = new ClassicLevel(directory, encodings);
      await db.open({ cacheSize: cacheBytes, writeBufferSize: memtableBytes });
      const sync = { sync: isSynced };
      return {
        put: (key, value) => db.put(key, value, sync),
        putMany: (puts: readonly KeyValue[]) =>
          db.batch(
            puts.map(({ key, value }) => ({ type: 'put', key, value })),
            sync,
          ),
        get: (key) => db.getSync(key),
        async scan() {
          const iterator = db.iterator();
          let count = 0;
          for (;;) {
            const entries = await iterator.nextv(1000);
            if (entries.length === 0) break;
            count += entries.length;
          }
          await iterator.close();
          return count;
        },
        flush: () => Promise.resolve(),
        close: () => db.close(),
      };
    },
  };
}
