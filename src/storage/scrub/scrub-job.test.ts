import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict';
import { test } from 'node:test';
import { ByteWriter } from '../../base/bytes.ts';
import { hasCode, KvorumError } from '../../base/errors.ts';
import type { Disk, JobPace } from '../../host/host.ts';
import { LogBatch } from '../log/log-batch.ts';
import { segmentName } from '../log/log-format.ts';
import { LogSegment } from '../log/log-segment.ts';
import { elsewhere, entriesUpTo, entry, removal } from '../sstable/test-table.ts';
import { tableName } from '../table-info.ts';
import { put } from '../test-engine.ts';
import { TestValues } from '../values/test-values.ts';
import { valuesName } from '../values/value-format.ts';
import { type ScrubOrder, type ScrubVerdict, scrub } from './scrub-job.ts';

/** Keeps what was spent; cancelled after so many steps. */
class CountedPace implements JobPace {
  readonly spent: number[] = [];
  readonly #stepsMax: number;

  constructor(stepsMax = Number.POSITIVE_INFINITY) {
    this.#stepsMax = stepsMax;
  }

  get isCancelled(): boolean {
    return this.spent.length >= this.#stepsMax;
  }

  async spend(bytes: number): Promise<void> {
    this.spent.push(bytes);
  }
}

class TestScrub extends TestValues {
  check(order: ScrubOrder, pace: JobPace = new CountedPace()): Promise<ScrubVerdict> {
    return this.run(() => scrub(this.disk, order, pace));
  }

  /** Flips a bit of each byte before `end` in its turn: where nobody noticed. */
  async unnoticed(order: ScrubOrder, name: string, end?: number): Promise<number[]> {
    const { directory } = this.machine;
    const size = directory.bytesOf(name)?.length ?? 0;
    const silent: number[] = [];
    for (let at = 0; at < (end ?? size); at++) {
      directory.rot(name, at, at % 8);
      if ((await this.check(order)).kind !== 'bad') silent.push(at);
      directory.rot(name, at, at % 8);
    }
    equal((await this.check(order)).kind, 'sound', 'all is as it was');
    return silent;
  }
}

test('a flipped bit in any byte of a table or value file is damage', async () => {
  const tests = new TestScrub();
  const [pointer] = await tests.run(() =>
    tests.writeValues(2, [Buffer.alloc(300, 'large value '), Buffer.from('another')]),
  );
  ok(pointer !== undefined);
  const entries = [entry('a', 'value of a'), elsewhere('b', pointer), removal('c')];
  await tests.run(() => tests.write(1, entries));
  await tests.run(() => tests.write(3, entriesUpTo(40, 20), { compression: true }));
  deepEqual(await tests.unnoticed({ kind: 'values', number: 2 }, valuesName(2)), []);
  deepEqual(await tests.unnoticed({ kind: 'table', number: 1 }, tableName(1)), []);
  deepEqual(await tests.unnoticed({ kind: 'table', number: 3 }, tableName(3)), []);
});

test('so it is in a segment of the log, as far as that is durable', async () => {
  const tests = new TestScrub();
  const segment = await tests.run(() => LogSegment.create(tests.disk, 4));
  const append = (key: string, sequence: number) => {
    const batch = new LogBatch(sequence, new ByteWriter(), false);
    batch.add([put(key, `value of ${key}`)], 0);
    return tests.run(() => segment.write(batch.sealedFor(4, segment.size)));
  };
  await append('a', 1);
  await append('b', 2);
  const order = { kind: 'log', number: 4, bytes: segment.size } as const;
  await append('c', 3);
  deepEqual(await tests.unnoticed(order, segmentName(4), order.bytes), []);
  tests.machine.directory.rot(segmentName(4), order.bytes + 20);
  equal((await tests.check(order)).kind, 'sound');
  equal((await tests.check({ ...order, bytes: segment.size })).kind, 'bad');
});

test('what is read is spent step by step, and a cancel is heard at the next one', async () => {
  const tests = new TestScrub();
  const info = await tests.run(() => tests.write(1, entriesUpTo(2_000, 500)));
  const pace = new CountedPace();
  const order = { kind: 'table', number: 1 } as const;
  deepEqual(await tests.check(order, pace), { kind: 'sound', bytesRead: info.bytes });
  equal(
    pace.spent.reduce((sum, bytes) => sum + bytes, 0),
    info.bytes,
  );
  ok(pace.spent.length > 3 && Math.max(...pace.spent) < 300 * 1024, `${pace.spent}`);
  const cancelled = new CountedPace(2);
  await rejects(tests.check(order, cancelled), (error) => hasCode(error, 'CLOSED'));
  equal(cancelled.spent.length, 2);
});

test('a sector that cannot be read is damage, a refusal of the system is not', async () => {
  const tests = new TestScrub();
  await tests.run(() => tests.write(1, [entry('a', 'value of a')]));
  const order = { kind: 'table', number: 1 } as const;
  const failing = (code: string): Disk => ({
    ...tests.disk,
    list: () => tests.disk.list(),
    open: async () => {
      const cause = Object.assign(new Error(code), { code });
      throw new KvorumError('IO_ERROR', `open: ${code}`, 'Look at the disk.', cause);
    },
  });
  const verdict = await tests.run(() => scrub(failing('EIO'), order, new CountedPace()));
  ok(verdict.kind === 'bad');
  match(verdict.why, /EIO/);
  await rejects(
    tests.run(() => scrub(failing('EMFILE'), order, new CountedPace())),
    (error) => hasCode(error, 'IO_ERROR'),
  );
  deepEqual(await tests.check({ kind: 'table', number: 9 }), { kind: 'missing' });
});
