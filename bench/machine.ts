// What a reader must know of the machine to make anything of a figure.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem, type } from 'node:os';

const GIB = 1024 ** 3;

/** `8 × Processor X, 24 GiB, Linux 6.1, Node.js 26.10.0, Kvorum 0.1.0 (1a2b3c4)`. */
export function machineLine(): string {
  const all = cpus();
  const model = all[0]?.model.trim() ?? 'unknown processor';
  const memory = `${Math.round(totalmem() / GIB)} GiB`;
  const versions = `Node.js ${process.versions.node}, Kvorum ${ownVersion()}`;
  return `${all.length} × ${model}, ${memory}, ${type()} ${release()}, ${versions}`;
}

/** How many processes wanted the processor over the last minute, ours included. */
export function loadNow(): string {
  return (loadavg()[0] as number).toFixed(1);
}

function ownVersion(): string {
  const page = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(page) as { version: string };
  try {
    const args = ['rev-parse', '--short', 'HEAD'];
    const cwd = import.meta.dirname;
    const commit = execFileSync('git', args, { cwd, stdio: ['ignore', 'pipe', 'ignore'] });
    return `${version} (${commit.toString().trim()})`;
  } catch {
    return version;
  }
}
