// Repairs that somebody asks for: they find what differs without waiting for the next comparison,
// say how far they are, and whom they could not compare.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Slot } from '../src/base/ids.ts';
import type { NamedRepair, RepairRequest } from '../src/node/healing.ts';
import type { Node } from '../src/node/node.ts';
import { slotOf } from '../src/ring/slot.ts';
import { LATEST, SimCluster } from './cluster.ts';
import { SimWorld } from './sim-host.ts';

const KEYS = Array.from({ length: 20 }, (_, i) => Buffer.from(`key-${i}`));
const HOUR_MS = 3_600_000;

class Story {
  readonly world = new SimWorld(1);
  readonly cluster = new SimCluster(this.world, 3, { antiEntropyMs: HOUR_MS });

  node(name: string): Node {
    return this.cluster.node(name) as Node;
  }

  async start(name: string): Promise<void> {
    await this.world.settle(this.cluster.start(name));
    await this.world.runFor(2_000);
  }

  /** n3 has the disk that it had before the keys were written. */
  async behind(): Promise<this> {
    for (const name of this.cluster.names) await this.start(name);
    await this.world.settle(this.cluster.stop('n3'));
    const backup = this.world.node('n3').directory.backup();
    await this.start('n3');
    for (const key of KEYS) {
      const change = { kind: 'put', value: Buffer.from('v'), expiresAt: 0 } as const;
      const request = { keyspace: LATEST, key, change, w: 3 };
      const outcome = await this.world.settle(this.node('n1').write(request), 5_000);
      assert.equal(outcome.kind, 'ok');
    }
    await this.world.settle(this.cluster.stop('n3'));
    this.world.node('n3').directory.restore(backup);
    await this.start('n3');
    return this;
  }

  async repaired(request: RepairRequest): Promise<NamedRepair> {
    const { healing } = this.node('n3');
    const { id, isRunning } = healing.beginRepair(request);
    assert.ok(isRunning);
    await this.world.runUntil(() => healing.findRepair(id)?.isRunning === false, 60_000);
    return healing.findRepair(id) as NamedRepair;
  }

  async found(): Promise<number> {
    let found = 0;
    for (const key of KEYS) {
      const request = { keyspace: LATEST, key, r: 1 };
      const { kind } = await this.world.settle(this.node('n3').get(request), 5_000);
      if (kind === 'found') found += 1;
    }
    return found;
  }
}

test('a repair levels what differs, and says what it did', async () => {
  const story = await new Story().behind();
  assert.equal(await story.found(), 0);
  const sinceMs = story.node('n3').wallMs();
  const { slotsTotal, slotsDone, keys, bytes, missed, leftMs } = await story.repaired({});
  // Both keyspaces, with both other nodes.
  assert.deepEqual([slotsTotal, slotsDone], [4 * 16_384, 4 * 16_384]);
  assert.deepEqual([keys, missed, leftMs], [KEYS.length, [], undefined]);
  assert.ok(bytes > KEYS.length);
  assert.equal(await story.found(), KEYS.length);
  const synced = story.node('n3').healing.syncedSlots(LATEST);
  assert.equal(
    synced.reduce((sum, { fromSlot, toSlot }) => sum + toSlot - fromSlot + 1, 0),
    16_384,
  );
  assert.ok(synced.every(({ inSyncMs }) => inSyncMs >= sinceMs - 1_000));
});

test('of some slots of one keyspace only those are repaired', async () => {
  const story = await new Story().behind();
  const slot = slotOf(KEYS[0] as Buffer);
  const repair = await story.repaired({ keyspace: LATEST, fromSlot: slot, toSlot: slot });
  assert.deepEqual([repair.slotsTotal, repair.keys, repair.missed], [2, 1, []]);
  assert.equal(await story.found(), 1);
  const synced = story.node('n3').healing.syncedSlots(LATEST);
  assert.ok(synced.some(({ fromSlot, toSlot }) => fromSlot === slot && toSlot === slot));
});

test('nodes that cannot be compared are named', async () => {
  const story = await new Story().behind();
  await story.world.settle(story.cluster.stop('n2'));
  await story.world.runFor(3_000);
  const repair = await story.repaired({ toSlot: 16_383 as Slot });
  assert.deepEqual([repair.missed, repair.slotsDone], [['n2'], 2 * 16_384]);
  assert.equal(await story.found(), KEYS.length);
});
