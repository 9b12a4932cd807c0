// One source file as the rules see it: its text, its code without comments and literals, and what
// it imports. A rule is a function from files to findings, so that a canary can hand it a file
// that never was on a disk.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { strippedText } from './stripped-text.ts';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

export interface SourceFile {
  /** From the root of the project: `src/ring/slot.ts`. */
  readonly path: string;
  readonly text: string;
  readonly code: string;
  readonly comments: string;
  readonly imports: readonly Import[];
}

export interface Import {
  readonly line: number;
  readonly specifier: string;
  /** The path from the root where the specifier is relative. */
  readonly path: string | undefined;
  /** `import type`: gone at run time. */
  readonly isTypeOnly: boolean;
}

export interface Finding {
  readonly path: string;
  readonly line: number;
  /** The rule that was broken, in one sentence. */
  readonly rule: string;
}

const IMPORT = /\b(?:import|export)\s(type\s)?[^;'"]*?\bfrom\s*['"]([^'"\n]+)['"]/g;
/** `import 'x'` and `import('x')`. */
const BARE_IMPORT = /\bimport\s*\(?\s*()['"]([^'"\n]+)['"]/g;
/** How a worker thread's file is named: it is loaded like an import. */
const WORKER_URL = /\bnew URL\(\s*()['"](\.[^'"\n]+\.ts)['"],\s*import\.meta\.url/g;

export function sourceFile(path: string, text: string): SourceFile {
  const { code, comments } = strippedText(text);
  return { path, text, code, comments, imports: importsOf(path, text, code) };
}

/** Every file under the folder with one of these endings, in the order of paths. */
export function readSources(folders: readonly string[]): SourceFile[] {
  const paths = folders.flatMap((folder) => pathsUnder(folder)).filter(isSource);
  return paths.map((path) => sourceFile(path, readFileSync(`${ROOT}/${path}`, 'utf8')));
}

/** Paths of all files under `folder`, from the root, sorted; none when there is no such folder. */
export function pathsUnder(folder: string, { isDeep = true } = {}): string[] {
  if (!existsSync(`${ROOT}/${folder}`)) return [];
  const entries = readdirSync(`${ROOT}/${folder}`, { withFileTypes: true, recursive: isDeep });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => posix.join(posix.relative(ROOT, entry.parentPath), entry.name))
    .filter((path) => !path.includes('node_modules/')) // of bench/rivals
    .sort();
}

export function isTest(path: string): boolean {
  return path.endsWith('.test.ts');
}

/** Tests, contract suites and what exists only for them: `test-store.ts`, `memory-disk.ts`. */
export function isTestMaterial(path: string): boolean {
  return /\.(test|contract)\.ts$|\/(test|memory)-[^/]+\.ts$/.test(path);
}

export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) line++;
  return line;
}

/** A finding for every match of `pattern` (with the g flag) in `text`, which is `file`'s. */
export function matches(file: SourceFile, text: string, pattern: RegExp, rule: string): Finding[] {
  return [...text.matchAll(pattern)].map((match) => ({
    path: file.path,
    line: lineAt(text, match.index),
    rule,
  }));
}

function isSource(path: string): boolean {
  return /\.(ts|js)$/.test(path);
}

function importsOf(path: string, text: string, code: string): Import[] {
  const found = [IMPORT, BARE_IMPORT, WORKER_URL].flatMap((form) => [...text.matchAll(form)]);
  return found
    .filter((match) => code[match.index] !== ' ') // not within a comment or a string
    .map((match) => {
      const specifier = match[2] as string;
      return {
        line: lineAt(text, match.index),
        specifier,
        path: specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : undefined,
        isTypeOnly: match[1]?.startsWith('type') === true,
      };
    });
}
