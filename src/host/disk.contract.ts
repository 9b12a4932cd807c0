// What every Disk promises, as tests. An implementation registers them with a function that runs
// a body on an empty disk of its kind: on the real file system, or inside a simulated world that
// must be stepped while the body waits.

import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '../base/errors.ts';
import type { Disk, DiskFile } from './host.ts';

const LARGE_BYTES = 32 * 1024 * 1024;

export type WithDisk = (body: (disk: Disk) => Promise<void>) => Promise<void>;

export function diskContract(kind: string, withDisk: WithDisk): void {
  const promises = { ...filePromises, ...namePromises, ...spacePromises, ...lockPromises };
  for (const [promise, body] of Object.entries(promises)) {
    test(`${kind}: ${promise}`, () => withDisk(body));
  }
}

const filePromises: Record<string, (disk: Disk) => Promise<void>> = {
  'appended bytes are read back before and after a sync': async (disk) => {
    const file = await disk.create('a.log');
    equal(file.size(), 0);
    await file.append(Buffer.from('hello '));
    await file.append(Buffer.from('world'));
    equal(file.size(), 11);
    equal(await textOf(file), 'hello world');
    await file.sync();
    equal(await textOf(file), 'hello world');
    equal((await file.read(6, 5)).toString(), 'world');
    await file.close();
  },

  'a read is cut where the file ends, and never reaches beyond': async (disk) => {
    const file = await disk.create('a.log');
    await file.append(Buffer.from('abc'));
    equal((await file.read(1, 100)).toString(), 'bc');
    equal((await file.read(3, 10)).length, 0);
    equal((await file.read(50, 10)).length, 0);
    await file.close();
  },

  'a read is no piece of some larger memory, which it would keep': async (disk) => {
    const file = await disk.create('a.log');
    await file.append(Buffer.alloc(10_000, 1));
    equal((await file.read(100, 5_000)).buffer.byteLength, 5_000);
    await file.close();
  },

  'appends that were not awaited land whole and in the order of the calls': async (disk) => {
    const file = await disk.create('a.log');
    const parts = Array.from({ length: 20 }, (_, n) => Buffer.alloc(100 + n, n));
    await Promise.all(parts.map((part) => file.append(part)));
    deepEqual(await file.read(0, file.size()), Buffer.concat(parts));
    await file.close();
  },

  'an append that begins during a sync disturbs neither': async (disk) => {
    const file = await disk.create('a.log');
    await file.append(Buffer.from('one'));
    await Promise.all([file.sync(), file.append(Buffer.from('two'))]);
    equal(await textOf(file), 'onetwo');
    await file.close();
  },

  'large appends come back byte for byte': async (disk) => {
    const file = await disk.create('a.log');
    const bytes = Buffer.from(Uint32Array.from({ length: 300_000 }, (_, n) => n * 7).buffer);
    await file.append(bytes);
    deepEqual(await file.read(0, bytes.length), bytes);
    await file.close();
  },

  'bytes are written through: over others, across the end, behind it': async (disk) => {
    const file = await disk.create('a.log');
    await file.append(Buffer.from('0000000000'));
    await file.sync();
    await file.writeThrough(Buffer.from('abc'), 2);
    equal(await textOf(file), '00abc00000');
    equal(file.size(), 10);
    await file.writeThrough(Buffer.from('xyz'), 8);
    equal(file.size(), 11);
    await file.writeThrough(Buffer.from('end'), 11);
    equal(await textOf(file), '00abc000xyzend');
    await file.truncate(12);
    await file.append(Buffer.from('!'));
    equal(await textOf(file), '00abc000xyze!');
    await file.sync();
    await file.close();
    const again = await disk.open('a.log');
    await again.writeThrough(Buffer.from('X'), 0);
    equal(await textOf(again), 'X0abc000xyze!');
    await again.close();
  },

  'truncate cuts the end, and the next append begins there': async (disk) => {
    const file = await disk.create('a.log');
    await file.append(Buffer.from('hello world'));
    await file.truncate(5);
    equal(file.size(), 5);
    await file.append(Buffer.from('!'));
    equal(await textOf(file), 'hello!');
    await file.close();
  },

  'a closed file opens again with its bytes and takes more': async (disk) => {
    const file = await disk.create('a.log');
    await file.append(Buffer.from('one'));
    await file.close();
    const again = await disk.open('a.log');
    equal(again.name, 'a.log');
    equal(again.size(), 3);
    await again.append(Buffer.from('two'));
    equal(await textOf(again), 'onetwo');
    await again.close();
  },
};

