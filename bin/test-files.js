// Which test files there are, and which pass they run in.

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './setup.js';

const FOLDERS = ['src', 'sim', 'bench', 'test'];

/** Paths from the root, sorted; those that contain one of `words`, when there are any. */
export function testFiles(words = []) {
  const files = FOLDERS.filter(isThere).flatMap(filesUnder).sort();
  const tests = files.filter((file) => file.endsWith('.test.ts'));
  if (words.length === 0) return tests;
  return tests.filter((file) => words.some((word) => file.includes(word)));
}

/** Whether the file starts real clusters, which must not compete with each other for the CPUs. */
export function usesRealProcesses(file) {
  return file.startsWith('test/') && !file.startsWith('test/tidy');
}

function filesUnder(folder) {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    return entry.isDirectory() ? filesUnder(path) : [path];
  });
}

function isThere(folder) {
  return existsSync(join(ROOT, folder));
}
