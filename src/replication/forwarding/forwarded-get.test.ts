import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimWorld } from '../../../sim/sim-host.ts';
import type { KeyspaceNumber } from '../../base/ids.ts';
import type { ClusterView } from '../cluster-view.ts';
import { ofAll } from '../levels/need.ts';
import type { Answer, Asking, MemberIndex } from '../peers.ts';
import { Hedger, noHedges } from '../read/hedger.ts';
import type { GetRequest } from '../request.ts';
import { ForwardedGet } from './forwarded-get.ts';

const REQUEST: GetRequest = { keyspace: 0 as KeyspaceNumber, key: Buffer.from('k') };
const MISSING = { kind: 'got', outcome: { kind: 'missing' } } as unknown as Answer;
const ALONE = { kind: 'got', outcome: { kind: 'no-answer' } } as unknown as Answer;
const WRONG: Answer = { kind: 'refused', code: 'BAD_OPTION', why: 'no', fix: 'Ask for less.' };
const BUSY: Answer = { ...WRONG, code: 'OVERLOADED' };
const LOST: Answer = { kind: 'lost', wasSent: true };

type Behaviour = readonly [answer: Answer, afterMs: number];

/** What each primary answers and after how long; who is asked, and how it ends within how long. */
const READS: readonly (readonly [
  what: string,
  behaviours: readonly Behaviour[],
  asked: readonly MemberIndex[],
  kind: string,
  withinMs: number,
])[] = [
  [
    'the first answers',
    [
      [MISSING, 1],
      [MISSING, 1],
    ],
    [0],
    'missing',
    2,
  ],
  [
    'the first is lost',
    [
      [LOST, 1],
      [MISSING, 1],
    ],
    [0, 1],
    'missing',
    3,
  ],
  [
    'the first is overloaded',
    [
      [BUSY, 1],
      [MISSING, 1],
    ],
    [0, 1],
    'missing',
    3,
  ],
  [
    'the first hears nobody',
    [
      [ALONE, 1],
      [MISSING, 1],
    ],
    [0, 1],
    'missing',
    3,
  ],
  [
    'nobody hears anybody',
    [
      [ALONE, 1],
      [ALONE, 1],
    ],
    [0, 1],
    'no-answer',
    3,
  ],
  [
    'the first hangs',
    [
      [LOST, 900],
      [MISSING, 1],
    ],
    [0, 1],
    'missing',
    20,
  ],
  [
    'the request is wrong',
    [
      [WRONG, 1],
      [MISSING, 1],
    ],
    [0],
    'BAD_OPTION',
    2,
  ],
];

for (const [what, behaviours, asked, kind, withinMs] of READS) {
  test(`a read is handed on: ${what}`, async () => {
    const world = new SimWorld(1);
    const { clock } = world.node('n1').boot();
    const heard: MemberIndex[] = [];
    const peers: Asking = {
      ask: ([member = -1], question) => {
        heard.push(member);
        const [answer, afterMs] = behaviours[member] as Behaviour;
        clock.after(afterMs, () => question.onAnswer(member, answer));
      },
    };
    const view = {
      memberCount: 2,
      isAlive: () => true,
      isSlow: () => false,
      dataCenterOf: () => 'here',
    } as unknown as ClusterView;
    const hedger = new Hedger({ view, clock, hedges: noHedges() });
    const task = { request: REQUEST, primaries: [0, 1], need: ofAll(2), budgetMs: 1_000 };
    const fromMs = world.nowMs;
    const read = new ForwardedGet({ view, peers, clock, hedger }, task).run();
    const ended = read.then(
      (outcome) => outcome.kind,
      (error) => error.code,
    );
    assert.equal(await world.settle(ended, 5_000), kind);
    assert.ok(world.nowMs - fromMs <= withinMs, `${world.nowMs - fromMs} ms`);
    assert.deepEqual(heard, asked);
  });
}
