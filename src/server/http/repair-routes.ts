// Repairs over HTTP, and what is known of how far copies are the same. They concern the node that
// is asked: the slots that it holds, compared with all others that hold them.

import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import type { Slot } from '../../base/ids.ts';
import { keyspaceCalled } from '../../node/store.ts';
import { foreignOrigin } from './host-guard.ts';
import { KeyspaceParams, ProblemAnswer } from './keys/key-schemas.ts';
import { badRequest } from './keys/outcome-problem.ts';
import type { NodeView, RunningNode } from './node-view.ts';
import { notReady, ProblemError } from './problem.ts';

const SLOT_MAX = 16_383;
const TAGS = ['repair'];
const FAILURES = { '4xx': ProblemAnswer, '5xx': ProblemAnswer } as const;

const BeginQuery = Type.Object(
  {
    slots: Type.Optional(
      Type.String({ description: 'One slot, or the first and the last: 0-16383.' }),
    ),
    keyspace: Type.Optional(Type.String({ description: 'Name or number; all, without it.' })),
  },
  { additionalProperties: false },
);

const RepairAnswer = Type.Object({
  id: Type.Integer(),
  isRunning: Type.Boolean(),
  fromSlot: Type.Integer(),
  toSlot: Type.Integer(),
  slotsTotal: Type.Integer({ description: 'Each slot counts once for each other replica.' }),
  slotsDone: Type.Integer(),
  keys: Type.Integer({ description: 'Keys that differed.' }),
  bytes: Type.Integer({ description: 'Of the objects that were sent for them, both ways.' }),
  tookMs: Type.Integer(),
  leftMs: Type.Optional(Type.Integer({ description: 'Until it ends, if it goes on like this.' })),
  missed: Type.Array(Type.String(), {
    description: 'Nodes that could not be compared, or not wholly.',
  }),
});

const SyncAnswer = Type.Object({
  slots: Type.Array(
    Type.Object({
      fromSlot: Type.Integer(),
      toSlot: Type.Integer(),
      inSyncMs: Type.Integer({
        description: 'When they were the same on all replicas, since 1970; 0: not yet.',
      }),
    }),
  ),
});

interface BeginRoute {
  Querystring: Static<typeof BeginQuery>;
}

export function addRepairRoutes(app: FastifyInstance, view: NodeView): void {
  addBegin(app, view);
  addProgress(app, view);
  addSync(app, view);
}

function addBegin(app: FastifyInstance, view: NodeView): void {
  const schema = {
    summary: 'Compare slots with all other replicas now, and level what differs',
    tags: TAGS,
    querystring: BeginQuery,
    response: { 202: RepairAnswer, ...FAILURES },
  };
  app.post<BeginRoute>('/v1/repairs', { schema }, async ({ query, headers }, reply) => {
    const refused = foreignOrigin(headers.origin);
    if (refused !== undefined) throw refused;
    const { healing } = runningIn(view);
    const { keyspaces } = view.store;
    const called = query.keyspace;
    const keyspace = called === undefined ? undefined : keyspaceCalled(keyspaces, called).number;
    return reply.code(202).send(healing.beginRepair({ keyspace, ...slotsIn(query.slots) }));
  });
}

function addProgress(app: FastifyInstance, view: NodeView): void {
  const schema = {
    summary: 'How far a repair is',
    tags: TAGS,
    params: Type.Object({ id: Type.Integer({ minimum: 1 }) }),
    response: { 200: RepairAnswer, ...FAILURES },
  };
  app.get<{ Params: { id: number } }>('/v1/repairs/:id', { schema }, async ({ params }) => {
    const found = runningIn(view).healing.findRepair(params.id);
    if (found !== undefined) return found;
    const message = `this node knows of no repair ${params.id}`;
    const fix = 'A node that started again has forgotten its repairs: begin another one.';
    throw new ProblemError({ status: 404, code: 'NO_SUCH_REPAIR', message, fix });
  });
}

function addSync(app: FastifyInstance, view: NodeView): void {
  const schema = {
    summary: 'Since when the slots of this node are known to be the same on all replicas',
    tags: TAGS,
    params: KeyspaceParams,
    response: { 200: SyncAnswer, ...FAILURES },
  };
  const path = '/v1/keyspaces/:keyspace/sync';
  app.get<{ Params: { keyspace: string } }>(path, { schema }, async ({ params }) => {
    const { number } = keyspaceCalled(view.store.keyspaces, params.keyspace);
    return { slots: runningIn(view).healing.syncedSlots(number) };
  });
}

function runningIn(view: NodeView): RunningNode {
  const node = view.running();
  if (node === undefined) throw new ProblemError(notReady(view.stage()));
  return node;
}

/** `7` or `7-20`. */
function slotsIn(text: string | undefined): { fromSlot?: Slot; toSlot?: Slot } {
  if (text === undefined) return {};
  const [, from = '', to = from] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  if (from === '' || Number(from) > Number(to) || Number(to) > SLOT_MAX) {
    throw badRequest(`"${text}" is no slot and no stretch of slots`, 'Write 7, or 0-16383.');
  }
  return { fromSlot: Number(from) as Slot, toSlot: Number(to) as Slot };
}
