// What a receipt says of data centers: how many of its nodes stand in each.

import type { Receipt, Store } from '../node/store.ts';

/** By name, in the order of the nodes: `{ east: 2, west: 1 }`. */
export function dataCenterCounts(
  store: Pick<Store, 'nodeDataCenter'>,
  { nodes }: Pick<Receipt, 'nodes'>,
): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const id of nodes) {
    const name = store.nodeDataCenter(id);
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/** ` in data center east`, where a failure is that of one; nothing where it is not. */
export function placeText({ dataCenter }: { readonly dataCenter?: string | undefined }): string {
  return dataCenter === undefined ? '' : ` in data center ${dataCenter}`;
}
