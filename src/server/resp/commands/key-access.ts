// Reads and writes of keys on behalf of one call: in the keyspace that the session had when the
// call began (a SELECT behind it may run before it is done), counted as hits and misses, and
// remembered for WAIT. Every handler that is given keys goes through here.

import { fanOut } from '../../../base/fan-out.ts';
import type { KeyspaceNumber } from '../../../base/ids.ts';
import { type Later, later } from '../../../base/later.ts';
import type {
  Change,
  GetOutcome,
  GetRequest,
  WriteOutcome,
  WriteRequest,
} from '../../../node/store.ts';
import type { Call } from '../command.ts';
import { leastReplicated } from './outcome-reply.ts';

type ReadWishes = Omit<GetRequest, 'keyspace' | 'key'>;
type WriteWishes = Omit<WriteRequest, 'keyspace' | 'key' | 'change'>;

export class KeyAccess {
  readonly #call: Call;
  readonly #keyspace: KeyspaceNumber;

  /** Made before the handler's first `await`. */
  constructor(call: Call) {
    this.#call = call;
    this.#keyspace = call.session.keyspace;
  }

  read(key: Buffer, wishes?: ReadWishes): Later<GetOutcome> {
    return this.readThen(key, itself, wishes);
  }

  /** What `answer` makes of the outcome. */
  readThen<Answer>(
    key: Buffer,
    answer: (outcome: GetOutcome) => Answer,
    wishes?: ReadWishes,
  ): Later<Answer> {
    const { store, server } = this.#call;
    return later(store.get({ keyspace: this.#keyspace, key, ...wishes }), (outcome) => {
      if (outcome.kind === 'found') server.counters.keyspaceHits++;
      else if (outcome.kind === 'missing') server.counters.keyspaceMisses++;
      return answer(outcome);
    });
  }

  readAll(keys: readonly Buffer[]): Promise<GetOutcome[]> {
    const { inFlightMax } = this.#call.server.limits;
    return fanOut(keys, inFlightMax, async (key) => this.read(key));
  }

  write(key: Buffer, change: Change, wishes?: WriteWishes): Later<WriteOutcome> {
    return this.writeThen(key, change, itself, wishes);
  }

  /** What `answer` makes of the outcome. */
  writeThen<Answer>(
    key: Buffer,
    change: Change,
    answer: (outcome: WriteOutcome) => Answer,
    wishes?: WriteWishes,
  ): Later<Answer> {
    const { store, session } = this.#call;
    return later(store.write({ keyspace: this.#keyspace, key, change, ...wishes }), (outcome) => {
      if (outcome.kind === 'ok') session.lastWrite = outcome;
      return answer(outcome);
    });
  }

  /** One change per key; the caller removed duplicates, for their order would be open. */
  async writeAll(
    writes: readonly (readonly [key: Buffer, change: Change])[],
  ): Promise<WriteOutcome[]> {
    const { server, session } = this.#call;
    const outcomes = await fanOut(writes, server.limits.inFlightMax, async ([key, change]) =>
      this.write(key, change),
    );
    session.lastWrite = leastReplicated(outcomes) ?? session.lastWrite;
    return outcomes;
  }
}

function itself<Outcome>(outcome: Outcome): Outcome {
  return outcome;
}

/** Each key once, at its first place. */
export function distinct(keys: readonly Buffer[]): readonly Buffer[] {
  if (keys.length < 2) return keys;
  return [...new Map(keys.map((key) => [key.toString('latin1'), key])).values()];
}
