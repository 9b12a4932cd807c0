// npm run bench: measures Kvorum beside its rivals, in one run on one machine.
//
//   npm run bench                              everything
//   npm run bench -- ring                      one part
//   npm run bench -- engine --keys 10000000    a part with its options
//
// Absolute figures wander with the machine; the ratios are what to quote.

import { run as engine } from './engine.ts';
import { run as filters } from './filters.ts';
import { run as redis } from './redis.ts';
import { run as ring } from './ring.ts';

type Part = (print: (line: string) => void, options: readonly string[]) => Promise<void>;

const PARTS: Readonly<Record<string, Part>> = {
  ring,
  engine,
  redis,
  filters,
};

const args = process.argv.slice(2);
const firstOption = args.findIndex((arg) => arg.startsWith('-'));
const asked = firstOption < 0 ? args : args.slice(0, firstOption);
const options = firstOption < 0 ? [] : args.slice(firstOption);
for (const name of asked.length > 0 ? asked : Object.keys(PARTS)) {
  const part = PARTS[name];
  if (part === undefined) {
    console.error(`there is no bench "${name}": choose from ${Object.keys(PARTS).join(', ')}`);
    process.exitCode = 2;
    break;
  }
  console.log(`\n── ${name}`);
  await part(console.log, options);
}
