// How often a node gossips, and how much silence it forgives, for three kinds of network. All nodes
// of a cluster are given the same one.
//
// A dead node that breaks no connection (a cable, a frozen machine) counts as down about
// `intervalMs + pauseMs + 6 · deviationMsMin` after its last word; the figures are in
// docs/figures.md, measured by `npm run bench -- gossip`.
//
// Pure: no clock, no disk, no network; dice are an argument.

export interface GossipPreset {
  /** Between two rounds of one node. */
  readonly intervalMs: number;
  /** Others that it speaks to in a round. Three infect a thousand in about six rounds. */
  readonly fanOut: number;
  /** An exchange that is not answered so soon counts against the other. */
  readonly answerMs: number;
  /** Silence beyond the usual that is not suspicious yet: a busy event loop, a repeated packet. */
  readonly pauseMs: number;
  /** Heartbeats are never taken to be more regular than that. */
  readonly deviationMsMin: number;
  /** Usual time to an answer above which a member is `slow`; it is not any more below half. */
  readonly slowMs: number;
  /** Of one message: what does not fit waits for the next round, the most out-of-date first. */
  readonly messageBytesMax: number;
}

export const GOSSIP_PRESETS = {
  /** All nodes on one machine, which may be busy. */
  loopback: {
    intervalMs: 200,
    fanOut: 3,
    answerMs: 400,
    pauseMs: 1_400,
    deviationMsMin: 80,
    slowMs: 250,
    messageBytesMax: 8_192,
  },
  /** One data center: 1,400 bytes are one packet. */
  lan: {
    intervalMs: 250,
    fanOut: 3,
    answerMs: 500,
    pauseMs: 1_400,
    deviationMsMin: 80,
    slowMs: 250,
    messageBytesMax: 1_400,
  },
  /** Data centers far apart: round trips of 300 ms, and packets that get lost. */
  wan: {
    intervalMs: 1_000,
    fanOut: 3,
    answerMs: 2_000,
    pauseMs: 4_000,
    deviationMsMin: 300,
    slowMs: 1_500,
    messageBytesMax: 1_400,
  },
} as const satisfies Record<string, GossipPreset>;

export type GossipPresetName = keyof typeof GOSSIP_PRESETS;
