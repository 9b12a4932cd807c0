// What a run of big-load.ts found, for people; and what of it should not be so.

import type { BigLoadFigures, BigLoadOptions } from './big-load.ts';
import type { Verdict } from './bulk-load.ts';

const MB = 1e6;

/** What should not be so; `peakBytesMax`: of each process. */
export function mistakesOf(
  { verdicts, peakBytes, kill }: BigLoadFigures,
  keys: number,
  peakBytesMax: number,
): string[] {
  const unread = verdicts.flatMap(({ right, examples }, node) =>
    right === keys ? [] : [`through n${node + 1} ${right} of ${keys} are right: ${examples}`],
  );
  const large = peakBytes.flatMap((bytes, node) =>
    bytes > peakBytesMax ? [`n${node + 1} had ${megabytes(bytes)} resident`] : [],
  );
  return [...unread, ...large, ...kill.damage];
}

export function linesOf(figures: BigLoadFigures, options: BigLoadOptions): string[] {
  const { kill, verdicts, restartMs, errors } = figures;
  const keys = options.keys.toLocaleString('en');
  const killedAt = `n2 after ${kill.keysBefore.toLocaleString('en')} keys`;
  const found = `${kill.halfWrittenTables} half-written tables, ${kill.damage.length} damaged`;
  const [underLoad, atTheEnd] = restartMs.map((ms) => `${(ms / 1000).toFixed(2)} s`);
  const each = (values: readonly number[]) => values.map(megabytes).join(', ');
  const { flushes, compactions } = figures;
  return [
    `${keys} keys with values of ${options.valueBytes} bytes on three nodes, N=3 R=2 W=2`,
    `written     ${rate(figures.writesPerSecond)}; refused or broken: ${JSON.stringify(errors)}`,
    `killed      ${killedAt}, in the middle of a compaction (attempt ${kill.kills}): ${found}`,
    `restarted   ready after ${underLoad} under load, after ${atTheEnd} with everything`,
    `verified    ${rate(figures.readsPerSecond)}, through one node after the other`,
    `            ${verdictOf(verdicts)}`,
    `memory      at most ${each(figures.peakBytes)} resident`,
    `disk        ${each(figures.diskBytes)}`,
    `tables      ${flushes.join(', ')} flushes, ${compactions.join(', ')} compactions`,
    '            (of n2 since it was back)',
  ];
}

function verdictOf(verdicts: readonly Verdict[]): string {
  const kinds = ['right', 'wrong', 'missing', 'unanswered'] as const;
  const counts = kinds.map((kind) => {
    const count = verdicts.reduce((sum, verdict) => sum + verdict[kind], 0);
    return `${count.toLocaleString('en')} ${kind}`;
  });
  return counts.join(', ');
}

function rate(perSecond: number): string {
  return `${Math.round(perSecond).toLocaleString('en')} a second`;
}

function megabytes(bytes: number): string {
  return `${(bytes / MB).toFixed(0)} MB`;
}
