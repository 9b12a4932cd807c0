// What a member says of itself, as gossip spreads it: a heartbeat. Only its own node makes one, so
// two of them are never merged, only compared: the later one replaces the other.
//
//   later  =  higher generation, then `left` before not left, then higher version
//
// A generation is one run of a node's process (the wall clock at its start; SWIM calls it the
// incarnation); a version counts its rounds of gossip. Within a generation `left` is the last word:
// whatever is still under way of it cannot bring the member back, only its next start can.
//
// Pure: no clock, no disk, no network; dice are an argument.

/** What a digest tells of a heartbeat. (0, 0) stands for one that was never heard of. */
export interface Stamp {
  /** The 21 bits that name the member in its dots (node/topology.ts). */
  readonly member: number;
  readonly generation: number;
  readonly version: number;
  /** Said goodbye: its process stopped as it should. */
  readonly hasLeft: boolean;
}

export interface Heartbeat extends Stamp {
  /** Of the newest topology that the member knows. */
  readonly epoch: number;
  readonly load: Load;
}

export interface Load {
  /** It takes no writes for want of space. */
  readonly isDiskFull: boolean;
  /** Of its disk, 0 … 100; 255: not known. */
  readonly freePercent: number;
  /** How late its timers run, in milliseconds: what a busy event loop costs whoever asks it. */
  readonly lateMs: number;
  /** Reads and writes that it coordinates, measured since its last round. */
  readonly requestsPerSecond: number;
}

export const IDLE: Load = {
  isDiskFull: false,
  freePercent: 255,
  lateMs: 0,
  requestsPerSecond: 0,
};

export function isLater(a: Stamp, b: Stamp): boolean {
  if (a.generation !== b.generation) return a.generation > b.generation;
  if (a.hasLeft !== b.hasLeft) return a.hasLeft;
  return a.version > b.version;
}

/** How out of date `known` is for whoever could have `newest`: its order in a tight message. */
export function gapBetween(newest: Stamp, known: Stamp): number {
  if (newest.generation !== known.generation || newest.hasLeft !== known.hasLeft) return Infinity;
  return newest.version - known.version;
}
