// Runs a TypeScript file of this checkout on a Node.js that can: in this very process when that is
// recent enough (no cost), else in a child that stands in for it.
//
// The file does its work when it is imported, and reads its arguments from process.argv.

import { existsSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ensureSetUp, isRecentNode, runtime } from './setup.js';

const CACHE = fileURLToPath(new URL('../node_modules/.cache/kvorum', import.meta.url));

export async function runProgram(file, args) {
  if (!existsSync(file)) {
    process.stderr.write(`There is no ${file}\n`);
    process.exit(2);
  }
  await ensureSetUp();
  if (isRecentNode()) {
    // Without it every start strips the types of every file anew, which takes longer than the rest.
    nodeModule.enableCompileCache(CACHE);
    process.argv = [process.execPath, file, ...args];
    await import(pathToFileURL(file).href);
    return;
  }
  const { endAs, runChild } = await import('./child.js');
  endAs(await runChild(runtime(), [file, ...args]));
}
