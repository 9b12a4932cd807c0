// The JSON of /v1/status: what `kvorum status` prints and what an operator's script reads.

import type { NodeMetrics } from '../../node/metrics.ts';
import type { MemberStatus, SyncState } from '../../node/store.ts';
import type { RunningNode, Stage } from './node-view.ts';

export interface StatusPage {
  readonly clusterId: string;
  readonly epoch: number;
  /** The node that answers. */
  readonly self: { readonly id: string; readonly name: string; readonly stage: Stage };
  /** Whether every slot has a primary alive. */
  readonly isServing: boolean;
  /** Whether every slot has as many primaries alive as reads and writes wait for. */
  readonly hasQuorum: boolean;
  readonly members: readonly MemberStatus[];
  /** Runs of slots and the member that clients should ask for them now: [from, to, name]. */
  readonly owners: readonly (readonly [from: number, to: number, name: string])[];
  readonly engine: NodeMetrics['engine'];
  /** How far its copies are the same as those of the others, by name. */
  readonly sync: Readonly<Record<string, SyncState>>;
  /** Slots of keyspaces that do not vote in reads before they are refilled. */
  readonly slotsRefilling: number;
}

export function statusPage(node: RunningNode, stage: Stage): StatusPage {
  const status = node.status();
  const { engine, sync, slotsRefilling } = node.metrics();
  const names = new Map(status.members.map(({ id, name }) => [id, name]));
  return {
    clusterId: status.clusterId,
    epoch: status.epoch,
    self: { id: status.self, name: names.get(status.self) ?? '', stage },
    isServing: status.isServing,
    hasQuorum: node.isReady(),
    members: status.members,
    owners: status.owners.map(({ from, to, owner }) => [from, to, names.get(owner) ?? owner]),
    engine,
    sync: Object.fromEntries(sync),
    slotsRefilling,
  };
}
