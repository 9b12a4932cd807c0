// What a command prints: data on standard output, everything else on standard error. Colour only
// on a terminal, and never with NO_COLOR; `--json` turns data and errors into one line each.

import { styleText } from 'node:util';
import { KvorumError, messageOf } from '../base/errors.ts';

type Style = Parameters<typeof styleText>[0];

export function printData(text: string | Buffer): void {
  process.stdout.write(text);
}

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** For people: hints, progress, what to do next. */
export function printNote(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** `stream` decides whether there is colour: it respects NO_COLOR, FORCE_COLOR and pipes. */
export function styled(style: Style, text: string, stream: NodeJS.WriteStream): string {
  return styleText(style, text, { stream });
}

export function printError(error: unknown, asJson: boolean): void {
  const text = asJson ? JSON.stringify({ error: errorFields(error) }) : errorText(error);
  process.stderr.write(`${text}\n`);
}

/** The fields of an error in `--json` and over HTTP. */
export function errorFields(error: unknown): Record<string, string | undefined> {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : undefined;
  const why = cause === undefined ? undefined : messageOf(cause);
  if (!(error instanceof KvorumError))
    return { code: 'BUG', message: messageOf(error), cause: why };
  const { code, message, fix } = error;
  return { code, message, cause: why, fix, docs: docsOf(code) };
}

function errorText(error: unknown): string {
  if (!(error instanceof KvorumError)) {
    const stack = error instanceof Error ? error.stack : messageOf(error);
    return `kvorum: a bug, please report it: ${stack}`;
  }
  const { code, message, cause, fix, docs } = errorFields(error);
  const lines = [`${styled(['red', 'bold'], 'error', process.stderr)} ${code}: ${message}`];
  if (cause !== undefined && !message?.includes(cause)) lines.push(`  why:  ${cause}`);
  lines.push(`  fix:  ${fix}`, `  more: ${docs}`);
  return lines.join('\n');
}

function docsOf(code: string): string {
  return `docs/errors.md#${code.toLowerCase()}`;
}
