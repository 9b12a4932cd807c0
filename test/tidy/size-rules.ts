// The limits that keep files readable: sizes of files, functions, lines and folders, a header that
// says what a file is, names that say what is in it, and nothing left for later.

import { posix } from 'node:path';
import { functionSizes } from './function-sizes.ts';
import type { Finding, SourceFile } from './source-file.ts';
import { isTest, isTestMaterial, lineAt, matches } from './source-file.ts';

export const LIMITS = {
  fileLines: 400,
  testFileLines: 600,
  functionLines: 60,
  columns: 100,
  headerLines: 40,
  /** Tests are not counted: they stand beside their files. */
  folderFiles: 24,
} as const;

const LATER = /\b(TODO|FIXME|XXX)\b/g;
const KEBAB = /^[a-z0-9]+(-[a-z0-9]+)*(\.test|\.contract)?\.(ts|js)$/;
/** These say nothing anywhere in a name; the second list only where it is the whole name. */
const EMPTY_WORDS = new Set(['util', 'utils', 'helper', 'helpers', 'manager', 'service', 'impl']);
const EMPTY_NAMES = new Set(['common', 'types', 'index', 'misc', 'shared', 'lib']);

export function sizeFindings(files: readonly SourceFile[]): Finding[] {
  return [...files.flatMap(fileSize), ...files.flatMap(columns), ...folderSizes(files)];
}

function fileSize(file: SourceFile): Finding[] {
  const lines = file.text.trimEnd().split('\n').length;
  const most = isTest(file.path) ? LIMITS.testFileLines : LIMITS.fileLines;
  if (lines <= most) return [];
  return [
    { path: file.path, line: most + 1, rule: `a file has at most ${most} lines, not ${lines}` },
  ];
}

function columns(file: SourceFile): Finding[] {
  return file.text.split('\n').flatMap((text, index) => {
    const width = [...text].length;
    if (width <= LIMITS.columns || /https?:\/\//.test(text)) return [];
    const rule = `a line has at most ${LIMITS.columns} columns, not ${width}`;
    return [{ path: file.path, line: index + 1, rule }];
  });
}

function folderSizes(files: readonly SourceFile[]): Finding[] {
  const shipped = files.filter((file) => !isTestMaterial(file.path));
  const folders = Map.groupBy(shipped, (file) => posix.dirname(file.path));
  return [...folders].flatMap(([folder, inside]) => {
    if (inside.length <= LIMITS.folderFiles) return [];
    const rule = `a folder has at most ${LIMITS.folderFiles} source files, not ${inside.length}`;
    return [{ path: folder, line: 1, rule }];
  });
}

/** A function that only lists tests (a suite) may be as long as its list. */
export function functionFindings(files: readonly SourceFile[]): Finding[] {
  return files.flatMap((file) =>
    functionSizes(file.code)
      .filter(({ lines }) => lines > LIMITS.functionLines)
      .filter(({ body }) => !(isTestMaterial(file.path) && /\b(test|it|describe)\(/.test(body)))
      .map(({ name, at, lines }) => ({
        path: file.path,
        line: lineAt(file.text, at),
        rule: `a function has at most ${LIMITS.functionLines} lines; ${name} has ${lines}`,
      })),
  );
}

export function headerFindings(files: readonly SourceFile[]): Finding[] {
  return files.flatMap((file) => {
    if (isTest(file.path)) return []; // the file that it tests says what it is about
    const lines = headerLines(file.text);
    if (lines >= 1 && lines <= LIMITS.headerLines) return [];
    const rule = `a file opens with what it is, in 1 to ${LIMITS.headerLines} lines, not ${lines}`;
    return [{ path: file.path, line: 1, rule }];
  });
}

function headerLines(text: string): number {
  const lines = text.split('\n');
  const first = lines[0]?.startsWith('#!') ? 1 : 0;
  const end = lines.findIndex((line, index) => index >= first && !line.startsWith('//'));
  return (end < 0 ? lines.length : end) - first;
}

export function nameFindings(files: readonly SourceFile[]): Finding[] {
  return files.flatMap(({ path }) => {
    const name = posix.basename(path);
    const noun = name.replace(/(\.test|\.contract)?\.(ts|js)$/, '');
    if (!KEBAB.test(name)) return [{ path, line: 1, rule: 'a file name is kebab-case' }];
    const isEmpty = EMPTY_NAMES.has(noun) || noun.split('-').some((word) => EMPTY_WORDS.has(word));
    return isEmpty ? [{ path, line: 1, rule: `"${noun}" does not say what is in the file` }] : [];
  });
}

export function laterFindings(files: readonly SourceFile[]): Finding[] {
  return files.flatMap((file) =>
    matches(file, file.comments, LATER, 'nothing is left for later: do it, or open an issue'),
  );
}
