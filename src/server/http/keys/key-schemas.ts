// What requests for keys may hold and what their answers look like: fastify checks the first and
// writes the second by them, and the OpenAPI document is made of them.

import Type, { type Static } from 'typebox';
import { LEVEL_NAMES } from '../../../node/store.ts';

const SLOT_MAX = 16_383;
/** A century: more is a mistake, such as seconds since 1970. */
const TTL_MS_MAX = 100 * 365 * 86_400_000;

const KeyspaceName = Type.String({ description: 'Name or number of the keyspace.' });
const Level = (description: string) =>
  Type.String({ description: `${description} A number, or ${LEVEL_NAMES.join(', ')}.` });
const LEVEL = [Type.Integer(), Type.Enum([...LEVEL_NAMES])];
const KeyEncoding = Type.Enum(['utf8', 'base64url'], {
  default: 'utf8',
  description: 'How the key stands in the path: as percent-encoded UTF-8, or as base64url.',
});
const Encoding = Type.Enum(['utf8', 'base64']);

export const KeyspaceParams = Type.Object({ keyspace: KeyspaceName });
export const KeyParams = Type.Object({
  keyspace: KeyspaceName,
  key: Type.String({ description: 'Up to 16 KiB; a slash is written %2F.' }),
});

export const ReadQuery = Type.Object(
  {
    r: Type.Optional(Level('Replicas to read from, instead of the keyspace’s R.')),
    encoding: KeyEncoding,
  },
  { additionalProperties: false },
);

export const WriteQuery = Type.Object(
  {
    w: Type.Optional(Level('Durable copies to wait for, instead of the keyspace’s W.')),
    ttl: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: TTL_MS_MAX,
        description: 'Milliseconds until the value expires; without it as the keyspace says.',
      }),
    ),
    encoding: KeyEncoding,
  },
  { additionalProperties: false },
);

export const DeleteQuery = Type.Object(
  { w: WriteQuery.properties.w, encoding: KeyEncoding },
  { additionalProperties: false },
);

export const ExplainQuery = Type.Object({ encoding: KeyEncoding }, { additionalProperties: false });

export const ListQuery = Type.Object(
  {
    count: Type.Integer({
      minimum: 1,
      maximum: 1_000,
      default: 100,
      description: 'Roughly how many keys; a page may hold more, fewer, or none.',
    }),
    slot: Type.Optional(
      Type.Integer({ minimum: 0, maximum: SLOT_MAX, description: 'Only keys of this slot.' }),
    ),
    cursor: Type.Optional(Type.String({ description: '`next` of the page before.' })),
  },
  { additionalProperties: false },
);

export const WriteHeaders = Type.Object({
  'x-kvorum-context': Type.Optional(
    Type.String({ description: 'What was read: the write replaces it, and nothing newer.' }),
  ),
  'if-match': Type.Optional(
    Type.String({ description: 'Write only if the key still has this ETag; `*`: if it exists.' }),
  ),
  'if-none-match': Type.Optional(
    Type.String({ description: '`*`: write only if there is no value.' }),
  ),
});

export const ReadHeaders = Type.Object({
  'x-kvorum-context': Type.Optional(
    Type.String({ description: 'What was seen before: the answer is never older than that.' }),
  ),
  'if-none-match': Type.Optional(
    Type.String({ description: 'ETag of what is known: answers 304 when that still stands.' }),
  ),
  range: Type.Optional(
    Type.String({ description: 'A part of the value, `bytes=0-99` for example: answers 206.' }),
  ),
  'if-range': Type.Optional(
    Type.String({ description: 'ETag: the part only if that still stands, else the whole value.' }),
  ),
});

export const SiblingsAnswer = Type.Object({
  context: Type.String(),
  siblings: Type.Array(
    Type.Object({
      value: Type.String(),
      encoding: Encoding,
      expiresAt: Type.Union([Type.Integer(), Type.Null()], {
        description: 'Milliseconds since 1970; null: never.',
      }),
    }),
  ),
});

export const KeysAnswer = Type.Object({
  keys: Type.Array(Type.Object({ key: Type.String(), encoding: Encoding, slot: Type.Integer() })),
  next: Type.Union([Type.String(), Type.Null()], {
    description: 'Cursor of the next page; null: that was the last one.',
  }),
});

export const KeyspaceAnswer = Type.Object({
  name: Type.String(),
  number: Type.Integer(),
  n: Type.Integer({ description: 'Copies of each key, on distinct hosts.' }),
  copies: Type.Optional(
    Type.Record(Type.String(), Type.Integer(), {
      description: 'So many of them in each data center; absent: wherever they fall.',
    }),
  ),
  r: Type.Union(LEVEL, { description: 'Answers that a read waits for: a number, or a level.' }),
  w: Type.Union(LEVEL, { description: 'Copies that a write waits for: a number, or a level.' }),
  isSloppy: Type.Boolean({ description: 'Whether fallbacks stand in for nodes that are away.' }),
  conflictRule: Type.Enum(['latest', 'siblings', 'merge']),
  merge: Type.Optional(
    Type.Object({
      name: Type.String({ description: 'What merges siblings: a ready function or a module.' }),
      limitMs: Type.Integer({ description: 'For one read, of a module.' }),
    }),
  ),
  durability: Type.String({ description: 'What each of the W copies has reached by then.' }),
  ttlMs: Type.Integer({ description: 'Of values whose writer says nothing of it; 0: never.' }),
  limits: Type.Object({
    siblingsWarned: Type.Integer(),
    siblingsMax: Type.Integer({ description: 'A write that leaves more is refused.' }),
    objectBytesMax: Type.Integer({ description: 'Of all siblings of a key together.' }),
  }),
});

export const KeyspacesAnswer = Type.Object({ keyspaces: Type.Array(KeyspaceAnswer) });

export const ProblemAnswer = Type.Object({
  code: Type.String({ description: 'See docs/errors.md.' }),
  message: Type.String(),
  cause: Type.Optional(Type.String()),
  fix: Type.String({ description: 'What to do about it.' }),
  docs: Type.String(),
});

export type KeyParamsOf = Static<typeof KeyParams>;
export type ReadQueryOf = Static<typeof ReadQuery>;
export type WriteQueryOf = Static<typeof WriteQuery>;
export type ListQueryOf = Static<typeof ListQuery>;
