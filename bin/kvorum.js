#!/usr/bin/env node
// The command line: `npx kvorum …` or `node bin/kvorum.js …`.

import { join } from 'node:path';
import { runProgram } from './program.js';
import { ROOT } from './setup.js';

await runProgram(join(ROOT, 'src/cli/kvorum.ts'), process.argv.slice(2));
