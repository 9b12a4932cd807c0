// A storage engine as the bench sees it, so that ours and those of others do exactly the same work.
// Every one is used the way its own documentation recommends: single operations through its
// fastest call, as many promises under way as it likes, its own defaults where nothing is said.

export interface Rival {
  readonly name: string;
  /** What a reader of its figures must know; empty when they need no word. */
  readonly remark: string;
  /** Promises under way at a time: what gave the highest rate here. */
  readonly writesInFlight: number;
  readonly canSync: boolean;
  open(directory: string, options: OpenOptions): Promise<Store>;
}

export interface OpenOptions {
  /** Of its own block cache, where it has one; below it is always the file system's. */
  readonly cacheBytes: number;
  /** Of what it gathers in memory before it writes a table, where it does so. */
  readonly memtableBytes: number;
  /** Every write is on the disk before its promise resolves. */
  readonly isSynced: boolean;
}

export interface KeyValue {
  readonly key: Buffer;
  readonly value: Buffer;
}

/** Bytes beside keys and values, and the entries that they are for. */
export interface MemoryFigures {
  /** Of the memtables; with the bytes of keys and values. */
  readonly memtableBytes: number;
  readonly memtableEntries: number;
  /** Of filters and indexes. */
  readonly tableBytes: number;
  readonly tableEntries: number;
}

export interface Store {
  /** A promise where the engine wants to be waited for, at once or later. */
  put(key: Buffer, value: Buffer): Promise<unknown> | undefined;
  /** Many writes in one call, where the engine has one. */
  putMany(puts: readonly KeyValue[]): Promise<unknown> | undefined;
  get(key: Buffer): Uint8Array | null | undefined | Promise<Uint8Array | null | undefined>;
  /** Reads everything in the order of its keys, with a turn() each thousand; how many it was. */
  scan(): Promise<number>;
  /** Resolves when everything written so far is as safe as `isSynced` asks, or in its log. */
  flush(): Promise<unknown>;
  close(): Promise<unknown>;
  /** What it says of its own memory, where it does. */
  memory?(): MemoryFigures;
}

/** Whoever scans at once lets the event loop go round now and then, as a server must. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
