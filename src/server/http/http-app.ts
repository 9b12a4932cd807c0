// What the HTTP door answers; how it listens is http-server.ts.
//
//   GET /healthz     200 as long as the event loop turns
//   GET /readyz      200 when clients are served, 503 while starting or stopping
//   GET /metrics     Prometheus text
//   GET /v1/status   the cluster as this node sees it
//       /v1/keyspaces/…            keys: keys/
//       /v1/repairs                repair-routes.ts
//   GET /v1/openapi.json, /v1/docs the same for programs and for people: api-document.ts
//
// There is no CORS, so that no web page can read a node through its visitor's browser.

import type { Socket } from 'node:net';
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../host/host.ts';
import { addDocument, collectRoutes } from './api-document.ts';
import { foreignHost } from './host-guard.ts';
import { refuseUnheeded } from './keys/key-request.ts';
import { addKeyRoutes } from './keys/key-routes.ts';
import { addListRoutes } from './keys/list-routes.ts';
import type { MetricsPage } from './metrics-page.ts';
import type { NodeView } from './node-view.ts';
import {
  methodNotAllowed,
  noSuchPath,
  notReady,
  type Problem,
  problemBody,
  problemOf,
  unreadablePath,
} from './problem.ts';
import { addRepairRoutes } from './repair-routes.ts';
import { statusPage } from './status-page.ts';

/** Of requests that have no body of their own size: probes and mistakes. */
const BODY_BYTES_MAX = 64 * 1024;
/** A key of 16 KiB, every byte of it as %XX, and a context. */
const HEADER_BYTES_MAX = 64 * 1024;

export interface HttpAppOptions {
  readonly view: NodeView;
  readonly log: Log;
  readonly metricsPage: () => Promise<MetricsPage>;
  /** Times within which a request must arrive, in milliseconds. */
  readonly times: {
    readonly requestMs: number;
    readonly headersMs: number;
    readonly checkMs: number;
  };
  /** Answers bytes that were no request. */
  readonly onUnreadable: (code: string | undefined, socket: Socket) => void;
}

export async function newHttpApp(options: HttpAppOptions): Promise<FastifyInstance> {
  const { view, log, metricsPage, times, onUnreadable } = options;
  const app = fastify({
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: times.requestMs,
    forceCloseConnections: 'idle',
    http: {
      headersTimeout: times.headersMs,
      connectionsCheckingInterval: times.checkMs,
      maxHeaderSize: HEADER_BYTES_MAX,
    },
    routerOptions: { maxParamLength: HEADER_BYTES_MAX },
    // A misspelt parameter is refused, not dropped.
    ajv: { customOptions: { removeAdditional: false } },
    frameworkErrors: (error, _, reply) => answer(reply, unreadablePath(error.message)),
    return503OnClosing: false,
    clientErrorHandler: (error, socket) => onUnreadable(error.code, socket),
  });
  answerErrors(app, log);
  app.addHook('onRequest', async (request) => {
    const refused = foreignHost(request.headers.host);
    if (refused !== undefined) throw refused;
  });
  addHealth(app, view);
  app.get('/metrics', async (_, reply) => {
    const page = await metricsPage();
    return reply.type(page.contentType).send(await page.text());
  });
  await collectRoutes(app);
  await app.register(async (api) => addApi(api, view));
  addDocument(app);
  return app;
}

function answerErrors(app: FastifyInstance, log: Log): void {
  app.setErrorHandler((error, request, reply) => {
    const problem = problemOf(error);
    if (problem.status === 500) {
      log.error('request failed', { path: request.url, why: messageOf(error) });
    }
    return answer(reply, problem);
  });
  app.setNotFoundHandler((request, reply) => {
    const [path = ''] = request.url.split('?');
    const isKnown = app.hasRoute({ method: 'GET', url: path });
    const problem = isKnown
      ? methodNotAllowed(request.method, path, 'GET')
      : noSuchPath(request.method, path);
    if (isKnown) reply.header('allow', 'GET, HEAD');
    return answer(reply, problem);
  });
}

function answer(reply: FastifyReply, problem: Problem): FastifyReply {
  if (problem.status === 503) reply.header('retry-after', '1');
  return reply.code(problem.status).send(problemBody(problem));
}

function addHealth(app: FastifyInstance, view: NodeView): void {
  app.get('/healthz', async () => ({ isAlive: true, node: view.name }));
  app.get('/readyz', async (_, reply) => {
    const stage = view.stage();
    const hasQuorum = view.running()?.isReady() ?? false;
    const isReady = stage === 'serving';
    const reason = isReady ? undefined : `this node is ${stage}`;
    return reply.code(isReady ? 200 : 503).send({ isReady, stage, hasQuorum, reason });
  });
}

/** Everything that needs a node which serves. */
function addApi(api: FastifyInstance, view: NodeView): void {
  // A value is bytes, whatever type its sender gave it.
  api.removeAllContentTypeParsers();
  api.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body, done) => done(null, body));
  api.get('/v1/status', { schema: { summary: 'The cluster', tags: ['cluster'] } }, (_, reply) => {
    const node = view.running();
    if (node !== undefined) return reply.send(statusPage(node, view.stage()));
    return answer(reply, notReady(view.stage()));
  });
  addRepairRoutes(api, view);
  api.register(async (keys) => {
    keys.addHook('onRequest', async (_, reply) => {
      if (view.stage() !== 'starting') return;
      await answer(reply, notReady('starting'));
    });
    keys.addHook('onRequest', async ({ headers }) => refuseUnheeded(headers));
    addKeyRoutes(keys, view.store);
    addListRoutes(keys, view.store);
  });
}
