// Small files that are read and replaced whole, such as the identity and the manifest: write
// NAME.new, sync, rename, sync the directory. Whoever opens NAME after a crash finds the old bytes
// or the new ones, never a mixture and never nothing.

import type { Disk } from '../host/host.ts';

/** Undefined when there is no such file. */
export async function readWhole(disk: Disk, name: string): Promise<Buffer | undefined> {
  if (!(await disk.list()).includes(name)) return undefined;
  const file = await disk.open(name);
  try {
    return await file.read(0, file.size());
  } finally {
    await file.close();
  }
}

/**
 * Durable when it resolves. When it rejects, the old bytes or the new ones stand there, and a
 * power cut may still decide which: do nothing that needs either; replace it again.
 */
export async function replaceWhole(disk: Disk, name: string, bytes: Buffer): Promise<void> {
  await disk.rename(await writeNew(disk, name, bytes), name);
  await disk.syncDirectory();
}

/** The name of what a crash may leave behind. */
export function newNameOf(name: string): string {
  return `${name}.new`;
}

async function writeNew(disk: Disk, name: string, bytes: Buffer): Promise<string> {
  const newName = newNameOf(name);
  if ((await disk.list()).includes(newName)) await disk.remove(newName);
  const file = await disk.create(newName);
  try {
    await file.append(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  return newName;
}
