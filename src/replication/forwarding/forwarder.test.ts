import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KeyspaceNumber } from '../../base/ids.ts';
import { nodeClock } from '../../host/node-clock.ts';
import type { ClusterView } from '../cluster-view.ts';
import { DEFAULT_KEYSPACE, type Keyspace, SIBLINGS_KEYSPACE } from '../keyspace.ts';
import { ofAll } from '../levels/need.ts';
import type { Answer, Asking, MemberIndex } from '../peers.ts';
import { noHedges } from '../read/hedger.ts';
import type { WriteOutcome, WriteRequest } from '../request.ts';
import { Forwarder } from './forwarder.ts';

const OK = { kind: 'ok', dot: { actor: 1, counter: 1 }, context: [], previous: undefined };
const wrote = (outcome: object) => ({ kind: 'wrote', outcome }) as unknown as Answer;
const LOST: Answer = { kind: 'lost', wasSent: true };
const UNSENT: Answer = { kind: 'lost', wasSent: false };
const TURNED_DOWN = { kind: 'refused', why: 'no', fix: 'Wait.' } as const;
const REFUSED: Answer = { ...TURNED_DOWN, code: 'NOT_ENOUGH_REPLICAS' };
const ELSEWHERE = wrote({ kind: 'condition-failed', previous: undefined });
const REST = { clock: nodeClock(), requestMs: 1_000, replica: { time: 7 }, hedges: noHedges() };
const TERMS = { keyspace: DEFAULT_KEYSPACE, need: ofAll(2) };
const PUT = { kind: 'put', value: Buffer.from('v'), expiresAt: 0 } as const;
const DELETE = { kind: 'delete' } as const;
const EXPIRE = { kind: 'expire', expiresAt: 5 } as const;
const LONELY = wrote({ kind: 'not-applied', needed: 2, got: 1 });
const WRITTEN = wrote({ ...OK, receipt: { nodes: ['a'], durability: 'fsync', epoch: 1 } });
const UNSURE = wrote({ kind: 'indeterminate', needed: 2, got: 1 });

function viewOf(parts: Partial<ClusterView> = {}): ClusterView {
  const well = { isAlive: () => true, isSlow: () => false, isDiskFull: () => false };
  const dataCenterOf = () => 'here';
  return { memberCount: 3, epoch: 1, dataCenterOf, ...well, ...parts } as unknown as ClusterView;
}

/** What each primary answers in turn, who is asked of them, and what comes of it. */
const WRITES: readonly (readonly [what: string, Answer[], asked: number, WriteOutcome['kind']])[] =
  [
    ['the first writes it', [WRITTEN, WRITTEN], 1, 'ok'],
    ['the first never got it', [UNSENT, WRITTEN], 2, 'ok'],
    ['the first is no primary', [REFUSED, WRITTEN], 2, 'ok'],
    ['the first sees nobody else', [LONELY, WRITTEN], 2, 'ok'],
    ['nobody sees enough others', [LONELY, LONELY], 2, 'not-applied'],
    ['the first is lost with it', [LOST, WRITTEN], 1, 'indeterminate'],
    ['the first is not sure', [UNSURE, WRITTEN], 1, 'indeterminate'],
    ['the second is lost with it', [LONELY, LOST], 2, 'indeterminate'],
  ];

for (const [what, answers, asked, kind] of WRITES) {
  test(`a write is handed on: ${what}`, async () => {
    const heard: MemberIndex[] = [];
    const peers: Asking = {
      ask: ([member = -1], { onAnswer }) => {
        heard.push(member);
        queueMicrotask(() => onAnswer(member, answers[member] as Answer));
      },
    };
    const view = viewOf();
    const forwarder = new Forwarder({ view, peers, ...REST });
    const request: WriteRequest = {
      keyspace: 0 as KeyspaceNumber,
      key: Buffer.from('a'),
      change: PUT,
    };
    const outcome = await forwarder.write(TERMS, request, [0, 1]);
    assert.equal(outcome.kind, kind);
    assert.equal(heard.length, asked);
  });
}

