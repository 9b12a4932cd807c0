import { clockContract } from './clock.contract.ts';
import { nodeClock } from './node-clock.ts';

clockContract('node clock', async (body) => {
  // Timers of the clock do not keep the process alive; a running test must.
  const awake = setInterval(() => undefined, 1000);
  await body(nodeClock()).finally(() => clearInterval(awake));
});
