// Documents: the ones that a newcomer looks for exist, each has one title, their relative links
// lead somewhere, and nothing that is committed names a place that only one machine has.

import { posix } from 'node:path';
import type { Finding } from './source-file.ts';
import { lineAt } from './source-file.ts';

export interface Document {
  /** From the root of the project. */
  readonly path: string;
  readonly text: string;
}

export const EXPECTED_DOCUMENTS = [
  'README.md',
  'ARCHITECTURE.md',
  'STYLE.md',
  'CHANGELOG.md',
  'docs/formats.md',
  'docs/errors.md',
] as const;

const LINK = /\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)/g;
const TITLE = /^# .+/gm;
/** A registry, a lock file's pointer to one, or a directory of the machine it was written on. */
const PLACES = /registry\.npm|"resolved":\s*"http|(?<![\w.~/-])\/(?:work|root|home\/\w+)\//g;

export function missingDocuments(paths: readonly string[]): Finding[] {
  return EXPECTED_DOCUMENTS.filter((path) => !paths.includes(path)).map((path) => {
    return { path, line: 1, rule: 'this page exists' };
  });
}

export function titleFindings(documents: readonly Document[]): Finding[] {
  return documents.flatMap(({ path, text }) => {
    const titles = [...prose(text).matchAll(TITLE)];
    if (titles.length === 1) return [];
    const line = titles[1] === undefined ? 1 : lineAt(text, titles[1].index);
    return [{ path, line, rule: `a page has one title (# …), not ${titles.length}` }];
  });
}

/** `paths`: every file and folder of the project. */
export function linkFindings(
  documents: readonly Document[],
  paths: ReadonlySet<string>,
): Finding[] {
  const byPath = new Map(documents.map((document) => [document.path, document]));
  return documents.flatMap(({ path, text }) =>
    [...prose(text).matchAll(LINK)].flatMap((match) => {
      const link = match[1] as string;
      if (/^[a-z]+:/.test(link) || leadsSomewhere(path, link, paths, byPath)) return [];
      return [{ path, line: lineAt(text, match.index), rule: `a link leads somewhere: ${link}` }];
    }),
  );
}

function leadsSomewhere(
  from: string,
  link: string,
  paths: ReadonlySet<string>,
  byPath: ReadonlyMap<string, Document>,
): boolean {
  const [file, anchor] = link.split('#') as [string, string | undefined];
  const target = file === '' ? from : posix.join(posix.dirname(from), file).replace(/\/$/, '');
  if (!paths.has(target)) return false;
  const document = byPath.get(target);
  return anchor === undefined || document === undefined || anchors(document.text).has(anchor);
}

/** The anchors that code hosts give to headings. */
function anchors(text: string): Set<string> {
  const headings = [...withoutFences(text).matchAll(/^#{1,6} (.+)$/gm)];
  return new Set(
    headings.map((match) => {
      const words = (match[1] as string).toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, '');
      return words.trim().replaceAll(' ', '-');
    }),
  );
}

export function placeFindings(documents: readonly Document[]): Finding[] {
  return documents.flatMap(({ path, text }) =>
    [...text.matchAll(PLACES)].map((match) => ({
      path,
      line: lineAt(text, match.index),
      rule: `no registry and no path of one machine is named: ${match[0]}`,
    })),
  );
}

/** The page without its code: what stands in a fence or in backticks is no link and no title. */
function prose(text: string): string {
  return withoutFences(text).replace(/`[^`\n]+`/g, blank);
}

function withoutFences(text: string): string {
  return text.replace(/^(```|~~~)[\s\S]*?^\1/gm, blank);
}

function blank(code: string): string {
  return code.replace(/[^\n]/g, ' ');
}
