// Where the nodes of one run stand. In most runs in one data center; in the others in two, and in
// half of those the keyspaces count their copies in each, and clients ask for levels. Then writes
// are passed on, near replicas are asked first, and fallbacks stand in where they may: every
// promise stays what it was.

import type { ConsistencyLevel } from '../../src/node/store.ts';
import { type ClusterOptions, KEYSPACES } from '../cluster.ts';
import type { SimRandom } from '../sim-random.ts';

export interface Places extends Pick<ClusterOptions, 'dataCenters' | 'keyspaces'> {
  /** That clients may read and write at. */
  readonly levels?: readonly ConsistencyLevel[];
}

/** As many hosts as these ask for stand there. */
const COPIES = { east: 2, west: 1 };
const AT_LEAST = ['east', 'east', 'west'];
/** A read at any of them meets every write at any of them. */
const LEVELS = ['quorum', 'each-quorum', 'all'] as const;

export function drawPlaces(random: SimRandom, size: number): Places {
  if (random.chance(0.6)) return {};
  const dataCenters = Array.from({ length: size }, (_, index) => {
    return AT_LEAST[index] ?? random.pick(AT_LEAST);
  });
  if (random.chance(0.5)) return { dataCenters };
  const keyspaces = KEYSPACES.map((each) => ({ ...each, copies: COPIES }));
  return { dataCenters, keyspaces, levels: LEVELS };
}
