// What the commands about the server itself (INFO, CLIENT LIST, CONFIG GET) can see and do.

import type { Clock } from '../../host/host.ts';
import type { Session } from './session.ts';

/** How a key of which this node is no primary is answered: see docs/decisions. */
export type Redirect = 'auto' | 'moved' | 'forward';

export interface RespLimits {
  /** Words in one command. */
  readonly argumentsMax: number;
  /** Bytes in one word. */
  readonly bulkBytesMax: number;
  /** Bytes in one inline command. */
  readonly inlineBytesMax: number;
  /** Bytes of all words of one command. */
  readonly commandBytesMax: number;
  readonly keyBytesMax: number;
  readonly valueBytesMax: number;
  readonly connectionsMax: number;
  /** Commands of one connection that may wait for their answers; reading pauses beyond. */
  readonly inFlightMax: number;
  /** Milliseconds that a command waits for a place on the node, of a client that sends on. */
  readonly waitMsMax: number;
  /** The same of a client that sends nothing more until it has its answers. */
  readonly silentWaitMsMax: number;
  /** Replies waiting for a slow reader, in bytes; beyond, the connection is closed. */
  readonly outputBytesMax: number;
  /** An unfinished command may stay unfinished for so long. */
  readonly halfCommandMs: number;
}

export interface RespServerInfo {
  /** For commands that wait (WAIT). */
  readonly clock: Clock;
  readonly startedAtMs: number;
  readonly port: number;
  readonly redirect: Redirect;
  readonly limits: RespLimits;
  readonly counters: RespCounters;
  /** False while the node starts: most commands answer LOADING. */
  isReady(): boolean;
  sessions(): Iterable<Session>;
  connectionCount(): number;
}

export interface RespCounters {
  connectionsAccepted: number;
  connectionsRefused: number;
  commands: number;
  errorReplies: number;
  keyspaceHits: number;
  keyspaceMisses: number;
  bytesIn: number;
  bytesOut: number;
  moved: number;
}

export function freshCounters(): RespCounters {
  return {
    connectionsAccepted: 0,
    connectionsRefused: 0,
    commands: 0,
    errorReplies: 0,
    keyspaceHits: 0,
    keyspaceMisses: 0,
    bytesIn: 0,
    bytesOut: 0,
    moved: 0,
  };
}
