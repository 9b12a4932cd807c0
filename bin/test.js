// `npm test`: types, lint and format, then every test file, on the pinned Node.js.
//
//   npm test                   everything
//   npm test -- src/ring tidy  only test files with one of these words in their path
//
// Every stage runs, whatever the ones before it found, so that one run tells all. The last line is
// `N passed, N failed, N skipped`, counted by node:test; types and lint count as one each.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { runChild } from './child.js';
import { ensureSetUp, ROOT, runtime } from './setup.js';
import { testFiles, usesRealProcesses } from './test-files.js';

// Nothing that is well takes so long: a test that hangs becomes a failure with its name.
const FAST_FILE_MS_MAX = 5 * 60 * 1000;
const REAL_FILE_MS_MAX = 20 * 60 * 1000;
const PARALLEL_FILES = availableParallelism?.() ?? cpus().length;

const startedAt = Date.now();
const words = process.argv.slice(2);
await ensureSetUp();
const files = testFiles(words);
const fast = files.filter((file) => !usesRealProcesses(file));
const real = files.filter(usesRealProcesses);

const totals = { passed: 0, failed: 0, skipped: 0 };
if (words.length === 0) {
  await check('types', 'node_modules/typescript/bin/tsc', ['--noEmit']);
  await check('lint and format', 'node_modules/@biomejs/biome/bin/biome', ['check', '.']);
}
await test('tests', fast, PARALLEL_FILES, FAST_FILE_MS_MAX);
await test('tests with real processes', real, 1, REAL_FILE_MS_MAX);
finish();

async function check(name, script, args) {
  await stage(name, async () => {
    const { code } = await runNode([join(ROOT, script), ...args]);
    return code === 0 ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 };
  });
}

async function test(name, chosen, concurrency, fileMsMax) {
  if (chosen.length === 0) return;
  await stage(`${name} (${chosen.length} files)`, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'kvorum-test-'));
    const countsFile = join(directory, 'counts.json');
    const { code } = await runNode([
      '--test',
      `--import=${new URL('../test/property-seed.ts', import.meta.url).href}`,
      `--test-concurrency=${concurrency}`,
      `--test-timeout=${fileMsMax}`,
      '--test-reporter=spec',
      '--test-reporter-destination=stdout',
      `--test-reporter=${new URL('test-counts.js', import.meta.url).href}`,
      `--test-reporter-destination=${countsFile}`,
      ...chosen,
    ]);
    const counts = countsFrom(countsFile, code);
    rmSync(directory, { recursive: true, force: true });
    return counts;
  });
}

function countsFrom(file, code) {
  const line = readFileSync(file, 'utf8').trim();
  if (line === '') return { passed: 0, failed: 1, skipped: 0 }; // the runner itself fell over
  const { passed, failed, cancelled, skipped, todo } = JSON.parse(line);
  const red = failed + cancelled;
  return { passed, failed: code === 0 ? red : Math.max(red, 1), skipped: skipped + todo };
}

async function stage(name, run) {
  console.log(`\n── ${name}`);
  const stageStartedAt = Date.now();
  const counts = await run();
  for (const key of Object.keys(totals)) totals[key] += counts[key];
  const verdict = counts.failed === 0 ? 'ok' : 'FAILED';
  console.log(`── ${name}: ${verdict} (${secondsSince(stageStartedAt)} s)`);
}

function runNode(args) {
  return runChild(runtime(), args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] });
}

function finish() {
  const { passed, failed, skipped } = totals;
  if (files.length === 0) console.log(`There is no test file ${words.join(' ')}`.trim());
  console.log(`\n${secondsSince(startedAt)} s in all`);
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  process.exit(failed === 0 && files.length > 0 ? 0 : 1);
}

function secondsSince(then) {
  return ((Date.now() - then) / 1000).toFixed(1);
}
