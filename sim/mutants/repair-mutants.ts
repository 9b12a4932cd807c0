// Bugs in what brings copies level and forgets what is dead: hints, anti-entropy, reaping, flushes.

import { manyKeys } from '../shared-keys.ts';
import type { Mutant } from './mutant.ts';

export const REPAIR_MUTANTS: readonly Mutant[] = [
  {
    name: 'a node on an empty disk votes before it is refilled',
    file: 'src/replication/read/read-quorum.ts',
    text: 'this.#refilling = [...this.#refilling, member];',
    becomes: '',
    weather: ['hasLostDisks', 'hasPartitions'],
    load: { operations: [150, 200], thinkMs: [20, 80] },
  },
  {
    name: 'hints are forgotten in a restart',
    file: 'src/replication/hints/hint-book.ts',
    text: 'for await (const hint of this.all()) this.#count(hint);',
    becomes: '',
  },
  {
    name: 'a hint names the wrong node',
    file: 'src/replication/hints/hint-book.ts',
    text: 'const hint = { target, at, sinceMs: this.#clock.wallMs() };',
    becomes: 'const hint = { target: target + 1, at, sinceMs: this.#clock.wallMs() };',
  },
  {
    name: 'a fallback keeps the copy and no hint',
    file: 'src/replication/copy-writer.ts',
    text: 'const missing = lacking.filter(isMissing);',
    becomes: 'const missing = lacking.filter((each) => isMissing(each) && false);',
  },
  {
    name: 'a hint is taken away though its target did not answer',
    file: 'src/replication/hints/hint-delivery.ts',
    text: 'if (isKept) await replica.delivered(hint, answer.context, this.#others',
    becomes:
      "const { decodeObject } = await import('../../causality/object-format.ts');\n" +
      '      const { context } = isKept ? answer : decodeObject(object);\n' +
      '      if (context) await replica.delivered(hint, context, this.#others',
    weather: ['hasFullDisks'],
    nodes: 5,
  },
  {
    name: 'a copy for two goes when one has it',
    file: 'src/replication/replica.ts',
    text: 'const isKept = others === undefined || (await this.#isLacking(others, at));',
    becomes: 'const isKept = others === undefined;',
    weather: ['hasPowerCuts', 'hasCrashes'],
    nodes: 5,
  },
  {
    name: 'a copy for others is never taken away',
    file: 'src/replication/replica.ts',
    text: 'const isKept = others === undefined || (await this.#isLacking(others, at));',
    becomes: 'const isKept = true;',
  },
  {
    name: 'who stood in and forgot goes on under the same name',
    file: 'src/replication/own-actor.ts',
    text: 'if (context.some(({ actor }) => actor === this.#actor)) await this.renewed();',
    becomes: '',
    weather: ['hasIslands'],
    nodes: 5,
    load: { operations: [150, 200], thinkMs: [20, 50], keys: manyKeys(60) },
  },
  {
    name: 'anti-entropy skips every second bucket',
    file: 'src/replication/anti-entropy/tree-shape.ts',
    text: 'if (!isSame) yield at / DIGEST_BYTES;',
    becomes: 'if (!isSame && at % 16 === 0) yield at / DIGEST_BYTES;',
  },
  {
    name: 'a write does not change the digest of its slot',
    file: 'src/replication/copy-change.ts',
    text: 'const digest = digestChange(digestSeed, at, before.context, after.context);',
    becomes: 'const digest = digestChange(digestSeed, at, after.context, after.context);',
  },
  {
    name: 'a slot that differed once is taken for alike',
    file: 'src/replication/anti-entropy/comparison.ts',
    text: 'if (repaired?.keys === 0) this.#alike',
    becomes: 'if (repaired !== undefined) this.#alike',
    weather: ['hasFullDisks'],
    load: { operations: [300, 400], thinkMs: [5, 20], keys: manyKeys(200), lookChance: 0.005 },
  },
  {
    name: 'the count of a slot grows with every write',
    file: 'src/replication/copy-change.ts',
    text: 'const growth = (liveCount(after) - liveCount(before)) as Growth;',
    becomes: 'const growth = liveCount(after) as Growth;',
  },
  {
    name: 'a tombstone is erased though no floor covers it',
    file: 'src/replication/reaping/floor.ts',
    text: 'return deadFrom(object) <= nowMs && isUnder(object.context, floor);',
    becomes: 'return deadFrom(object) <= nowMs;',
    weather: ['hasSlowNetwork', 'hasClogs'],
    load: { operations: [100, 150], thinkMs: [10, 60] },
  },
  {
    name: 'a floor is raised over keys that were not brought level',
    file: 'src/replication/reaping/reap-round.ts',
    text: 'if (opened === undefined || !(await this.#level(opened))) return false;',
    becomes: 'if (opened === undefined) return false;',
  },
  {
    name: 'a floor is raised beyond what its primaries had counted',
    file: 'src/replication/reaping/floor.ts',
    text: '({ last }): VectorEntry => ({ ...last, isClosed: true })',
    becomes: '({ last }): VectorEntry => ({ ...last, counter: last.counter + 5, isClosed: true })',
  },
  {
    name: 'floors are forgotten in a restart',
    file: 'src/replication/reaping/floor-book.ts',
    text: '  load(at: SlotAt, floor: VersionVector): void {\n',
    becomes: '  load(at: SlotAt, floor: VersionVector): void {\n    if (at.slot >= 0) return;\n',
  },
  {
    name: 'the marks of dead slots are forgotten in a restart',
    file: 'src/replication/reaping/dead-slots.ts',
    text: '    this.#add(at, sinceMs, 0);\n',
    becomes: '    if (sinceMs < 0) this.#add(at, sinceMs, 0);\n',
  },
  {
    name: 'a flush raises no floor',
    file: 'src/replication/reaping/flush-member.ts',
    text: 'await floors.raiseKeyspace(keyspace, floor, replica.time);',
    becomes: '',
  },
  {
    name: 'a flush leaves what was written beside it',
    file: 'src/replication/reaping/flush-member.ts',
    text: 'for (const slot of touched) await this.#flushKeys(keyspace, slot);',
    becomes: '',
    weather: [],
    load: { flushChance: 0.1 },
  },
];
