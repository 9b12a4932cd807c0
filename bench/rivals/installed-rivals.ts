// The rivals' packages are no dependency of this project: they come when the bench is run, into
// bench/rivals/, and the bench goes on without those that cannot be had.

import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../../src/base/errors.ts';
import { type ClassicLevelModule, classicLevel } from './classic-level.ts';
import { kvorum } from './kvorum.ts';
import { type LmdbModule, lmdb } from './lmdb.ts';
import type { Rival } from './rival.ts';
import { type RocksModule, rocksdbNative } from './rocksdb-native.ts';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));
const PROGRESS_MS = 10_000;
const require = createRequire(import.meta.url);

const LOADERS: Readonly<Record<string, () => Rival>> = {
  kvorum,
  'classic-level': () => classicLevel(require('classic-level') as ClassicLevelModule),
  lmdb: () => lmdb(require('lmdb') as LmdbModule),
  'rocksdb-native': () => rocksdbNative(require('rocksdb-native') as RocksModule),
};

/** Throws when its package is missing or does not run here. */
export function rivalNamed(name: string): Rival {
  const load = LOADERS[name];
  if (load === undefined) throw new Error(`no rival is called ${name}`);
  return load();
}

/** Names of the engines that run here, ours first; installs what is missing and says so. */
export async function installedRivals(print: (line: string) => void): Promise<string[]> {
  const names = Object.keys(LOADERS);
  if (names.some((name) => problemWith(name) !== undefined)) await install(print);
  return names.filter((name) => {
    const problem = problemWith(name);
    if (problem !== undefined) print(`without ${name}: ${problem.split('\n')[0]}`);
    return problem === undefined;
  });
}

function problemWith(name: string): string | undefined {
  try {
    rivalNamed(name);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

async function install(print: (line: string) => void): Promise<void> {
  print('installing the rivals into bench/rivals, once (about 190 MB) …');
  const startedMs = Date.now();
  const seconds = () => `${Math.round((Date.now() - startedMs) / 1000)} s`;
  const ticking = setInterval(() => print(`  npm install, ${seconds()}`), PROGRESS_MS);
  const flags = ['--no-package-lock', '--no-audit', '--no-fund', '--loglevel', 'error'];
  const npm = spawn('npm', ['install', '--prefix', FOLDER, ...flags], {
    cwd: FOLDER,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  const hear = (chunk: Buffer) => {
    said += chunk.toString();
  };
  npm.stdout.on('data', hear);
  npm.stderr.on('data', hear);
  const code = await new Promise<number | null>((resolve) => {
    npm.on('error', (error) => {
      said += messageOf(error);
      resolve(1);
    });
    npm.on('close', resolve);
  });
  clearInterval(ticking);
  if (code === 0) print(`  installed in ${seconds()}`);
  else print(`npm could not install them; what it said:\n${said.trim().slice(-1500)}`);
}
