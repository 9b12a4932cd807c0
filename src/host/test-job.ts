// A background job for tests: it does what its order says, and says what it saw.

import { KvorumError } from '../base/errors.ts';
import type { Disk, JobPace } from './host.ts';

export type TestOrder =
  | { readonly kind: 'echo'; readonly bytes: Uint8Array }
  /** Sets its first byte to 1. */
  | { readonly kind: 'mark'; readonly memory: SharedArrayBuffer }
  /** Appends a letter to the file for each step, then spends. */
  | {
      readonly kind: 'steps';
      readonly file: string;
      readonly steps: number;
      readonly bytes: number;
    }
  | { readonly kind: 'fail' }
  | { readonly kind: 'bug' }
  /** Never returns. */
  | { readonly kind: 'hang' }
  /** Ends its thread: only where it has one. */
  | { readonly kind: 'die' };

export async function runJob(disk: Disk, order: unknown, pace: JobPace): Promise<unknown> {
  const asked = order as TestOrder;
  switch (asked.kind) {
    case 'echo':
      return { isBuffer: Buffer.isBuffer(asked.bytes), bytes: asked.bytes };
    case 'mark':
      new Uint8Array(asked.memory)[0] = 1;
      return undefined;
    case 'steps':
      return steps(disk, asked, pace);
    case 'fail':
      throw new KvorumError('DISK_FULL', 'no space left for a', 'Free some.');
    case 'bug':
      throw new Error('assertion failed: a test');
    case 'hang':
      return new Promise(() => undefined);
    case 'die':
      process.exit(7);
  }
}

async function steps(
  disk: Disk,
  { file: name, steps, bytes }: TestOrder & { kind: 'steps' },
  pace: JobPace,
): Promise<string> {
  const file = await disk.create(name);
  for (let step = 0; step < steps && !pace.isCancelled; step++) {
    await file.append(Buffer.from('x'));
    await pace.spend(bytes);
  }
  const size = file.size();
  await file.close();
  return pace.isCancelled ? `cancelled after ${size}` : `did ${size}`;
}
