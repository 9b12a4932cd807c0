// The HTTP door of one node: is it alive, is it ready, how is it doing.
//
//   GET /healthz     200 as long as the event loop turns
//   GET /readyz      200 when clients are served, 503 while starting or stopping
//   GET /metrics     Prometheus text
//   GET /v1/status   the cluster as this node sees it
//
// Time-outs are tight and bodies small, because nothing here needs more; there is no CORS, so that
// no web page can read a node through its visitor's browser.

import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import fastify, { type FastifyInstance } from 'fastify';
import { KvorumError, messageOf } from '../../base/errors.ts';
import { type Address, joinAddress, splitAddress } from '../../base/ids.ts';
import type { Log } from '../../host/host.ts';
import type { MetricsPage } from './metrics-page.ts';
import type { NodeView } from './node-view.ts';
import {
  methodNotAllowed,
  noSuchPath,
  notReady,
  problemBody,
  problemOf,
  unreadable,
} from './problem.ts';
import { statusPage } from './status-page.ts';

const HEADERS_MS = 5_000;
const REQUEST_MS = 15_000;
/** How often Node.js looks for requests that exceed the two. */
const CHECK_MS = 1_000;
const BODY_BYTES_MAX = 64 * 1024;
/** Scrapers, probes and people: none of them needs more. */
const CONNECTIONS_MAX = 1_000;
const DRAIN_MS = 2_000;

export interface HttpServerOptions {
  readonly address: Address;
  readonly view: NodeView;
  readonly log: Log;
}

export interface HttpServer {
  readonly address: Address;
  /** Begins to measure the process (event-loop lag, garbage collection) for /metrics. */
  measure(): Promise<void>;
  /** Answers what is in flight, then closes; after two seconds come what may. */
  close(): Promise<void>;
}

/** Rejects with PORT_IN_USE, or BAD_OPTION where this machine has no such address. */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const metrics = new LateMetrics(options.view);
  const app = newServer(options, metrics);
  const { host, port } = splitAddress(options.address);
  try {
    await app.listen({ host, port });
  } catch (cause) {
    throw listenError(options.address, cause);
  }
  const bound = app.server.address();
  const boundPort = bound !== null && typeof bound === 'object' ? bound.port : port;
  return {
    address: joinAddress(host, boundPort),
    async measure() {
      await metrics.page();
    },
    async close() {
      const deadline = setTimeout(() => app.server.closeAllConnections(), DRAIN_MS);
      await app.close();
      clearTimeout(deadline);
    },
  };
}

/** The metrics library is loaded when the node serves: starting must not wait for it. */
class LateMetrics {
  readonly #view: NodeView;
  #page: Promise<MetricsPage> | undefined;

  constructor(view: NodeView) {
    this.#view = view;
  }

  page(): Promise<MetricsPage> {
    this.#page ??= import('./metrics-page.ts').then(({ metricsPage }) => metricsPage(this.#view));
    return this.#page;
  }
}

function newServer({ view, log }: HttpServerOptions, metrics: LateMetrics): FastifyInstance {
  const app = fastify({
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_MS,
    forceCloseConnections: 'idle',
    http: { headersTimeout: HEADERS_MS, connectionsCheckingInterval: CHECK_MS },
    return503OnClosing: false,
    clientErrorHandler: (error, socket) => refuseUnreadable(error.code, socket),
  });
  app.server.maxConnections = CONNECTIONS_MAX;
  app.setErrorHandler((error, request, reply) => {
    const problem = problemOf(error);
    if (problem.status >= 500) {
      log.error('request failed', { path: request.url, why: messageOf(error) });
    }
    return reply.code(problem.status).send(problemBody(problem));
  });
  app.setNotFoundHandler((request, reply) => {
    const [path = ''] = request.url.split('?');
    const isKnown = app.hasRoute({ method: 'GET', url: path });
    const problem = (isKnown ? methodNotAllowed : noSuchPath)(request.method, path);
    if (isKnown) reply.header('allow', 'GET, HEAD');
    return reply.code(problem.status).send(problemBody(problem));
  });
  addHealth(app, view);
  addPages(app, view, metrics);
  return app;
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

function addPages(app: FastifyInstance, view: NodeView, metrics: LateMetrics): void {
  app.get('/metrics', async (_, reply) => {
    const page = await metrics.page();
    return reply.type(page.contentType).send(await page.text());
  });
  app.get('/v1/status', async (_, reply) => {
    const node = view.running();
    if (node !== undefined) return statusPage(node, view.stage());
    const problem = notReady(view.stage());
    return reply.code(problem.status).send(problemBody(problem));
  });
}

function refuseUnreadable(code: string | undefined, socket: Socket): void {
  if (code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = unreadable(code);
  const body = JSON.stringify(problemBody(problem));
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

function listenError(address: Address, cause: unknown): KvorumError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'EADDRINUSE') {
    const fix = 'Stop the process that has it, or choose another with --http.';
    return new KvorumError('PORT_IN_USE', `something already listens on ${address}`, fix, cause);
  }
  const fix = 'Choose an address of this machine and a port that you may bind with --http.';
  return new KvorumError('BAD_OPTION', `cannot listen on ${address}: ${code}`, fix, cause);
}
