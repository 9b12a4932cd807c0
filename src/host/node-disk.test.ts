import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { hasCode } from '../base/errors.ts';
import { diskContract } from './disk.contract.ts';
import { openNodeDisk } from './node-disk.ts';
import { diskError } from './node-disk-file.ts';

async function withDirectory(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'kvorum-disk-'));
  await body(directory).finally(() => rm(directory, { recursive: true, force: true }));
}

diskContract('node disk', (body) =>
  withDirectory(async (directory) => body(await openNodeDisk(join(directory, 'data', 'n1')))),
);

test('an existing directory opens as it is; a file in its place is an IO_ERROR', () =>
  withDirectory(async (directory) => {
    await writeFile(join(directory, 'kept'), 'x');
    deepEqual(await (await openNodeDisk(directory)).list(), ['kept']);
    await rejects(openNodeDisk(join(directory, 'kept')), (error) => hasCode(error, 'IO_ERROR'));
  }));

test(
  'a directory that may not be written is an IO_ERROR that names the cure',
  {
    skip: process.getuid?.() === 0,
  },
  () =>
    withDirectory(async (directory) => {
      await chmod(directory, 0o500);
      await rejects(openNodeDisk(join(directory, 'data')), (error) => {
        ok(hasCode(error, 'IO_ERROR') && error.fix.includes('write access'));
        return true;
      });
    }),
);

test('a name with a path in it is a bug, not a way out of the directory', () =>
  withDirectory(async (directory) => {
    const disk = await openNodeDisk(directory);
    for (const name of ['../a', 'a/b', '', '.', 'lock.db']) {
      await rejects(disk.create(name), /assertion failed/);
    }
  }));

test('a lock held by another process is refused by its pid, and dies with it', () =>
  withDirectory(async (directory) => {
    const module = JSON.stringify(new URL('./node-disk.ts', import.meta.url).href);
    const script = `
      const { openNodeDisk } = await import(${module});
      const disk = await openNodeDisk(${JSON.stringify(directory)});
      globalThis.lock = await disk.lock();
      process.stdout.write('locked');
      setInterval(() => undefined, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    const disk = await openNodeDisk(directory);
    await rejects(disk.lock(), (error) => {
      ok(hasCode(error, 'DIRECTORY_LOCKED'));
      ok(error.message.includes(`process ${child.pid}`), error.message);
      return true;
    });
    child.kill('SIGKILL');
    await once(child, 'exit');
    await (await disk.lock()).release();
  }));

test('errno decides the code', () => {
  const cases = [
    ['ENOSPC', 'DISK_FULL'],
    ['EDQUOT', 'DISK_FULL'],
    ['EIO', 'IO_ERROR'],
    ['EMFILE', 'IO_ERROR'],
  ] as const;
  for (const [errno, code] of cases) {
    const cause = Object.assign(new Error('failed'), { code: errno });
    const error = diskError('a.log', cause);
    equal(error.code, code);
    equal(error.cause, cause);
    ok(error.message.includes('a.log') && error.message.includes(errno));
  }
});
