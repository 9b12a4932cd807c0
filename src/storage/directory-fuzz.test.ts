// A small data directory of which one file is mutated: what it answers is right, or CORRUPTION, or
// it does not open and says why. Nothing is ever missing or wrong, neither at once nor after the
// compactions of a while, and what `kvorum doctor` calls sound answers everything.
//
// One thing no one can tell: where the node was not closed cleanly, a bad end of the log may be a
// torn one that was never acknowledged. Then writes are missing at the end, and only there.

import { deepEqual, equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ErrorCode } from '../base/errors.ts';
import { casesOf, expectCode, mutants } from '../base/test-fuzz.ts';
import { checkDirectory } from './directory-check.ts';
import type { Engine } from './engine.ts';
import { segmentNumberOf } from './log/log-format.ts';
import type { EngineOptions } from './open-engine.ts';
import { put, removal, scanAll, TestServer, textAt } from './test-engine.ts';

/** Some ten writes a memtable: tables at several levels, and a few writes in the log. */
const TINY: EngineOptions = { memtableBytesMax: 900, tableBytesTarget: 2_000, verifies: 'all' };
const WRITES = 130;
const KEYS = 25;
const REFUSALS: readonly ErrorCode[] = ['CORRUPTION', 'NEWER_FORMAT', 'OLDER_FORMAT'];

const keyOf = (n: number) => `key ${n % KEYS}`;
const textOf = (n: number) => (n % 9 === 5 ? undefined : `${n} `.repeat(10));

interface Base {
  readonly name: string;
  readonly files: ReadonlyMap<string, Buffer>;
  readonly wasClosed: boolean;
}

async function baseOf(wasClosed: boolean): Promise<Base> {
  const server = new TestServer();
  const engine = await server.restart(TINY);
  for (let n = 1; n <= WRITES; n++) {
    const text = textOf(n);
    const change = text === undefined ? removal(keyOf(n)) : put(keyOf(n), text);
    await server.settle(engine.write([change]).durable);
  }
  await server.world.runFor(1_000);
  ok(engine.stats().compactions > 0 && engine.stats().logBytes > 200);
  if (wasClosed) await server.settle(engine.close(0));
  server.machine.crash();
  const names = server.machine.directory.names();
  const files = new Map(names.map((name) => [name, server.bytesOf(name)]));
  return { name: wasClosed ? 'closed cleanly' : 'not closed', files, wasClosed };
}

/** What each key holds when only the first `writes` were made. */
function stateAfter(writes: number): Map<string, string | undefined> {
  const state = new Map<string, string | undefined>();
  for (let n = 0; n < KEYS; n++) state.set(keyOf(n), undefined);
  for (let n = 1; n <= writes; n++) state.set(keyOf(n), textOf(n));
  return state;
}

/** Keys that were answered, and with what; the others were refused as they should. */
async function answers(server: TestServer, engine: Engine) {
  const found = new Map<string, string | undefined>();
  for (let n = 0; n < KEYS; n++) {
    try {
      found.set(keyOf(n), await server.settle(textAt(engine, keyOf(n))));
    } catch (error) {
      expectCode(error, ['CORRUPTION']);
    }
  }
  return found;
}

function isPartOf(found: ReadonlyMap<string, unknown>, state: ReadonlyMap<string, unknown>) {
  return [...found].every(([key, text]) => state.get(key) === text);
}

/** The number of first writes that explain what was found; undefined: nothing does. */
function explanationOf(found: ReadonlyMap<string, unknown>, fewest: number): number | undefined {
  for (let writes = WRITES; writes >= fewest; writes--) {
    if (isPartOf(found, stateAfter(writes))) return writes;
  }
  return undefined;
}

async function serverWith(files: ReadonlyMap<string, Buffer>): Promise<TestServer> {
  const server = new TestServer();
  for (const [name, bytes] of files) await server.replace(name, bytes);
  return server;
}

async function isSound(server: TestServer): Promise<boolean> {
  server.machine.crash();
  const report = await server.settle(checkDirectory(server.machine.boot()));
  return report.isSound;
}

/** Throws unless the directory with `file` as `bytes` is honest about itself. */
async function check(base: Base, file: string, bytes: Buffer): Promise<'refused' | 'opened'> {
  const server = await serverWith(new Map([...base.files, [file, bytes]]));
  const mayBeTorn = segmentNumberOf(file) !== undefined && !base.wasClosed;
  const isCalledSound = await isSound(server);
  let engine: Engine;
  try {
    engine = await server.restart(TINY);
  } catch (error) {
    expectCode(error, REFUSALS);
    ok(!isCalledSound, `doctor called it sound: ${error}`);
    return 'refused';
  }
  const found = await answers(server, engine);
  const writes = explanationOf(found, mayBeTorn ? 0 : WRITES);
  ok(writes !== undefined, `wrong or missing: ${JSON.stringify([...found])}`);
  if (isCalledSound) equal(found.size, KEYS);
  await server.world.runFor(500);
  const later = await answers(server, engine);
  ok(isPartOf(later, stateAfter(writes)), 'compaction made it wrong');
  if (found.size === KEYS) {
    const listed = (await server.settle(scanAll(engine))).map(({ key }) => key.toString());
    const living = [...stateAfter(writes)].filter(([, text]) => text !== undefined);
    deepEqual(listed.sort(), living.map(([key]) => key).sort());
  }
  return 'opened';
}

for (const wasClosed of [true, false]) {
  const base = await baseOf(wasClosed);
  const names = [...base.files.keys()];

  test(`${base.name}: nothing wrong, nothing refused`, async () => {
    const [name = ''] = names;
    equal(await check(base, name, base.files.get(name) as Buffer), 'opened');
  });

  test(`${base.name}: a mutated file costs answers, and never makes them wrong`, async () => {
    const counts = { refused: 0, opened: 0 };
    const one = fc.constantFrom(...names).chain((name) => {
      const original = base.files.get(name) as Buffer;
      const others = [...base.files.values()];
      return mutants([original, original, original, ...others]).map((bytes) => ({ name, bytes }));
    });
    const property = fc.asyncProperty(one, async ({ name, bytes }) => {
      counts[await check(base, name, bytes)] += 1;
    });
    await fc.assert(property, casesOf(800));
    ok(counts.opened > 10 && counts.refused > 10, JSON.stringify(counts));
  });
}
