// O10 and O11, the witness of reads.
//
//   O2  came back: what was flushed is shown to nobody after the flush.
//   O10 stale: R + W > N. Whoever reads from a quorum is answered by somebody who knows of every
//       write that was acknowledged before, by primaries; and under the rule `latest` never with
//       a value whose write was over before such a write began.
//   O11 premature: what a client is shown no power cut takes back: one at least of the nodes that
//       the answer was made of has it durably. Looked at while its writer knows no outcome.

import type { KeyspaceNumber } from '../../src/base/ids.ts';
import { covers } from '../../src/causality/version-vector.ts';
import type { GetOutcome } from '../../src/node/store.ts';
import { LATEST, type SimCluster } from '../cluster.ts';
import { knows } from '../disk-image.ts';
import type { History, WriteRecord } from '../history.ts';
import type { SimRandom } from '../sim-random.ts';
import type { DiskLooks } from './disk-looks.ts';

export interface Read {
  readonly keyspace: KeyspaceNumber;
  readonly key: string;
  readonly startMs: number;
  /** Whether it meets a quorum of writers. */
  readonly isQuorum: boolean;
}

export interface ReadWitnessParts {
  readonly cluster: SimCluster;
  readonly history: History;
  readonly random: SimRandom;
  readonly looks: DiskLooks;
  /** Whether all clocks agree. */
  readonly isTimeTrue: boolean;
}

type Answered = Exclude<GetOutcome, { kind: 'no-answer' }>;
type Found = Extract<GetOutcome, { kind: 'found' }>;

/** Of the answers with a value whose writer does not know its outcome. */
const LOOK_CHANCE = 0.2;

export class ReadWitness {
  readonly #parts: ReadWitnessParts;
  readonly #looking: Promise<void>[] = [];

  constructor(parts: ReadWitnessParts) {
    this.#parts = parts;
  }

  /** To be called before anything else happens. */
  hear(read: Read, outcome: GetOutcome): void {
    if (outcome.kind === 'no-answer' || outcome.receipt.fallbacks.length > 0) return;
    const { broken } = this.#parts.history;
    if (read.isQuorum) broken.push(...this.#staleness(read, outcome));
    if (outcome.kind !== 'found') return;
    if (read.isQuorum) broken.push(...this.#flushedBack(read, outcome));
    this.#maybeLook(read, outcome);
  }

  /** Resolves when it has seen all that it wanted to see. */
  async finish(): Promise<void> {
    await Promise.all(this.#looking);
  }

  #staleness({ keyspace, key, startMs }: Read, outcome: Answered): string[] {
    const { history, isTimeTrue } = this.#parts;
    const acknowledged = history.writesOf(keyspace, key).filter(({ outcome, isSloppy, endMs }) => {
      return outcome === 'ok' && !isSloppy && endMs < startMs;
    });
    const what = `stale: a read of ${keyspace}/${key}`;
    const unknown = acknowledged.filter(({ dot }) => !covers(outcome.context, dot!));
    const findings = unknown.map(({ value }) => `${what} knew nothing of ${value ?? 'a delete'}`);
    if (outcome.kind === 'missing' || keyspace !== LATEST || !isTimeTrue) return findings;
    const shown = history.writeOf(String(outcome.values[0]?.value));
    const newer = acknowledged.find((write) => shown && this.#isNewer(write, shown));
    if (newer !== undefined) findings.push(`${what} = ${shown?.value} comes after ${newer.value}`);
    return findings;
  }

  #flushedBack({ keyspace, key, startMs }: Read, { values }: Found): string[] {
    const { history } = this.#parts;
    const back = values.filter(({ value }) => {
      const write = history.writeOf(String(value));
      return write !== undefined && history.mustBeFlushed(write, startMs);
    });
    return back.map(({ value }) => `came back: ${keyspace}/${key} = ${value}, which was flushed`);
  }

  /** Whether it began when the other was over, and nothing else can have taken it along. */
  #isNewer(write: WriteRecord, other: WriteRecord): boolean {
    return other.endMs + 1 < write.startMs && !this.#parts.history.mayBeFlushed(write);
  }

  #maybeLook(read: Read, found: Found): void {
    const { history, random } = this.#parts;
    const isOpen = ({ value }: Found['values'][number]) => {
      return history.writeOf(String(value))?.outcome === 'unknown';
    };
    if (!found.values.some(isOpen) || !random.chance(LOOK_CHANCE)) return;
    this.#looking.push(this.#look(read, found));
  }

  async #look({ keyspace, key }: Read, { values, receipt }: Found): Promise<void> {
    const { cluster, history, looks } = this.#parts;
    const name = `${keyspace}/${key}`;
    const nodes = receipt.nodes.map((id) => cluster.nameOf(id));
    try {
      const disks = await looks.lookAtAll();
      for (const { value, dot } of values) {
        if (nodes.some((node) => knows(disks.get(node)!, name, dot))) continue;
        history.broken.push(`premature: ${name} = ${value} was shown by [${nodes}], not durable`);
      }
    } catch (error) {
      history.broken.push(`unreadable: a power cut would leave a disk with ${error}`);
    }
  }
}
