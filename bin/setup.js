// Whether this checkout is ready to run, answered in a few milliseconds; when it is not,
// install.js makes it so. Ready means: the packages of package-lock.json are installed (a stamp in
// node_modules holds the hash of the lock file they came from) and there is a Node.js >= 24, the
// one that the project pins through npm or else the one that runs this file.
//
// Everything in bin/ is plain JavaScript for any Node.js >= 18.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));
export const NODE_MAJOR_MIN = 24;
export const STAMP = join(ROOT, 'node_modules', '.kvorum-setup');
export const LOCK_FILE = join(ROOT, 'package-lock.json');

/** What `node_modules/.bin/node` points to. */
export const PINNED_NODE = join(
  ROOT,
  'node_modules/node/bin',
  process.platform === 'win32' ? 'node.exe' : 'node',
);

/** Resolves when the checkout is ready; prints why and exits when it cannot be made ready. */
export async function ensureSetUp() {
  if (isSetUp()) return;
  const { install } = await import('./install.js');
  await install();
}

export function isSetUp() {
  // Without a lock file this is a published package: npm has installed what it needs.
  if (!existsSync(LOCK_FILE)) return true;
  if (!existsSync(PINNED_NODE) && !isRecentNode()) return false;
  return readIfThere(STAMP) === currentStamp();
}

/** The stamp of what should be installed: the lock file, for this kind of machine. */
export function currentStamp() {
  const digest = createHash('sha256').update(readFileSync(LOCK_FILE)).digest('hex');
  return `${digest} ${process.platform}-${process.arch}\n`;
}

/** Whether the Node.js that runs this file can run Kvorum itself. */
export function isRecentNode() {
  return Number(process.versions.node.split('.')[0]) >= NODE_MAJOR_MIN;
}

/** The Node.js that runs Kvorum. */
export function runtime() {
  return existsSync(PINNED_NODE) ? PINNED_NODE : process.execPath;
}

export function readIfThere(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}
