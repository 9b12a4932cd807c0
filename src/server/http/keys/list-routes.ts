// Keyspaces over HTTP, and the keys in them: in the order of slots, a page at a time. A cursor is
// the place where the page before ended, so it stays good for ever and no node remembers it; keys
// that are there all the time are listed exactly once, others perhaps.

import type { FastifyInstance } from 'fastify';
import type { Slot } from '../../../base/ids.ts';
import { type KeyPosition, keyspaceCalled, type Store } from '../../../node/store.ts';
import { slotOf } from '../../../ring/slot.ts';
import { ProblemError } from '../problem.ts';
import {
  KeysAnswer,
  KeyspaceAnswer,
  KeyspaceParams,
  KeyspacesAnswer,
  ListQuery,
  type ListQueryOf,
  ProblemAnswer,
} from './key-schemas.ts';
import { badRequest, noAnswer } from './outcome-problem.ts';
import { textOf } from './sibling-body.ts';

interface KeyspaceRoute {
  Params: { keyspace: string };
}

const CURSOR = /^(\d{1,5})-([0-9a-f]{8})$/;
const FAILURES = { '4xx': ProblemAnswer, '5xx': ProblemAnswer } as const;

export function addListRoutes(app: FastifyInstance, store: Store): void {
  const tags = ['keyspaces'];
  const all = { summary: 'All keyspaces', tags, response: { 200: KeyspacesAnswer } };
  app.get('/v1/keyspaces', { schema: all }, async () => ({ keyspaces: store.keyspaces }));

  const one = {
    summary: 'One keyspace',
    tags,
    params: KeyspaceParams,
    response: { 200: KeyspaceAnswer, ...FAILURES },
  };
  app.get<KeyspaceRoute>('/v1/keyspaces/:keyspace', { schema: one }, async ({ params }) => {
    return keyspaceCalled(store.keyspaces, params.keyspace);
  });

  const list = {
    summary: 'The keys of a keyspace, a page at a time',
    tags: ['keys'],
    params: KeyspaceParams,
    querystring: ListQuery,
    response: { 200: KeysAnswer, ...FAILURES },
  };
  app.get<KeyspaceRoute & { Querystring: ListQueryOf }>(
    '/v1/keyspaces/:keyspace/keys',
    { schema: list },
    async ({ params, query }) => {
      return listKeys(store, keyspaceCalled(store.keyspaces, params.keyspace), query);
    },
  );
}

async function listKeys(
  store: Store,
  { number }: Store['keyspaces'][number],
  { count, slot, cursor }: ListQueryOf,
) {
  const start: KeyPosition = { slot: (slot ?? 0) as Slot, hash: 0 };
  const from = cursor === undefined ? start : positionIn(cursor);
  const page = await store.listKeys({ keyspace: number, from, count });
  if (page.kind === 'no-answer') throw new ProblemError(noAnswer(page));
  const listed = page.keys.map((key) => {
    const { text, encoding } = textOf(key);
    return { key: text, encoding, slot: slotOf(key) };
  });
  const { next } = page;
  const isOver = next === undefined || (slot !== undefined && next.slot > slot);
  return {
    keys: slot === undefined ? listed : listed.filter((each) => each.slot === slot),
    next: isOver ? null : cursorOf(next),
  };
}

function cursorOf({ slot, hash }: KeyPosition): string {
  return `${slot}-${hash.toString(16).padStart(8, '0')}`;
}

function positionIn(cursor: string): KeyPosition {
  const [, slot = '', hash = ''] = CURSOR.exec(cursor) ?? [];
  if (slot === '' || Number(slot) > 16_383) {
    throw badRequest(`"${cursor}" is no cursor`, 'Send `next` of the page before, or none.');
  }
  return { slot: Number(slot) as Slot, hash: Number.parseInt(hash, 16) };
}
