// What the HTTP door sees of its node. The door opens before the node is there, so that whoever
// asks reads "starting" and not a refused connection.

import type { NodeMetrics } from '../../node/metrics.ts';
import type { ClusterStatus, Healing, Store } from '../../node/store.ts';
import type { RespServer } from '../resp/resp-server.ts';

/** `serving`: clients are answered, as well as the replicas that are alive allow. */
export type Stage = 'starting' | 'serving' | 'stopping';

export interface NodeView {
  readonly name: string;
  stage(): Stage;
  /** Undefined while the node opens its data directory. */
  running(): RunningNode | undefined;
  /** Rejects with UNREACHABLE while the node opens. */
  readonly store: Store;
  readonly resp: Pick<RespServer, 'info' | 'drops' | 'waiting'>;
}

export interface RunningNode {
  status(): ClusterStatus;
  metrics(): NodeMetrics;
  /** Whether a quorum of every slot's primaries seems alive. */
  isReady(): boolean;
  readonly healing: Pick<Healing, 'beginRepair' | 'findRepair' | 'syncedSlots'>;
}
