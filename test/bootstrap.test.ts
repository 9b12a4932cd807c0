// The bootstrap in bin/, as processes: what it starts gets arguments, signals and exit codes
// through, two set-ups keep apart, and a failed installation is explained.

import { deepEqual, equal, match } from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../bin', import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs Node.js with `args`; `onOutput` may act on the child as soon as it has said something. */
function node(
  args: readonly string[],
  onOutput?: (kill: (signal: NodeJS.Signals) => void) => void,
) {
  return new Promise<Ended>((resolve) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
      onOutput?.((signal) => child.kill(signal));
    });
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

function script(text: string): string[] {
  return ['--input-type=module', '-e', text];
}

async function withDirectory(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'kvorum-bootstrap-'));
  try {
    await body(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

test('a program gets its arguments, and its exit code comes back', () =>
  withDirectory(async (directory) => {
    const file = join(directory, 'program.ts');
    await writeFile(
      file,
      'const n: number = 3; console.log(process.argv.slice(2)); process.exit(n)',
    );
    const { code, stdout } = await node([join(BIN, 'run.js'), file, '--nodes', '5']);
    equal(stdout, "[ '--nodes', '5' ]\n");
    equal(code, 3);
  }));

test('a program that is not there is named', async () => {
  const { code, stderr } = await node([join(BIN, 'run.js'), '/no/such.ts']);
  equal(stderr, 'There is no /no/such.ts\n');
  equal(code, 2);
});

test('a child gets the signals, and its end is ours', async () => {
  const child = (program: string) =>
    script(`import { endAs, runChild } from '${BIN}/child.js';
      endAs(await runChild(process.execPath, ['-e', ${JSON.stringify(program)}]));`);
  const forever = "setInterval(() => {}, 1000); console.log('up');";
  const polite = `process.on('SIGTERM', () => process.exit(7)); ${forever}`;
  equal((await node(child(polite), (kill) => kill('SIGTERM'))).code, 7);
  equal((await node(child(forever), (kill) => kill('SIGTERM'))).signal, 'SIGTERM');
  equal((await node(child(forever), (kill) => kill('SIGINT'))).signal, 'SIGINT');
});

test('two set-ups keep apart, and a dead one is no obstacle', () =>
  withDirectory(async (directory) => {
    const dead = 2 ** 30; // larger than any process id
    await mkdir(join(directory, 'setup-lock'));
    await writeFile(join(directory, 'setup-lock', 'pid'), String(dead));
    // Each says when it enters and leaves: with overlap one would find the other's file.
    const both = script(`import { withSetupLock } from '${BIN}/setup-lock.js';
      import { rmSync, writeFileSync } from 'node:fs';
      const inside = '${directory}/inside';
      await withSetupLock('${directory}', async () => {
        writeFileSync(inside, '', { flag: 'wx' });
        await new Promise((resolve) => setTimeout(resolve, 100));
        rmSync(inside);
      }, () => {});`);
    const ended = await Promise.all([node(both), node(both), node(both)]);
    deepEqual(
      ended.map(({ code, stderr }) => ({ code, stderr })),
      ended.map(() => ({ code: 0, stderr: '' })),
    );
    deepEqual(await readdir(directory), []);
  }));

test('a failed installation is explained', async () => {
  const explained = async (output: string) => {
    const text = `import { explain } from '${BIN}/install-trouble.js';
      console.log(explain(${JSON.stringify(output)}));`;
    return (await node(script(text))).stdout;
  };
  match(await explained('npm error code ENOTFOUND'), /ENOTFOUND[\s\S]*offline[\s\S]*What to do/);
  match(await explained('npm error code ENOSPC'), /the disk is full/);
  match(await explained('npm error code EUSAGE'), /package-lock.json disagree/);
  match(await explained('something else'), /something else[\s\S]*by hand/);
});
