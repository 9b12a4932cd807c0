// Makes a checkout ready: `npm ci` once per lock file, with progress, and with a clear word when
// it fails. Loaded only when setup.js finds something missing.
//
//   1 wait for another set-up, if one is running
//   2 packages that were installed by hand from this very lock file are taken as they are
//   3 npm ci
//   4 is there a Node.js >= 24 now?
//   5 write the stamp, so that next time nothing of this is done

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { endAs, runChild } from './child.js';
import { explain } from './install-trouble.js';
import { showProgress } from './progress.js';
import * as setup from './setup.js';
import { withSetupLock } from './setup-lock.js';

const OUTPUT_CHARS_MAX = 64 * 1024;

export async function install() {
  const onWait = (pid) => say(`Waiting for the set-up that process ${pid} is doing …`);
  try {
    await withSetupLock(join(setup.ROOT, '.kvorum'), installHere, onWait);
  } catch (error) {
    say(`\nKvorum could not set itself up: ${error.message}`);
    process.exit(1);
  }
}

async function installHere() {
  if (setup.isSetUp()) return; // the other one did it
  if (!isInstalledByHand()) await npmCi();
  requireRuntime();
  writeFileSync(setup.STAMP, setup.currentStamp());
}

/** Whether node_modules holds exactly what the lock file says, by npm's own record. */
function isInstalledByHand() {
  const record = setup.readIfThere(join(setup.ROOT, 'node_modules', '.package-lock.json'));
  if (record === undefined) return false;
  const installed = JSON.parse(record).packages;
  return wantedPackages().every(([path, wanted]) => {
    const found = installed[path];
    return found?.version === wanted.version && existsSync(join(setup.ROOT, path));
  });
}

/** [path, entry] of every package of the lock file that this kind of machine needs. */
function wantedPackages() {
  const packages = JSON.parse(readFileSync(setup.LOCK_FILE, 'utf8')).packages;
  return Object.entries(packages).filter(([path, entry]) => {
    return path !== '' && (entry.optional !== true || isForThisMachine(entry));
  });
}

function isForThisMachine({ os, cpu, libc }) {
  if (os !== undefined && !os.includes(process.platform)) return false;
  if (cpu !== undefined && !cpu.includes(process.arch)) return false;
  return libc === undefined || libc.includes(libcHere());
}

function libcHere() {
  return process.report?.getReport().header.glibcVersionRuntime === undefined ? 'musl' : 'glibc';
}

async function npmCi() {
  const done = showProgress('Setting up (once)', describeProgress(wantedPackages()));
  let output = '';
  const keep = (chunk) => {
    output = (output + chunk).slice(-OUTPUT_CHARS_MAX);
  };
  // --include=dev: the runtime and the compiler are needed whatever NODE_ENV says.
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund'];
  const options = {
    cwd: setup.ROOT,
    env: { ...process.env, PATH: pathWithoutPackages() },
    shell: process.platform === 'win32',
    stdio: ['ignore', 'pipe', 'pipe'],
  };
  const result = await runChild('npm', args, options, (child) => {
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
  }).catch((error) => ({ code: 1, signal: null, error }));
  done(result.code === 0 ? 'done' : 'failed');
  if (result.signal !== null) endAs(result);
  if (result.code !== 0) throw new Error(explain(output, result.error));
}

/** npm deletes node_modules first: nothing that it starts may come from there. */
function pathWithoutPackages() {
  const parts = (process.env.PATH ?? '').split(delimiter);
  return parts.filter((part) => !part.includes('node_modules')).join(delimiter);
}

function describeProgress(wanted) {
  const manifests = wanted.map(([path]) => join(setup.ROOT, path, 'package.json'));
  return () => {
    const there = manifests.filter((manifest) => existsSync(manifest)).length;
    if (there === 0) return 'asking npm for the packages';
    if (there < manifests.length) return `${there} of ${manifests.length} packages unpacked`;
    return existsSync(setup.PINNED_NODE)
      ? 'finishing'
      : `all packages unpacked, fetching the Node.js runtime (about 60 MB)`;
  };
}

function requireRuntime() {
  const probe = spawnSync(setup.PINNED_NODE, ['--version'], { encoding: 'utf8' });
  const version = probe.status === 0 ? probe.stdout.trim() : undefined;
  if (Number(version?.slice(1).split('.')[0]) >= setup.NODE_MAJOR_MIN) return;
  const found = version ?? probe.error?.message ?? probe.stderr.trim().split('\n')[0];
  const what = existsSync(setup.PINNED_NODE)
    ? `the Node.js in node_modules/.bin does not work here (${found}).`
    : `npm installed the packages, but not the Node.js runtime (node_modules/.bin/node).`;
  if (setup.isRecentNode()) {
    say(`Note: ${what} Going on with this machine's own Node.js ${process.version}.`);
    return;
  }
  throw new Error(`${what}
  Why:        probably npm is told not to run install scripts (npm config get ignore-scripts).
  What to do: run  npm rebuild node --ignore-scripts=false  and try again, or use a Node.js of
              your own that is ${setup.NODE_MAJOR_MIN} or newer (this one is ${process.version}).`);
}

function say(text) {
  process.stderr.write(`${text}\n`);
}
