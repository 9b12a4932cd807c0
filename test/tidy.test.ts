// The part of STYLE.md that a machine can check, one test a rule. Plain reading of files; the
// rules themselves are in test/tidy/, and tidy-canary.test.ts shows that each of them bites.

import { fail } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { test } from 'node:test';
import { ERROR_CODES } from '../src/base/errors.ts';
import * as documents from './tidy/document-rules.ts';
import { errorPageFindings, unusedCodeFindings } from './tidy/error-codes.ts';
import { layerFindings, undeclaredPackages } from './tidy/layer-rules.ts';
import { banFindings, machineFindings, purityFindings } from './tidy/purity-rules.ts';
import { isReachabilityDefined, reachabilityFindings } from './tidy/reachability.ts';
import * as sizes from './tidy/size-rules.ts';
import type { Finding } from './tidy/source-file.ts';
import { pathsUnder, ROOT, readSources } from './tidy/source-file.ts';

const FOLDERS = ['src', 'sim', 'bench', 'test', 'bin', 'docs', 'examples', 'deploy', '.ci'];
const TEXT = /\.(ts|js|mjs|json|md|ya?ml|toml|sh|py|html|css)$|^\.ci\//;

const files = readSources(FOLDERS);
const paths = [...pathsUnder('.', { isDeep: false }), ...FOLDERS.flatMap((f) => pathsUnder(f))];
const texts = paths.filter((path) => TEXT.test(path)).map((path) => ({ path, text: read(path) }));
const pages = texts.filter(({ path }) => path.endsWith('.md'));

test('imports go down, and through doors', () => expectNone(layerFindings(files)));

test('every imported package is declared', () => {
  const { dependencies, devDependencies } = JSON.parse(read('package.json'));
  const declared = new Set(Object.keys({ ...dependencies, ...devDependencies }));
  expectNone(undeclaredPackages(files, declared));
});

test('Pure files are pure', () => expectNone(purityFindings(files)));

test('the machine is reached through the host seam', () => expectNone(machineFindings(files)));

test('banned words', () => expectNone(banFindings(files)));

test('files, lines and folders keep their size', () => expectNone(sizes.sizeFindings(files)));

test('functions keep their size', () => expectNone(sizes.functionFindings(files)));

test('files open with what they are', () => expectNone(sizes.headerFindings(files)));

test('files are named by a noun', () => expectNone(sizes.nameFindings(files)));

test('nothing is left for later', () => expectNone(sizes.laterFindings(files)));

const started = isReachabilityDefined(files);
const untilStarted = started ? false : 'until there is a command line';

test('no file is dead', { skip: untilStarted }, () => expectNone(reachabilityFindings(files)));

test('every error code has its page, and every page its code', () => {
  expectNone(errorPageFindings(ERROR_CODES, read('docs/errors.md')));
});

test('every error code is used', { skip: untilStarted }, () => {
  expectNone(unusedCodeFindings(ERROR_CODES, files));
});

const untilWritten = paths.includes('ARCHITECTURE.md') ? false : 'until the pages are written';

test('the pages that a newcomer looks for exist', { skip: untilWritten }, () => {
  expectNone(documents.missingDocuments(paths));
});

test('a page has one title', () => expectNone(documents.titleFindings(pages)));

test('links lead somewhere', () => {
  const folders = paths.flatMap((path) => ancestors(path));
  expectNone(documents.linkFindings(pages, new Set([...paths, ...folders])));
});

test('nothing names a place of one machine', () => expectNone(documents.placeFindings(texts)));

function read(path: string): string {
  return readFileSync(`${ROOT}/${path}`, 'utf8');
}

function ancestors(path: string): string[] {
  const parent = posix.dirname(path);
  return parent === '.' ? [] : [parent, ...ancestors(parent)];
}

function expectNone(findings: readonly Finding[]): void {
  if (findings.length === 0) return;
  const lines = findings.map(({ path, line, rule }) => `  ${path}:${line}: ${rule}`);
  fail(`${findings.length} findings\n${lines.join('\n')}`);
}
