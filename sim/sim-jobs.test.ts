import { deepEqual, equal } from 'node:assert/strict';
import { test } from 'node:test';
import { jobsContract } from '../src/host/jobs.contract.ts';
import { runJob } from '../src/host/test-job.ts';
import { SimWorld } from './sim-host.ts';

jobsContract('simulated jobs', (body) => {
  const world = new SimWorld(1);
  return world.settle(body(world.node('n1').boot({ test: runJob, other: runJob })));
});

test('a job dies with the life that started it', async () => {
  const world = new SimWorld(1);
  const machine = world.node('n1');
  const { jobs } = machine.boot({ test: runJob });
  const job = jobs.start('test', { kind: 'steps', file: 'a', steps: 100, bytes: 1000 });
  job.setPace(1000);
  let isSettled = false;
  const settled = () => {
    isSettled = true;
  };
  job.done.then(settled, settled);
  await world.runFor(10_000);
  machine.crash();
  await world.runFor(200_000);
  equal(isSettled, false);
  deepEqual(await world.settle(machine.boot().disk.list()), machine.directory.names());
});
