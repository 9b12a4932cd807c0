// Keys over HTTP: a value is the body, as the bytes that were stored.
//
//   GET     200 the value · 206 a part of it · 300 all siblings · 304 · 404 · 416
//   PUT     204, whether the key was there or not · 412
//   DELETE  204 · 404 there was nothing · 412
//
// Every answer carries the context to write with next, as X-Kvorum-Context and as its ETag, and a
// receipt: the nodes that answered a read, or have a write. Where siblings met in a keyspace with a
// merge function, it says of how many the value was made (mergedFrom), or why all of them are
// answered instead (mergeFailed).

import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import {
  type Change,
  encodeContext,
  keyspaceCalled,
  type LiveValue,
  type MergeReport,
  type Receipt,
  type Store,
  type VersionVector,
  type WriteOutcome,
} from '../../../node/store.ts';
import { dataCenterCounts } from '../../data-center-counts.ts';
import { DEFAULT_RESP_LIMITS } from '../../resp/limits.ts';
import { methodNotAllowed, type Problem, ProblemError, problemBody } from '../problem.ts';
import { rangeIn } from './byte-range.ts';
import {
  contextIn,
  isKnown,
  type KeyAddress,
  keyIn,
  levelGiven,
  seenIn,
  tagOf,
} from './key-request.ts';
import {
  DeleteQuery,
  ExplainQuery,
  KeyParams,
  type KeyParamsOf,
  ProblemAnswer,
  ReadHeaders,
  ReadQuery,
  type ReadQueryOf,
  SiblingsAnswer,
  WriteHeaders,
  WriteQuery,
  type WriteQueryOf,
} from './key-schemas.ts';
import { conditionFailed, noAnswer, noSuchKey, noSuchPart, unwritten } from './outcome-problem.ts';
import { boundaryFor, multipartOf, siblingJson } from './sibling-body.ts';
import { ValuesUnderWay } from './values-under-way.ts';

interface ReadRoute {
  Params: KeyParamsOf;
  Querystring: ReadQueryOf;
}

interface WriteRoute {
  Params: KeyParamsOf;
  Querystring: WriteQueryOf;
}

const PATH = '/v1/keyspaces/:keyspace/keys/:key';
const RETRY_SECONDS = 1;
const BYTES = { content: { 'application/octet-stream': { schema: { type: 'string' } } } } as const;
const FAILURES = { '4xx': ProblemAnswer, '5xx': ProblemAnswer } as const;
const SPLIT_IT = 'Compress it, or split it over several keys.';
const NOTHING = { type: 'null' } as const;

export function addKeyRoutes(app: FastifyInstance, store: Store): void {
  const underWay = new ValuesUnderWay();
  addRead(app, store, underWay);
  addWrites(app, store, underWay);
  addExplanation(app, store);
  const schema = { hide: true };
  app.route({ method: ['POST', 'PATCH'], url: PATH, schema, handler: refuseMethod });
}

/** For people and for `kvorum explain`: whoever is silent is shown, and nothing is an error. */
function addExplanation(app: FastifyInstance, store: Store): void {
  const schema = {
    summary: 'What each replica has of a key, and why a read answers what it does',
    tags: ['keys'],
    params: KeyParams,
    querystring: ExplainQuery,
  };
  app.get<ReadRoute>(`${PATH}/explanation`, { schema }, async (request) => {
    const { keyspace, key } = addressIn(store, request);
    return store.explain(keyspace.number, key);
  });
}

async function refuseMethod(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const [path = ''] = request.url.split('?');
  reply.header('allow', 'GET, HEAD, PUT, DELETE');
  return problem(reply, methodNotAllowed(request.method, path, 'GET, HEAD, PUT or DELETE'));
}

