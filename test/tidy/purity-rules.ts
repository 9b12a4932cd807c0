// What code may not say. Files that promise `Pure:` are held to it; the core reaches the machine
// only through the host seam, so that a seed replays everything; and some words are banned
// everywhere, because each has cost other projects more than it gave them.

import type { Finding, SourceFile } from './source-file.ts';
import { isTestMaterial, matches } from './source-file.ts';

export const PURE_LINE = '// Pure: no clock, no disk, no network; dice are an argument.';

const PURE_FOLDERS = /^src\/(causality|ring|membership)\//;
const EDGES = /^src\/(client|host|server|cli)\//;
const DETERMINISTIC = /^sim\/(?!main\.ts)/;

/** A name of the language or its environment, not a property or a part of a longer word. */
function word(names: string): RegExp {
  return new RegExp(`(?<![.#\\w$])(?:${names})\\b`, 'g');
}

const IMPURE = word(
  'async|await|Promise|Date|Math\\.random|performance|process|setTimeout|setInterval|' +
    'setImmediate|queueMicrotask|crypto|fetch|globalThis',
);
const MACHINE = word(
  'Date\\.now|new\\s+Date|performance\\.|Math\\.random|setTimeout|setInterval|setImmediate|' +
    'process\\.|crypto|fetch|globalThis',
);
const REAL_TIME_AND_DICE = word('Date\\.now|new\\s+Date|performance\\.|Math\\.random|crypto');

interface Ban {
  readonly pattern: RegExp;
  readonly rule: string;
  /** Files in which it holds; all of src without it. */
  readonly where?: RegExp;
}

const BANS_IN_CODE: readonly Ban[] = [
  {
    pattern: /(?<![.\w$])any\b(?!\s*[(?:])/g,
    rule: 'no `any`: say what it is, or `unknown`',
  },
  { pattern: /^\s*(export\s+)?(declare\s+)?(const\s+)?enum\s+\w/gm, rule: 'no enum: use a union' },
  {
    pattern: /^\s*(export\s+)?(declare\s+)?namespace\s+\w/gm,
    rule: 'no namespace: a file is one already',
  },
  { pattern: /\bexport\s+default\b/g, rule: 'no default export: a thing has one name everywhere' },
  { pattern: /\bexport\s+\*/g, rule: 'no `export *`: the reader must see where a name comes from' },
  {
    pattern: word('EventEmitter'),
    rule: 'no EventEmitter between our own parts: call or return',
    where: /^src\/(?!host\/|server\/)/,
  },
  {
    pattern: word('console'),
    rule: 'no console: log through the host, print through process.stdout in cli/',
  },
  {
    pattern: word('Math\\.random'),
    rule: 'no Math.random: dice come from the host, or from node:crypto at the edges',
    where: /^src\/(server|cli|host)\//,
  },
];

const BANS_IN_COMMENTS: readonly Ban[] = [
  { pattern: /@ts-(ignore|nocheck)/g, rule: 'no @ts-ignore: fix the type' },
  { pattern: /eslint-disable/g, rule: 'no eslint-disable: this project uses Biome' },
  {
    pattern: /biome-ignore(?!(-\w+)?\s+\S+:\s*\S.{7})/g,
    rule: 'a biome-ignore gives its reason after the colon',
  },
];

export function purityFindings(files: readonly SourceFile[]): Finding[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  return files
    .filter((file) => file.path.startsWith('src/'))
    .flatMap((file) => {
      if (isPure(file)) return impurities(file, byPath);
      if (!PURE_FOLDERS.test(file.path) || isTestMaterial(file.path)) return [];
      return [{ path: file.path, line: 1, rule: `everything in this folder says "${PURE_LINE}"` }];
    });
}

function impurities(file: SourceFile, byPath: ReadonlyMap<string, SourceFile>): Finding[] {
  const words = matches(file, file.code, IMPURE, 'a Pure file uses no clock, promise or machine');
  const imports = file.imports
    .filter((imported) => !isPureImport(imported.path, imported.isTypeOnly, byPath))
    .map(({ line, specifier }) => ({
      path: file.path,
      line,
      rule: `a Pure file imports Pure files, base/ and types: not ${specifier}`,
    }));
  return [...words, ...imports];
}

function isPureImport(
  path: string | undefined,
  isTypeOnly: boolean,
  byPath: ReadonlyMap<string, SourceFile>,
): boolean {
  if (path === undefined || path.startsWith('src/host/')) return false;
  if (isTypeOnly || path.startsWith('src/base/')) return true;
  const target = byPath.get(path);
  return target !== undefined && isPure(target);
}

function isPure(file: SourceFile): boolean {
  return file.text.includes(`${PURE_LINE}\n`);
}

export function machineFindings(files: readonly SourceFile[]): Finding[] {
  return files
    .filter(({ path }) => !isTestMaterial(path))
    .flatMap((file) => {
      if (DETERMINISTIC.test(file.path)) {
        return matches(
          file,
          file.code,
          REAL_TIME_AND_DICE,
          'the simulator runs from its seed alone',
        );
      }
      if (!file.path.startsWith('src/') || EDGES.test(file.path)) return [];
      return matches(file, file.code, MACHINE, 'the core reaches the machine through host/host.ts');
    });
}

export function banFindings(files: readonly SourceFile[]): Finding[] {
  const sources = files.filter((file) => file.path.startsWith('src/'));
  return sources.flatMap((file) => [
    ...bansIn(file, file.code, isTestMaterial(file.path) ? [] : BANS_IN_CODE),
    ...bansIn(file, file.comments, BANS_IN_COMMENTS),
  ]);
}

function bansIn(file: SourceFile, text: string, bans: readonly Ban[]): Finding[] {
  return bans
    .filter(({ where }) => where === undefined || where.test(file.path))
    .flatMap(({ pattern, rule }) => matches(file, text, pattern, rule));
}
