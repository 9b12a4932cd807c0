// How fast this machine is just now, whoever else uses it: a fixed loop of the processor, in turns
// like those of the phases. Its rate over the trials is the noise of the machine; its longest
// stall is what no engine can do better than.

import { inFlight } from './in-flight.ts';
import type { Meter } from './meter.ts';

const MS = 2_000;
const STEPS = 64;

export async function measureMachine(meter: Meter): Promise<void> {
  let x = 1;
  const step = () => {
    for (let n = 0; n < STEPS; n++) {
      x ^= x << 13;
      x ^= x >>> 17;
      x ^= x << 5;
    }
    return undefined;
  };
  await meter.measure('machine', () => {
    const untilMs = performance.now() + MS;
    return inFlight({ count: Number.POSITIVE_INFINITY, most: 1, untilMs }, step);
  });
  if (x === 0) throw new Error('xorshift never reaches zero');
}
