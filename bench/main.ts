// npm run bench: measures Kvorum beside its rivals, in one run on one machine.
//
//   npm run bench                              all parts that take minutes
//   npm run bench -- ring                      one part
//   npm run bench -- engine --keys 10000000    a part with its options; --help lists them
//   npm run bench -- growth                    parts that take longer run when they are named
//
// Absolute figures wander with the machine; the ratios are what to quote.

import { run as antiEntropy } from './anti-entropy.ts';
import { run as engine } from './engine/engine.ts';
import { run as growth } from './engine/growth.ts';
import { run as filters } from './filters.ts';
import { run as gossip } from './gossip.ts';

import { run as outage } from './outage.ts';
import { run as overload } from './overload.ts';

import { run as redis } from './redis.ts';
import { run as restart } from './restart.ts';
import { run as ring } from './ring.ts';
import { run as slow } from './slow.ts';
import { run as versions } from './versions.ts';

type Part = (print: (line: string) => void, options: readonly string[]) => Promise<void>;

const PARTS: Readonly<Record<string, Part>> = {
  ring,
  engine,
  redis,
  filters,
  versions,
  gossip,
  'anti-entropy': antiEntropy,
  growth,
  restart,
  slow,
  outage,
  overload,
};
const LONG_PARTS: readonly string[] = ['gossip', 'growth', 'restart', 'slow', 'outage', 'overload'];

const args = process.argv.slice(2);
const firstOption = args.findIndex((arg) => arg.startsWith('-'));
const asked = firstOption < 0 ? args : args.slice(0, firstOption);
const options = firstOption < 0 ? [] : args.slice(firstOption);
const usual = Object.keys(PARTS).filter((name) => !LONG_PARTS.includes(name));

const stranger = asked.find((name) => PARTS[name] === undefined);
if (stranger !== undefined || (asked.length === 0 && options.length > 0)) {
  const what = stranger === undefined ? '' : `there is no bench "${stranger}"; `;
  console.error(`${what}npm run bench -- PART [options], of ${Object.keys(PARTS).join(', ')}`);
  process.exitCode = 2;
} else {
  for (const name of asked.length > 0 ? asked : usual) {
    console.log(`\n── ${name}`);
    await PARTS[name]?.(console.log, options);
  }
}
