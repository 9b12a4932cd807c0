// docs/figures.md: every run of a bench with --write replaces its own section of that page, so
// that no figure there was ever typed by hand. A section stands between two comments:
//
//   <!-- begin engine 1000000 -->
//   ## Its title … what was run, when and where … the tables as they were printed
//   <!-- end -->

import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { loadNow, machineLine } from './machine.ts';

const PAGE = fileURLToPath(new URL('../docs/figures.md', import.meta.url));
const END = '<!-- end -->';
const BUSY = 'The machine was busy with other work: times are several times what they are alone.';

export interface Section {
  /** What it takes the place of: the same measurement at whatever size. */
  readonly name: string;
  readonly title: string;
  /** What stands behind `npm run`, with the options that matter. */
  readonly command: string;
  readonly lines: readonly string[];
  /** Before the tables: a picture, a remark. */
  readonly preface?: string;
}

/** The load of the machine when the run began, for whoever reads its figures. */
export class FiguresPage {
  readonly #loadBefore = loadNow();

  write(section: Section): void {
    const page = readFileSync(PAGE, 'utf8');
    writeFileSync(PAGE, withSection(page, section.name, this.#textOf(section)));
  }

  #textOf({ title, command, lines, preface }: Section): string {
    const load = `load average ${this.#loadBefore} before, ${loadNow()} after`;
    const isBusy = Number(this.#loadBefore) > availableParallelism();
    return [
      `## ${title}`,
      '',
      `\`npm run ${command}\`, ${new Date().toISOString().slice(0, 10)}, ${load}.`,
      `${machineLine()}.`,
      ...(isBusy ? [BUSY] : []),
      '',
      ...(preface === undefined ? [] : [preface, '']),
      '```',
      ...lines.map((line) => line.trimEnd()),
      '```',
    ].join('\n');
  }
}

/** `page` with the section of that name replaced, or added at its end. */
export function withSection(page: string, name: string, text: string): string {
  const start = `<!-- begin ${name} -->`;
  const section = `${start}\n${text}\n${END}`;
  const from = page.indexOf(start);
  if (from < 0) return `${page.trimEnd()}\n\n${section}\n`;
  const to = page.indexOf(END, from) + END.length;
  return page.slice(0, from) + section + page.slice(to);
}
