import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Address, NodeId, Slot } from '../../../base/ids.ts';
import type { ClusterStatus } from '../../../node/store.ts';
import { TEST_MEMBERS, TestStore } from '../test-store.ts';
import { infoText, nodesText, shardsReply, slotsReply } from './cluster-view.ts';

const [A, B, C] = TEST_MEMBERS.map(({ id }) => id) as [NodeId, NodeId, NodeId];
const HERE = '127.0.0.1:7001';

function status(
  owners: readonly (readonly [from: number, to: number, owner: NodeId])[],
  dead?: NodeId,
): ClusterStatus {
  return {
    ...new TestStore().status(),
    epoch: 4,
    members: TEST_MEMBERS.map((each) => ({ ...each, isAlive: each.id !== dead })),
    owners: owners.map(([from, to, owner]) => ({ from: from as Slot, to: to as Slot, owner })),
  };
}

const INTERLEAVED = status([
  [0, 99, A],
  [100, 199, B],
  [200, 200, A],
  [201, 300, A],
  [301, 301, B],
  [302, 16_383, C],
]);
const ONE_DEAD = status(
  [
    [0, 8191, A],
    [8192, 16_383, B],
  ],
  C,
);

describe('the ring as Redis Cluster clients read it', () => {
  it('CLUSTER NODES: a line per node, with all of its ranges', () => {
    assert.equal(
      nodesText(INTERLEAVED, HERE),
      [
        `${A} 127.0.0.1:7001@9001 myself,master - 0 0 4 connected 0-99 200-300\n`,
        `${B} 127.0.0.1:7002@9002 master - 0 0 4 connected 100-199 301\n`,
        `${C} 127.0.0.1:7003@9003 master - 0 0 4 connected 302-16383\n`,
      ].join(''),
    );
  });

  it('CLUSTER NODES: a dead node owns nothing', () => {
    const line = `${C} 127.0.0.1:7003@9003 master,fail - 0 0 4 disconnected\n`;
    assert.ok(nodesText(ONE_DEAD, HERE).endsWith(line));
  });

  it('CLUSTER SLOTS: an entry per range in the order of slots, one node each', () => {
    const slots = slotsReply(INTERLEAVED, HERE) as unknown[][];
    assert.deepEqual(
      slots.map(([from, to, node]) => [from, to, (node as unknown[])[1]]),
      [
        [0, 99, 7001],
        [100, 199, 7002],
        [200, 300, 7001],
        [301, 301, 7002],
        [302, 16_383, 7003],
      ],
    );
    assert.deepEqual(slots[0], [0, 99, ['127.0.0.1', 7001, A, { kind: 'map', entries: [] }]]);
  });

  it('CLUSTER SHARDS: a shard per node, dead ones included', () => {
    const shards = shardsReply(ONE_DEAD, HERE) as unknown as { entries: [string, unknown][] }[];
    assert.deepEqual(
      shards.map(({ entries }) => entries[0]),
      [
        ['slots', [0, 8191]],
        ['slots', [8192, 16_383]],
        ['slots', []],
      ],
    );
    assert.match(JSON.stringify(shards[2]), /"health","fail"/);
  });

  it('CLUSTER INFO: all slots assigned, owners and members counted', () => {
    const text = infoText(ONE_DEAD);
    for (const line of ['cluster_state:ok', 'cluster_slots_ok:16384', 'cluster_size:2']) {
      assert.ok(text.includes(`${line}\r\n`), line);
    }
    assert.match(infoText({ ...ONE_DEAD, isServing: false }), /^cluster_state:fail\r\n/);
  });

  it('a node that listens everywhere is told by the address that the client reached', () => {
    const members = TEST_MEMBERS.map((each, at) => {
      return at === 0 ? { ...each, clientAddress: '0.0.0.0:7001' as Address } : each;
    });
    const text = nodesText({ ...INTERLEAVED, members }, '192.0.2.7:7001');
    assert.match(text, / 192\.0\.2\.7:7001@9001 myself,master /);
  });
});
