// Keeps two set-ups of one checkout apart: `npm start` in one terminal and `npm test` in another
// must not both rebuild node_modules. The lock is a directory with the owner's process id in it,
// made aside and renamed into place, so that it never exists without its owner's name.
//
//   free → held by a living process (wait) → free
//        → held by a dead process (move it aside, try again)

import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readIfThere } from './setup.js';

const POLL_MS = 200;
// An installation over a slow line takes minutes; nobody waits longer than this for another's.
const WAIT_MS_MAX = 15 * 60 * 1000;

/** Runs `work` while holding the lock under `directory`; `onWait(pid)` is told when it waits. */
export async function withSetupLock(directory, work, onWait) {
  mkdirSync(directory, { recursive: true });
  const lock = join(directory, 'setup-lock');
  await acquire(directory, lock, onWait);
  try {
    return await work();
  } finally {
    rmSync(lock, { recursive: true, force: true });
    removeLeftovers(directory);
  }
}

async function acquire(directory, lock, onWait) {
  const giveUpAt = Date.now() + WAIT_MS_MAX;
  for (let waits = 0; !tryAcquire(directory, lock); waits++) {
    const owner = Number(readIfThere(join(lock, 'pid')));
    if (owner > 0 && !isAlive(owner)) {
      moveAside(directory, lock, owner);
      continue;
    }
    if (Date.now() > giveUpAt) {
      throw new Error(`process ${owner} has held ${lock} for too long; if it is gone, delete that`);
    }
    if (waits === 0) onWait(owner);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function tryAcquire(directory, lock) {
  const mine = mkdtempSync(join(directory, 'setup-lock-new-'));
  writeFileSync(join(mine, 'pid'), String(process.pid));
  try {
    renameSync(mine, lock); // fails when `lock` exists, because it is never empty
    return true;
  } catch (error) {
    rmSync(mine, { recursive: true, force: true });
    if (['ENOTEMPTY', 'EEXIST', 'EPERM', 'EACCES'].includes(error.code)) return false;
    throw error;
  }
}

function moveAside(directory, lock, deadPid) {
  // The target's name is the dead owner's: of several waiters one succeeds, and a late one cannot
  // move the lock of a living successor by mistake, because its target is there already.
  try {
    renameSync(lock, join(directory, `setup-lock-dead-${deadPid}`));
  } catch (error) {
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST', 'EPERM'].includes(error.code)) throw error;
  }
}

function removeLeftovers(directory) {
  for (const name of readdirSync(directory)) {
    if (!name.startsWith('setup-lock-dead-')) continue;
    rmSync(join(directory, name), { recursive: true, force: true });
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM'; // it lives, and is someone else's
  }
}