function addRead(app: FastifyInstance, store: Store, underWay: ValuesUnderWay): void {
  const schema = {
    summary: 'The value of a key, or all of its siblings',
    tags: ['keys'],
    params: KeyParams,
    querystring: ReadQuery,
    headers: ReadHeaders,
    response: {
      200: { description: 'The value.', ...BYTES },
      206: { description: 'The part of it that Range asks for.', ...BYTES },
      300: { description: 'Nobody has reconciled these yet.', ...SiblingsAnswer },
      304: { description: 'As you know it.', ...NOTHING },
      ...FAILURES,
    },
  };
  app.get<ReadRoute>(PATH, { schema }, async (request, reply) => {
    const at = addressIn(store, request);
    const r = levelGiven('r', request.query.r);
    const after = contextIn(request.headers, at.keyspace);
    const outcome = await store.get({ keyspace: at.keyspace.number, key: at.key, r, after });
    if (outcome.kind === 'no-answer') throw retryable(reply, noAnswer(outcome));
    const tag = contextHeaders(reply, at, outcome.context);
    const merge = outcome.kind === 'found' ? mergeFields(outcome.merge) : {};
    reply.header('x-kvorum-receipt', receiptText(store, outcome.receipt, merge));
    if (outcome.kind === 'missing') return problem(reply, noSuchKey());
    if (isKnown(request.headers, tag)) return reply.code(304).send();
    const [only, ...others] = outcome.values as [LiveValue, ...LiveValue[]];
    if (others.length > 0) return siblings(request, reply, at, outcome.values, outcome.context);
    if (only.expiresAt !== 0) reply.header('x-kvorum-expires', String(only.expiresAt));
    underWay.hold(reply, only.value.length);
    return sendValue(request, reply, only.value, tag);
  });
}

function sendValue(
  { method, headers }: FastifyRequest<ReadRoute>,
  reply: FastifyReply,
  value: Buffer,
  tag: string,
): FastifyReply {
  const part = method === 'GET' ? rangeIn(headers, tag, value.length) : undefined;
  if (part === 'unsatisfiable') {
    reply.header('content-range', `bytes */${value.length}`);
    return problem(reply, noSuchPart(value.length));
  }
  reply.type('application/octet-stream').header('accept-ranges', 'bytes');
  if (part === undefined) return reply.send(value);
  const { from, end } = part;
  reply.code(206).header('content-range', `bytes ${from}-${end - 1}/${value.length}`);
  return reply.send(value.subarray(from, end));
}

function addWrites(app: FastifyInstance, store: Store, underWay: ValuesUnderWay): void {
  const written = { description: 'Written.', ...NOTHING };
  const about = { tags: ['keys'], params: KeyParams, headers: WriteHeaders };
  const response = { 204: written, ...FAILURES };
  const put = {
    ...about,
    summary: 'Stores the body under a key',
    consumes: ['application/octet-stream'],
    querystring: WriteQuery,
    response,
  };
  const bodyLimit = DEFAULT_RESP_LIMITS.valueBytesMax;
  const holdBody = async ({ headers }: FastifyRequest, reply: FastifyReply) => {
    // Chunks may come to anything up to the limit.
    underWay.hold(reply, Math.min(Number(headers['content-length'] ?? bodyLimit), bodyLimit));
  };
  app.put<WriteRoute>(
    PATH,
    { schema: put, bodyLimit, errorHandler: nameLimit, onRequest: holdBody },
    async (request, reply) => {
      const { ttl } = request.query;
      const expiresAt = ttl === undefined ? 'default' : store.wallMs() + ttl;
      const value = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      return write(store, request, reply, { kind: 'put', value, expiresAt });
    },
  );
  const remove = { ...about, summary: 'Deletes a key', querystring: DeleteQuery, response };
  app.delete<WriteRoute>(PATH, { schema: remove }, async (request, reply) => {
    return write(store, request, reply, { kind: 'delete' });
  });
}

/** Passes on what was thrown; a body over the limit is a value that is too large. */
function nameLimit(error: FastifyError): never {
  if (error.statusCode !== 413) throw error;
  const { valueBytesMax } = DEFAULT_RESP_LIMITS;
  const message = `the value is larger than ${valueBytesMax} bytes`;
  throw new ProblemError({ status: 413, code: 'VALUE_TOO_LARGE', message, fix: SPLIT_IT });
}