/** The first primary is lost with it; what the second answers decides. */
const SECOND_ATTEMPTS: readonly (readonly [
  what: string,
  keyspace: Keyspace,
  request: Pick<WriteRequest, 'change' | 'returnPrevious'>,
  second: Answer,
  kind: WriteOutcome['kind'],
  asked: number,
])[] = [
  ['a delete is done now', DEFAULT_KEYSPACE, { change: DELETE }, WRITTEN, 'ok', 2],
  ['also where siblings are kept', SIBLINGS_KEYSPACE, { change: DELETE }, WRITTEN, 'ok', 2],
  ['an expiry is set now', DEFAULT_KEYSPACE, { change: EXPIRE }, WRITTEN, 'ok', 2],
  ['something newer stands', DEFAULT_KEYSPACE, { change: DELETE }, ELSEWHERE, 'indeterminate', 2],
  ['nobody takes it', DEFAULT_KEYSPACE, { change: DELETE }, LONELY, 'indeterminate', 2],
  [
    'an expiry would be a sibling',
    SIBLINGS_KEYSPACE,
    { change: EXPIRE },
    WRITTEN,
    'indeterminate',
    1,
  ],
  [
    'a value would stand there twice',
    SIBLINGS_KEYSPACE,
    { change: PUT },
    WRITTEN,
    'indeterminate',
    1,
  ],
  [
    'what was there before is gone',
    DEFAULT_KEYSPACE,
    { change: DELETE, returnPrevious: true },
    WRITTEN,
    'indeterminate',
    1,
  ],
];

for (const [what, keyspace, wanted, second, kind, asked] of SECOND_ATTEMPTS) {
  test(`the first primary is lost with ${wanted.change.kind}: ${what}`, async () => {
    const sent: WriteRequest[] = [];
    const peers: Asking = {
      ask: ([member = -1], { request, onAnswer }) => {
        sent.push(request as unknown as WriteRequest);
        queueMicrotask(() => onAnswer(member, member === 0 ? LOST : second));
      },
    };
    const view = viewOf();
    const forwarder = new Forwarder({ view, peers, ...REST });
    const request = { keyspace: keyspace.number, key: Buffer.from('a'), ...wanted };
    const outcome = await forwarder.write({ ...TERMS, keyspace }, request, [0, 1]);
    assert.equal(outcome.kind, kind);
    if (outcome.kind === 'indeterminate') assert.equal(outcome.needed, 2);
    const [first, ...again] = sent;
    assert.equal(again.length, asked - 1);
    assert.equal(first?.before, undefined);
    for (const { before } of again) assert.ok(before !== undefined && before > 7);
  });
}

test('a write that nobody took says whose disk is full', async () => {
  const answers: Answer[] = [{ ...TURNED_DOWN, code: 'DISK_FULL' }, REFUSED];
  const peers: Asking = {
    ask: ([member = -1], { onAnswer }) =>
      queueMicrotask(() => onAnswer(member, answers[member] as Answer)),
  };
  const view = viewOf();
  const forwarder = new Forwarder({ view, peers, ...REST });
  const request = { change: { kind: 'delete' } } as unknown as WriteRequest;
  const why = { code: 'DISK_FULL', message: 'no (Wait.)' };
  const outcome = await forwarder.write(TERMS, request, [0, 1]);
  assert.deepEqual(outcome, { kind: 'not-applied', needed: 2, got: 0, why });
});

test('a write that nobody took says what the last of them lacked', async () => {
  const peers: Asking = {
    ask: (_, { onAnswer }) => queueMicrotask(() => onAnswer(0, LONELY)),
  };
  const view = viewOf();
  const forwarder = new Forwarder({ view, peers, ...REST });
  const request = { change: { kind: 'delete' } } as unknown as WriteRequest;
  assert.deepEqual(await forwarder.write(TERMS, request, [0]), {
    kind: 'not-applied',
    needed: 2,
    got: 1,
  });
});

/** Who is unfit; then who is asked in turn of what all of them refuse. */
const ORDERS: readonly (readonly [
  what: string,
  view: Partial<ClusterView>,
  request: Partial<WriteRequest>,
  asked: readonly MemberIndex[],
])[] = [
  ['all are well', {}, { change: PUT }, [0, 1, 2]],
  ['the disk of one is full', { isDiskFull: (member) => member === 0 }, { change: PUT }, [1, 2, 0]],
  ['two are slow', { isSlow: (member) => member < 2 }, { change: PUT }, [2, 0, 1]],
  ['one is dead', { isAlive: (member) => member !== 1 }, { change: PUT }, [0, 2]],
  [
    'the first is full, and the write depends on the value',
    { isDiskFull: (member) => member === 0 },
    { change: PUT, condition: 'absent' },
    [0, 1, 2],
  ],
];

for (const [what, unfit, request, asked] of ORDERS) {
  test(`a write is handed on to ${asked.join(', ')} where ${what}`, async () => {
    const heard: MemberIndex[] = [];
    const peers: Asking = {
      ask: ([member = -1], { onAnswer }) => {
        heard.push(member);
        queueMicrotask(() => onAnswer(member, REFUSED));
      },
    };
    const forwarder = new Forwarder({ view: viewOf(unfit), peers, ...REST });
    await forwarder.write(TERMS, request as WriteRequest, [0, 1, 2]);
    assert.deepEqual(heard, asked);
  });
}