const namePromises: Record<string, (disk: Disk) => Promise<void>> = {
  'names are listed sorted': async (disk) => {
    deepEqual(await disk.list(), []);
    for (const name of ['b', 'a-2', 'a-10', 'c.log']) await (await disk.create(name)).close();
    deepEqual(await disk.list(), ['a-10', 'a-2', 'b', 'c.log']);
  },

  'create refuses a name that exists, open one that does not': async (disk) => {
    await (await disk.create('a')).close();
    await rejects(disk.create('a'), isIoErrorNaming('a'));
    await rejects(disk.open('missing'), isIoErrorNaming('missing'));
    await rejects(disk.remove('missing'), isIoErrorNaming('missing'));
    await rejects(disk.rename('missing', 'b'), isIoErrorNaming('missing'));
  },

  'rename replaces its target': async (disk) => {
    await writeText(disk, 'new', 'new bytes');
    await writeText(disk, 'current', 'old bytes');
    await disk.rename('new', 'current');
    await disk.syncDirectory();
    deepEqual(await disk.list(), ['current']);
    const file = await disk.open('current');
    equal(await textOf(file), 'new bytes');
    await file.close();
  },

  'a removed file is gone from the list, and readable by who has it open': async (disk) => {
    await writeText(disk, 'a', 'still here');
    const file = await disk.open('a');
    await disk.remove('a');
    await disk.syncDirectory();
    deepEqual(await disk.list(), []);
    equal(await textOf(file), 'still here');
    await file.close();
  },
};

const spacePromises: Record<string, (disk: Disk) => Promise<void>> = {
  'what is written takes space': async (disk) => {
    const file = await disk.create('a');
    const first = await disk.space();
    ok(first.totalBytes >= first.freeBytes && first.freeBytes > 0, 'a disk with some space');
    // Others may free space of the same disk meanwhile, but not each time as much.
    let freeBytes = [first.freeBytes];
    while (freeBytes.length < 5 && Math.min(...freeBytes) === first.freeBytes) {
      await file.append(Buffer.alloc(LARGE_BYTES, 1));
      await file.sync();
      const now = await disk.space();
      equal(now.totalBytes, first.totalBytes);
      freeBytes = [...freeBytes, now.freeBytes];
    }
    ok(Math.min(...freeBytes) < first.freeBytes, `free: ${freeBytes.join(', ')}`);
    await file.close();
  },
};

const lockPromises: Record<string, (disk: Disk) => Promise<void>> = {
  'a second lock is refused until the first is released': async (disk) => {
    const lock = await disk.lock();
    await rejects(disk.lock(), (error) => hasCode(error, 'DIRECTORY_LOCKED'));
    await lock.release();
    await lock.release();
    const next = await disk.lock();
    deepEqual(await disk.list(), []);
    await next.release();
  },
};

async function writeText(disk: Disk, name: string, text: string): Promise<void> {
  const file = await disk.create(name);
  await file.append(Buffer.from(text));
  await file.sync();
  await file.close();
}

async function textOf(file: DiskFile): Promise<string> {
  return (await file.read(0, file.size())).toString();
}

function isIoErrorNaming(name: string): (error: unknown) => boolean {
  return (error) => {
    ok(hasCode(error, 'IO_ERROR'), String(error));
    ok(error.message.includes(name) && error.fix.length > 0, error.message);
    return true;
  };
}
