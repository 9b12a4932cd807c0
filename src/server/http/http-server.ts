// The HTTP door of one node: how it listens, how long it waits, and how it closes. What it answers
// is http-app.ts.

import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { KvorumError } from '../../base/errors.ts';
import { type Address, joinAddress, splitAddress } from '../../base/ids.ts';
import type { Log } from '../../host/host.ts';
import { newHttpApp } from './http-app.ts';
import type { MetricsPage } from './metrics-page.ts';
import type { NodeView } from './node-view.ts';
import { problemBody, unreadable } from './problem.ts';

const HEADERS_MS = 5_000;
/** A value of 1 MiB at 100 KB/s. */
const REQUEST_MS = 15_000;
/** How often Node.js looks for requests that exceed the two. */
const CHECK_MS = 1_000;
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
  const app = await newHttpApp({
    ...options,
    metricsPage: () => metrics.page(),
    times: { requestMs: REQUEST_MS, headersMs: HEADERS_MS, checkMs: CHECK_MS },
    onUnreadable: refuseUnreadable,
  });
  app.server.maxConnections = CONNECTIONS_MAX;
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
