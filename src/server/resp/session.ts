// What one connection has said about itself: protocol version, name, keyspace, and whether its
// client is known to understand MOVED.

import type { KeyspaceNumber } from '../../base/ids.ts';
import type { WriteOk } from '../../node/store.ts';

export interface Session {
  readonly id: number;
  readonly remoteAddress: string;
  readonly localAddress: string;
  readonly connectedAtMs: number;
  protocol: 2 | 3;
  name: string;
  libraryName: string;
  libraryVersion: string;
  keyspace: KeyspaceNumber;
  replyMode: 'on' | 'off' | 'skip-next';
  isNoEvict: boolean;
  isNoTouch: boolean;
  /** It sent CLUSTER SLOTS, SHARDS or NODES, READONLY or ASKING: MOVED will be understood. */
  isClusterAware: boolean;
  /** `keyspace:slot@node id` of each MOVED that it was sent: each is said once, then we forward. */
  readonly movedFrom: Set<string>;
  /** The last write of this connection, for WAIT. */
  lastWrite: WriteOk | undefined;
  lastCommand: string;
  lastActiveMs: number;
  commandCount: number;
  bytesIn: number;
  bytesOut: number;
  /** Set by QUIT: the connection closes after the replies so far are sent. */
  isQuitting: boolean;
}

export function newSession(
  from: Pick<Session, 'id' | 'remoteAddress' | 'localAddress' | 'connectedAtMs'>,
): Session {
  return {
    ...from,
    protocol: 2,
    name: '',
    libraryName: '',
    libraryVersion: '',
    keyspace: 0 as KeyspaceNumber,
    replyMode: 'on',
    isNoEvict: false,
    isNoTouch: false,
    isClusterAware: false,
    movedFrom: new Set(),
    lastWrite: undefined,
    lastCommand: '',
    lastActiveMs: from.connectedAtMs,
    commandCount: 0,
    bytesIn: 0,
    bytesOut: 0,
    isQuitting: false,
  };
}
