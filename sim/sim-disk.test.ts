import { deepEqual, equal, notDeepEqual, ok, rejects } from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '../src/base/errors.ts';
import { diskContract } from '../src/host/disk.contract.ts';
import type { Disk } from '../src/host/host.ts';
import { SimWorld } from './sim-host.ts';
import type { SimMachine } from './sim-machine.ts';

diskContract('sim disk', (body) => {
  const world = new SimWorld(1);
  return world.settle(body(world.node('n1').boot().disk));
});

const SEEDS = Array.from({ length: 300 }, (_, seed) => seed);

const synced = Buffer.alloc(700, 's');
const unsynced = Buffer.alloc(1500, 'u');

interface Scene {
  readonly world: SimWorld;
  readonly machine: SimMachine;
  readonly disk: Disk;
}

/** Runs `work` on a fresh machine, cuts the power, and hands out the machine. */
async function afterCrash(seed: number, work: (scene: Scene) => Promise<void>): Promise<Scene> {
  const world = new SimWorld(seed);
  const machine = world.node('n1');
  const scene = { world, machine, disk: machine.boot().disk };
  await world.settle(work(scene));
  machine.crash();
  return { world, machine, disk: machine.boot().disk };
}

async function writeSynced(disk: Disk, name: string): ReturnType<Disk['create']> {
  const file = await disk.create(name);
  await file.append(synced);
  await file.sync();
  await disk.syncDirectory();
  return file;
}

test('a synced byte always survives; an unsynced one is kept, lost, torn or garbled', async () => {
  const fates = { kept: 0, lost: 0, torn: 0, garbled: 0 };
  for (const seed of SEEDS) {
    const { machine } = await afterCrash(seed, async ({ disk }) => {
      const file = await writeSynced(disk, 'log');
      await file.append(unsynced);
    });
    const bytes = machine.directory.bytesOf('log') as Buffer;
    deepEqual(bytes.subarray(0, synced.length), synced, `seed ${seed}`);
    const tail = bytes.subarray(synced.length);
    if (tail.length === 0) fates.lost += 1;
    else if (tail.equals(unsynced)) fates.kept += 1;
    else if (tail.equals(unsynced.subarray(0, tail.length))) fates.torn += 1;
    else fates.garbled += 1;
  }
  for (const [fate, count] of Object.entries(fates)) ok(count > 10, `${fate}: ${count} times`);
});

test('an append that the crash interrupts may leave all, some or none of its bytes', async () => {
  const lengths = new Set<number>();
  for (const seed of SEEDS) {
    const { machine } = await afterCrash(seed, async ({ disk }) => {
      const file = await writeSynced(disk, 'log');
      void file.append(unsynced);
    });
    lengths.add((machine.directory.bytesOf('log') as Buffer).length);
  }
  ok(lengths.has(synced.length) && lengths.has(synced.length + unsynced.length));
  ok(lengths.size > 10, `${lengths.size} lengths`);
});

test('a sync covers what was appended before it began, and not what came beside it', async () => {
  let lost = 0;
  for (const seed of SEEDS) {
    const { machine } = await afterCrash(seed, async ({ disk }) => {
      const file = await writeSynced(disk, 'log');
      await file.append(Buffer.from('covered'));
      const sync = file.sync();
      await file.append(unsynced);
      await sync;
    });
    const bytes = machine.directory.bytesOf('log') as Buffer;
    equal(bytes.subarray(synced.length, synced.length + 7).toString(), 'covered');
    if (bytes.length === synced.length + 7) lost += 1;
  }
  ok(lost > 10, `${lost} times`);
});

test('before syncDirectory a name may be the old one or the new', async () => {
  const seen = new Set<string>();
  for (const seed of SEEDS) {
    const { machine } = await afterCrash(seed, async ({ disk }) => {
      await writeSynced(disk, 'current');
      const next = await disk.create('next');
      await next.append(Buffer.from('next'));
      await next.sync();
      await disk.rename('next', 'current');
      const created = await disk.create('created');
      await created.close();
    });
    const current = machine.directory.bytesOf('current')?.toString();
    ok(current === synced.toString() || current === 'next', `seed ${seed}: ${current}`);
    seen.add([current === 'next' ? 'new' : 'old', ...machine.directory.names()].join());
  }
  ok(seen.has('old,current') && seen.has('new,created,current'), [...seen].join(' '));
});

test('what a failed sync left is seen by readers, and lost at the crash', async () => {
  const bytesBy = async (seed: number) => {
    const { machine } = await afterCrash(seed, async ({ machine, disk }) => {
      const file = await writeSynced(disk, 'log');
      await file.append(Buffer.from('doomed'));
      machine.directory.failNextSync('log');
      await rejects(file.sync(), (error) => hasCode(error, 'IO_ERROR'));
      equal((await file.read(synced.length, 6)).toString(), 'doomed');
      await file.append(Buffer.from('after'));
      await file.sync();
    });
    return machine.directory.bytesOf('log') as Buffer;
  };
  for (const seed of SEEDS.slice(0, 20)) {
    const hole = Buffer.alloc('doomed'.length);
    deepEqual(await bytesBy(seed), Buffer.concat([synced, hole, Buffer.from('after')]));
  }
});

test('a full disk says so, may write a part, and heals when something is removed', async () => {
  const world = new SimWorld(1);
  const machine = world.node('n1');
  const { disk } = machine.boot();
  await world.settle(
    (async () => {
      const old = await writeSynced(disk, 'old');
      const file = await disk.create('log');
      machine.directory.setCapacity(1000);
      await rejects(file.append(unsynced), (error) => hasCode(error, 'DISK_FULL'));
      ok(file.size() <= 300, `${file.size()} bytes fit`);
      await file.truncate(0);
      await old.close();
      await disk.remove('old');
      await file.append(Buffer.alloc(1000));
      equal(machine.directory.freeBytes(), 0);
    })(),
  );
});

test('a read fails once when told, and rot is silent', async () => {
  const world = new SimWorld(1);
  const machine = world.node('n1');
  const { disk } = machine.boot();
  const file = await world.settle(writeSynced(disk, 'log'));
  machine.directory.failNextRead();
  await world.settle(rejects(file.read(0, 1), (error) => hasCode(error, 'IO_ERROR')));
  deepEqual(await world.settle(file.read(0, 700)), synced);
  machine.directory.rot('log', 5);
  notDeepEqual(await world.settle(file.read(0, 700)), synced);
  deepEqual((await world.settle(file.read(0, 5))).toString(), 'sssss');
});

test('a lock dies with the life that holds it', async () => {
  const { world, disk } = await afterCrash(1, async ({ disk }) => {
    await disk.lock();
  });
  await world.settle(disk.lock());
});

test('a wiped disk is empty; a restored one is back in time', async () => {
  const { world, machine, disk } = await afterCrash(1, async ({ disk }) => {
    await writeSynced(disk, 'log');
  });
  const backup = machine.directory.backup();
  const file = await world.settle(disk.open('log'));
  await world.settle(file.append(unsynced).then(() => file.sync()));
  machine.crash();
  equal(machine.directory.bytesOf('log')?.length, synced.length + unsynced.length);
  machine.wipeDisk();
  deepEqual(await world.settle(machine.boot().disk.list()), []);
  machine.crash();
  machine.directory.restore(backup);
  deepEqual(machine.directory.bytesOf('log'), synced);
});
