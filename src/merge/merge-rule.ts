// Which function a keyspace merges siblings with: one that comes with every node, or a module.
//
// Pure: no clock, no disk, no network; dice are an argument.

export interface MergeRule {
  /** As the configuration says it: `set-union`, `./cart-merge.ts`. */
  readonly name: string;
  /** URL of the module; undefined: one of ready-functions.ts. */
  readonly module: string | undefined;
  /** For one read of one key; only of modules. */
  readonly limitMs: number;
}

/**
 * Time for reads to wait, and a thousand times what merging two carts takes: what needs longer is
 * most likely looping.
 */
export const LIMIT_MS_DEFAULT = 100;
