// A disk that is soon full: a tmpfs of its own, which only root may mount.

import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

const MIB = 1024 * 1024;

/** Where it is mounted until the test is over; undefined where that is not allowed. */
export async function smallDisk(owner: TestContext, mib: number): Promise<string | undefined> {
  const place = await mkdtemp(join(tmpdir(), 'kvorum-small-disk-'));
  const options = ['-t', 'tmpfs', '-o', `size=${mib}m`];
  try {
    execFileSync('mount', [...options, 'tmpfs', place], { stdio: 'ignore' });
  } catch {
    await rm(place, { recursive: true });
    return undefined;
  }
  owner.after(async () => {
    execFileSync('umount', ['--lazy', place]);
    await rm(place, { recursive: true });
  });
  return place;
}

/** Fills the disk until so much is free; what is returned makes room again. */
export async function fillDisk(place: string, freeMib: number): Promise<() => Promise<void>> {
  const ballast = join(place, 'ballast');
  const { bavail, bsize } = await statfs(place);
  await writeFile(ballast, Buffer.alloc(Math.max(0, bavail * bsize - freeMib * MIB)));
  return () => rm(ballast);
}
