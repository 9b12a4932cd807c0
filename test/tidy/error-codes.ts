// The error codes of the code and the headings of docs/errors.md are one list, and each code is
// used: a reader who meets an error finds its page, and no page describes what cannot happen.

import type { Finding, SourceFile } from './source-file.ts';
import { isTestMaterial, lineAt } from './source-file.ts';

const CODES_FILE = 'src/base/errors.ts';
const PAGE = 'docs/errors.md';

export function errorPageFindings(codes: readonly string[], page: string): Finding[] {
  const headings = [...page.matchAll(/^## ([A-Z_]+)$/gm)];
  const described = new Set(headings.map((match) => match[1]));
  const missing = codes
    .filter((code) => !described.has(code))
    .map((code) => ({ path: PAGE, line: 1, rule: `each error code has a heading: ## ${code}` }));
  const unknown = headings
    .filter((match) => !codes.includes(match[1] as string))
    .map((match) => ({
      path: PAGE,
      line: lineAt(page, match.index),
      rule: `each heading is an error code of ${CODES_FILE}: ${match[1]} is none`,
    }));
  return [...missing, ...unknown];
}

/** Used is: thrown by its name, or said in an answer that ends with the code in brackets. */
export function unusedCodeFindings(
  codes: readonly string[],
  files: readonly SourceFile[],
): Finding[] {
  const sources = files.filter(({ path }) => {
    return path.startsWith('src/') && path !== CODES_FILE && !isTestMaterial(path);
  });
  return codes
    .filter(
      (code) =>
        !sources.some(({ text }) => text.includes(`'${code}'`) || text.includes(`[${code}]`)),
    )
    .map((code) => ({ path: CODES_FILE, line: 1, rule: `each code is used in src: ${code}` }));
}