async function write(
  store: Store,
  request: FastifyRequest<WriteRoute>,
  reply: FastifyReply,
  change: Change,
): Promise<FastifyReply> {
  const at = addressIn(store, request);
  const seen = seenIn(request.headers, at.keyspace);
  const w = levelGiven('w', request.query.w);
  const keyed = { keyspace: at.keyspace.number, key: at.key };
  const outcome = await store.write({ ...keyed, change, w, ...seen });
  if (outcome.kind !== 'ok') throw retryable(reply, failure(outcome, change));
  contextHeaders(reply, at, outcome.context);
  reply.header('x-kvorum-receipt', receiptText(store, outcome.receipt));
  return reply.code(204).send();
}

function failure(outcome: Exclude<WriteOutcome, { kind: 'ok' }>, change: Change): Problem {
  if (outcome.kind !== 'condition-failed') return unwritten(outcome);
  const isMissing = change.kind === 'delete' && outcome.previous === undefined;
  return isMissing ? noSuchKey() : conditionFailed();
}

function siblings(
  request: FastifyRequest<ReadRoute>,
  reply: FastifyReply,
  { keyspace }: KeyAddress,
  values: readonly LiveValue[],
  context: VersionVector,
): FastifyReply {
  reply.code(300).header('vary', 'accept');
  if (request.headers.accept?.includes('multipart/mixed')) {
    const boundary = boundaryFor(values);
    reply.type(`multipart/mixed; boundary=${boundary}`);
    return reply.send(multipartOf(values, boundary));
  }
  const text = encodeContext(context, keyspace.number);
  return reply.send({ context: text, siblings: values.map(siblingJson) });
}

/** Throws NO_SUCH_KEYSPACE, KEY_TOO_LONG or BAD_REQUEST. */
function addressIn(
  store: Store,
  { params, query }: { params: KeyParamsOf; query: { encoding: 'utf8' | 'base64url' } },
): KeyAddress {
  const keyspace = keyspaceCalled(store.keyspaces, params.keyspace);
  const key = keyIn(params.key, query.encoding);
  const { keyBytesMax } = DEFAULT_RESP_LIMITS;
  if (key.length <= keyBytesMax) return { keyspace, key };
  const message = `the key has ${key.length} bytes, and ${keyBytesMax} are the most`;
  const fix = 'Name the object by a digest of the key instead.';
  throw new ProblemError({ status: 414, code: 'KEY_TOO_LONG', message, fix });
}

/** The entity tag that it set. */
function contextHeaders(reply: FastifyReply, at: KeyAddress, context: VersionVector): string {
  const tag = tagOf(context, at.keyspace);
  reply.header('x-kvorum-context', tag.slice(1, -1)).header('etag', tag);
  return tag;
}

function receiptText(store: Store, receipt: Receipt, merge: MergeFields = {}): string {
  const { nodes, fallbacks, durability, epoch } = receipt;
  const names = (ids: Receipt['nodes']) => ids.map((id) => store.nodeName(id));
  const who = { nodes: names(nodes), fallbacks: names(fallbacks) };
  const dataCenters = dataCenterCounts(store, receipt);
  return asciiJson({ ...who, durability, epoch, dataCenters, ...merge });
}

interface MergeFields {
  /** So many siblings are one value in this answer. */
  readonly mergedFrom?: number;
  /** Why they are not. */
  readonly mergeFailed?: string;
}

function mergeFields(merge: MergeReport | undefined): MergeFields {
  if (merge === undefined) return {};
  return merge.kind === 'merged' ? { mergedFrom: merge.siblingsCount } : { mergeFailed: merge.why };
}

/** A header holds no other characters, and what a function of a user threw may. */
function asciiJson(value: unknown): string {
  const escaped = (character: string) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  };
  return JSON.stringify(value).replace(/[^ -~]/g, escaped);
}

function problem(reply: FastifyReply, what: Problem): FastifyReply {
  return reply.code(what.status).send(problemBody(what));
}

function retryable(reply: FastifyReply, what: Problem): ProblemError {
  if (what.status === 503) reply.header('retry-after', String(RETRY_SECONDS));
  return new ProblemError(what);
}
