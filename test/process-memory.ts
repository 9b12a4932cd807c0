// What a process took of the machine's memory, by the kernel's own account: VmHWM is the most that
// ever was resident, so that no peak falls between two looks.

import { readFileSync } from 'node:fs';

export interface ProcessMemory {
  readonly residentBytes: number;
  readonly peakBytes: number;
}

/** Undefined where there is no /proc, or no such process. */
export function processMemory(pid: number | undefined): ProcessMemory | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const bytes = (name: string) =>
      1024 * Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
    return { residentBytes: bytes('VmRSS'), peakBytes: bytes('VmHWM') };
  } catch {
    return undefined;
  }
}
