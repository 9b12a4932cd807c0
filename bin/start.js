// `npm start`: a cluster of real processes on this machine. `npm start -- --nodes 5` passes on.

import { join } from 'node:path';
import { runProgram } from './program.js';
import { ROOT } from './setup.js';

await runProgram(join(ROOT, 'src/cli/kvorum.ts'), ['dev', ...process.argv.slice(2)]);
