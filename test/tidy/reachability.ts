// No dead file: every file of src is imported, directly or not, from something that a user starts.
// Tests keep only test material alive: contract suites, and stand-ins made for tests.

import type { Finding, SourceFile } from './source-file.ts';
import { isTest, isTestMaterial } from './source-file.ts';

const ENTRIES = ['src/cli/kvorum.ts', 'sim/main.ts', 'bench/main.ts'];
const ENTRY_FOLDERS = ['src/client/', 'examples/'];

/** The rule holds from the day on which there is something to start. */
export function isReachabilityDefined(files: readonly SourceFile[]): boolean {
  return files.some(({ path }) => path === ENTRIES[0]);
}

export function reachabilityFindings(files: readonly SourceFile[]): Finding[] {
  const shipped = reachable(files, ({ path }) => isEntry(path));
  const tested = reachable(files, ({ path }) => isTest(path));
  return files
    .filter(({ path }) => path.startsWith('src/') && !isTest(path))
    .filter(({ path }) => !(isTestMaterial(path) ? tested : shipped).has(path))
    .map(({ path }) => ({ path, line: 1, rule: 'every file is imported by something that runs' }));
}

function isEntry(path: string): boolean {
  if (isTestMaterial(path)) return false;
  return ENTRIES.includes(path) || ENTRY_FOLDERS.some((folder) => path.startsWith(folder));
}

function reachable(
  files: readonly SourceFile[],
  isStart: (file: SourceFile) => boolean,
): ReadonlySet<string> {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const seen = new Set<string>();
  const open = files.filter(isStart);
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (seen.has(file.path)) continue;
    seen.add(file.path);
    for (const { path } of file.imports) {
      const next = path === undefined ? undefined : byPath.get(path);
      if (next !== undefined) open.push(next);
    }
  }
  return seen;
}
