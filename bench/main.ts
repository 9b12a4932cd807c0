// npm run bench: measures Kvorum beside its rivals, in one run on one machine.
//
//   npm run bench               everything
//   npm run bench -- ring       one part
//
// Absolute figures wander with the machine; the ratios are what to quote.

import { run as redis } from './redis.ts';
import { run as ring } from './ring.ts';

const PARTS: Readonly<Record<string, (print: (line: string) => void) => Promise<void>>> = {
  ring,
  redis,
};

const asked = process.argv.slice(2);
for (const name of asked.length > 0 ? asked : Object.keys(PARTS)) {
  const part = PARTS[name];
  if (part === undefined) {
    console.error(`there is no bench "${name}": choose from ${Object.keys(PARTS).join(', ')}`);
    process.exitCode = 2;
    break;
  }
  console.log(`\n── ${name}`);
  await part(console.log);
}
