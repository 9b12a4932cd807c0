// Blocks of all tables as they are when read, checked and decompressed, up to a number of bytes.
// SIEVE (Zhang et al.: "SIEVE is Simpler than LRU", NSDI 2024): a queue in which a hit sets one
// bit and moves nothing; who must go is found by a hand that walks from the oldest block to the
// newest, spares the blocks whose bit is set, and clears it.
//
//   oldest  a  b° c  d° e  newest     ° hit since the hand came by
//              hand →                 clears b, takes c, stands at d
//
// Each open table has a shelf, an array by block: a hit costs no hashing.
//
// Pure: no clock, no disk, no network; dice are an argument.

/** What a block costs beside its bytes: the objects around it. */
const OVERHEAD_BYTES = 200;

class CachedBlock {
  readonly bytes: Buffer;
  readonly shelf: Shelf;
  readonly block: number;
  isHit = false;
  older: CachedBlock | undefined;
  newer: CachedBlock | undefined;

  constructor(bytes: Buffer, shelf: Shelf, block: number) {
    this.bytes = bytes;
    this.shelf = shelf;
    this.block = block;
  }

  get cost(): number {
    return this.bytes.length + OVERHEAD_BYTES;
  }
}

export interface CacheStats {
  readonly hits: number;
  readonly misses: number;
  readonly blocks: number;
  readonly bytes: number;
}

export class BlockCache {
  readonly #bytesMax: number;
  readonly #shelves = new Map<number, Shelf>();
  #oldest: CachedBlock | undefined;
  #newest: CachedBlock | undefined;
  /** The block that the hand points at; undefined: it begins again at the oldest. */
  #hand: CachedBlock | undefined;
  #bytes = 0;
  #blocks = 0;
  /** Of shelves that were dropped. */
  #hitsBefore = 0;
  #missesBefore = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The place of table `number` with so many blocks, the same until it is dropped. */
  shelf(number: number, blocks: number): Shelf {
    const shelf = this.#shelves.get(number) ?? new Shelf(this, blocks);
    this.#shelves.set(number, shelf);
    return shelf;
  }

  /** Forgets all blocks of table `number`, for as long as nobody asks for a shelf again. */
  drop(number: number): void {
    const shelf = this.#shelves.get(number);
    if (shelf === undefined) return;
    this.#shelves.delete(number);
    this.#hitsBefore += shelf.hits;
    this.#missesBefore += shelf.misses;
    for (const cached of shelf.cached) if (cached !== undefined) this.#remove(cached);
    shelf.isDropped = true;
  }

  /** Keeps `bytes`, which must be memory of their own, unless they alone exceed the budget. */
  put(shelf: Shelf, block: number, bytes: Buffer): void {
    const added = new CachedBlock(bytes, shelf, block);
    if (shelf.isDropped || shelf.cached[block] !== undefined) return;
    if (added.cost > this.#bytesMax) return;
    while (this.#bytes + added.cost > this.#bytesMax) this.#evict();
    shelf.cached[block] = added;
    added.older = this.#newest;
    if (this.#newest !== undefined) this.#newest.newer = added;
    this.#newest = added;
    this.#oldest ??= added;
    this.#bytes += added.cost;
    this.#blocks += 1;
  }

  stats(): CacheStats {
    let hits = this.#hitsBefore;
    let misses = this.#missesBefore;
    for (const shelf of this.#shelves.values()) {
      hits += shelf.hits;
      misses += shelf.misses;
    }
    return { hits, misses, blocks: this.#blocks, bytes: this.#bytes };
  }

  #evict(): void {
    let candidate = (this.#hand ?? this.#oldest) as CachedBlock;
    while (candidate.isHit) {
      candidate.isHit = false;
      candidate = (candidate.newer ?? this.#oldest) as CachedBlock;
    }
    this.#hand = candidate;
    this.#remove(candidate);
  }

  #remove(cached: CachedBlock): void {
    const { older, newer } = cached;
    if (this.#hand === cached) this.#hand = newer;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    cached.shelf.cached[cached.block] = undefined;
    this.#bytes -= cached.cost;
    this.#blocks -= 1;
  }
}

/** The cached blocks of one table. */
export class Shelf {
  readonly #cache: BlockCache;
  readonly cached: (CachedBlock | undefined)[];
  hits = 0;
  misses = 0;
  isDropped = false;

  constructor(cache: BlockCache, blocks: number) {
    this.#cache = cache;
    // Filled, so that it is a flat array from the start and never a dictionary.
    this.cached = Array(blocks).fill(undefined);
  }

  /** For a lookup: counts, and keeps the block from going soon. */
  get(block: number): Buffer | undefined {
    const cached = this.cached[block];
    if (cached === undefined) {
      this.misses += 1;
      return undefined;
    }
    this.hits += 1;
    cached.isHit = true;
    return cached.bytes;
  }

  /** For those who pass by once. */
  peek(block: number): Buffer | undefined {
    return this.cached[block]?.bytes;
  }

  put(block: number, bytes: Buffer): void {
    this.#cache.put(this, block, bytes);
  }
}
