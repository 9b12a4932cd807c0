import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CANARIES } from './canaries.ts';
import { mutantNamed } from './mutants/mutants.ts';
import { huntMutant } from './runs/mutant-hunt.ts';
import { runScenario } from './scenario.ts';

/** Each of them once broke a promise; the subject says which. */
const REGRESSIONS: [seed: number, what: string][] = [
  [8, 'a forwarded write whose frame came twice became two siblings'],
  [9, 'a log poisoned while it closes'],
  [20_011, 'who took a new incarnation believed that his disk had lost a life'],
  [10_024, 'a slot of which others had newer versions than the one that rotted never healed'],
  [94_002, 'a disk was destroyed while nodes were down that had to be refilled: a stale read'],
  [10_037, 'that a slot is full was never written down where a write of it was refused once'],
  [20_669, 'a node that a power cut made refill its slots anew was said to be well'],
];

/** Of the oracles that nothing from outside a node can provoke. */
const MUTANT_CANARIES: [name: string, caughtAs: RegExp][] = [
  ['who talks and answers nothing is well', /^not noticed:/],
  ['who takes a new incarnation believes that his disk lacks the last', /^distrustful:/],
];

const FRESH_SEEDS = 60;

for (const [seed, what] of REGRESSIONS) {
  test(`seed ${seed}: ${what}`, async () => {
    assert.deepEqual((await runScenario(seed)).findings, []);
  });
}

test('the same seed gives the same run, event by event', async () => {
  for (const seed of [1, 2, 3]) {
    const [once, twice] = [await runScenario(seed), await runScenario(seed)];
    assert.equal(once.hash, twice.hash);
  }
});

test('different seeds give different runs', async () => {
  assert.notEqual((await runScenario(1)).hash, (await runScenario(2)).hash);
});

for (const canary of CANARIES) {
  test(`canary: ${canary.name}`, async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const { findings } = await runScenario(seed, canary.options);
      if (findings.some((finding) => canary.caughtAs.test(finding))) return;
    }
    assert.fail(`40 seeds did not catch it: the oracle that says ${canary.caughtAs} is blind`);
  });
}

for (const [name, caughtAs] of MUTANT_CANARIES) {
  test(`canary: ${name}`, async () => {
    const { finding } = await huntMutant(mutantNamed(name), 1, 40);
    assert.match(finding ?? 'nothing', caughtAs, 'the oracle that says it is blind');
  });
}

test(`${FRESH_SEEDS} seeds of crashes, partitions, bad disks keep every promise`, async () => {
  let acknowledged = 0;
  for (let seed = 10_001; seed <= 10_000 + FRESH_SEEDS; seed++) {
    const report = await runScenario(seed);
    acknowledged += report.acknowledged;
    assert.deepEqual(report.findings, [], `replay: npm run sim -- --seed ${seed}`);
  }
  assert.ok(acknowledged > 50 * FRESH_SEEDS, `only ${acknowledged} writes were acknowledged`);
});
