// `node bin/run.js FILE args…`: any TypeScript file of the checkout, on the pinned Node.js.

import { resolve } from 'node:path';
import { runProgram } from './program.js';

const [file, ...args] = process.argv.slice(2);
if (file === undefined) {
  process.stderr.write('Usage: node bin/run.js FILE [argument …]\n');
  process.exit(2);
}
await runProgram(resolve(file), args);
