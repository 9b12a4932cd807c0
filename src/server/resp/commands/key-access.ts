// Reads and writes of keys on behalf of one call: in the keyspace that the session had when the
// call began (a SELECT behind it may run before it is done), counted as hits and misses, and
// remembered for WAIT. Every handler that is given keys goes through here.

import { fanOut } from '../../../base/fan-out.ts';
import type { KeyspaceNumber } from '../../../base/ids.ts';
import type {
  Change,
  GetOutcome,
  GetRequest,
  WriteOutcome,
  WriteRequest,
} from '../../../node/store.ts';
import type { Call } from '../command.ts';
import { leastReplicated } from './outcome-reply.ts';

type Wishes = Omit<WriteRequest, 'keyspace' | 'key' | 'change'>;

export class KeyAccess {
  readonly #call: Call;
  readonly #keyspace: KeyspaceNumber;

  /** Made before the handler's first `await`. */
  constructor(call: Call) {
    this.#call = call;
    this.#keyspace = call.session.keyspace;
  }

  async read(key: Buffer, wishes?: Omit<GetRequest, 'keyspace' | 'key'>): Promise<GetOutcome> {
    const { store, server } = this.#call;
    const outcome = await store.get({ keyspace: this.#keyspace, key, ...wishes });
    if (outcome.kind === 'found') server.counters.keyspaceHits++;
    else if (outcome.kind === 'missing') server.counters.keyspaceMisses++;
    return outcome;
  }

  readAll(keys: readonly Buffer[]): Promise<GetOutcome[]> {
    return fanOut(keys, this.#call.server.limits.inFlightMax, (key) => this.read(key));
  }

  async write(key: Buffer, change: Change, wishes?: Wishes): Promise<WriteOutcome> {
    const { store, session } = this.#call;
    const outcome = await store.write({ keyspace: this.#keyspace, key, change, ...wishes });
    if (outcome.kind === 'ok') session.lastWrite = outcome;
    return outcome;
  }

  /** One change per key; the caller removed duplicates, for their order would be open. */
  async writeAll(
    writes: readonly (readonly [key: Buffer, change: Change])[],
  ): Promise<WriteOutcome[]> {
    const { server, session } = this.#call;
    const outcomes = await fanOut(writes, server.limits.inFlightMax, ([key, change]) =>
      this.write(key, change),
    );
    session.lastWrite = leastReplicated(outcomes) ?? session.lastWrite;
    return outcomes;
  }
}

/** Each key once, at its first place. */
export function distinct(keys: readonly Buffer[]): readonly Buffer[] {
  if (keys.length < 2) return keys;
  return [...new Map(keys.map((key) => [key.toString('latin1'), key])).values()];
}
