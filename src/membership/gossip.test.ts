import { deepEqual, equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { messageBytes } from './gossip-message.ts';
import { GOSSIP_PRESETS, type GossipPreset } from './gossip-preset.ts';
import { IDLE } from './heartbeat.ts';
import { GossipNet, type GossipNetOptions } from './test-gossip-net.ts';

const LAN = GOSSIP_PRESETS.lan;

function netOf(seed: number, options: Partial<GossipNetOptions> = {}): GossipNet {
  let state = seed;
  const dice = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  return new GossipNet({ nodes: 5, preset: LAN, dice, ...options });
}

/** What each node that runs thinks of `member`. */
function verdictsOn(net: GossipNet, member: number): (string | undefined)[] {
  return net.nodes.flatMap((node, index) => {
    return node === undefined || index === member ? [] : [node.detector.state(member)];
  });
}

function allSay(net: GossipNet, member: number, state: string): () => boolean {
  return () => verdictsOn(net, member).every((each) => each === state);
}

function allAlive(net: GossipNet): () => boolean {
  return () => net.nodes.every((_, member) => allSay(net, member, 'alive')());
}

test('whatever is lost, doubled or out of order, all know all in the end', () => {
  const weather = fc.record(
    {
      nodes: fc.integer({ min: 2, max: 12 }),
      lossRate: fc.double({ min: 0, max: 0.3, noNaN: true }),
      duplicateRate: fc.double({ min: 0, max: 0.5, noNaN: true }),
      delayMsMax: fc.integer({ min: 1, max: 400 }),
    },
    { noNullPrototype: true },
  );
  const property = fc.property(fc.nat(), weather, (seed, options) => {
    const net = netOf(seed, options);
    ok(net.until(allAlive(net), 20_000) < 20_000, 'everybody is alive to everybody');
    const versions = net.nodes.map((node, index) => node?.heartbeat(index).version ?? 0);
    const isSpread = () => {
      return versions.every((version, member) => {
        return net.nodes.every((node) => (node?.heartbeat(member).version ?? 0) >= version);
      });
    };
    ok(net.until(isSpread, 30_000) < 30_000, 'what each had said is known to all');
  });
  fc.assert(property, { numRuns: 30 });
});

test('a silent node is down to all within 2.5 s, and alive again when it is back', () => {
  const net = netOf(1);
  net.run(10_000);
  net.silence(2);
  ok(net.until(allSay(net, 2, 'down'), 9_000) <= 2_500);
  net.start(2, 2);
  ok(net.until(allAlive(net), 9_000) < 1_000);
});

test('a node that left is left to all, and stays so', () => {
  const net = netOf(2, { nodes: 8, lossRate: 0.1 });
  net.run(10_000);
  net.leave(3);
  ok(net.until(allSay(net, 3, 'left'), 5_000) < 5_000);
  net.run(60_000, () => ok(allSay(net, 3, 'left')()));
  net.start(3, 2);
  ok(net.until(allAlive(net), 9_000) < 9_000);
});

test('a node that starts with an old generation refutes what is known of it', () => {
  const net = netOf(3);
  net.run(5_000);
  net.leave(1);
  net.run(2_000);
  net.start(1, 1);
  ok(net.until(allAlive(net), 9_000) < 2_000);
  ok((net.nodes[1]?.heartbeat(1).generation ?? 0) > 1);
});

test('one way cut: the one who gets no answers says down, though others tell of him', () => {
  for (const [from, to] of [
    [0, 1],
    [1, 0],
  ] as const) {
    const net = netOf(4, { nodes: 3 });
    net.run(5_000);
    net.cut(from, to);
    ok(net.until(() => net.nodes[0]?.detector.state(1) === 'down', 9_000) <= 3_000);
    equal(net.nodes[2]?.detector.state(1), 'alive');
    net.heal();
    ok(net.until(allAlive(net), 9_000) <= 2_000);
  }
});

test('no message is longer than its bound, however many members there are', () => {
  const preset: GossipPreset = { ...LAN, messageBytesMax: 200 };
  const net = netOf(5, { nodes: 60, preset });
  net.run(5_000);
  const [node] = net.nodes;
  const sent = node?.tick({ nowMs: net.nowMs + 1_000, wallMs: 1 }, () => IDLE) ?? [];
  equal(sent.length, LAN.fanOut);
  for (const { message } of sent) {
    ok(messageBytes(message) <= 200);
    const replies = net.nodes[1]?.hear(0, 1, message, net.nowMs) ?? [];
    for (const reply of replies) ok(messageBytes(reply.message) <= 200);
  }
  ok(net.until(allAlive(net), 30_000) < 30_000, 'and still all hear of all');
});

test('a lone node has nobody to talk to', () => {
  const net = netOf(6, { nodes: 1 });
  net.run(1_000);
  deepEqual([...net.bytes], [0]);
});
