// What `kvorum status` and `kvorum keyspace` ask one node over HTTP: the cluster as it sees it.

import { get } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { KvorumError, messageOf } from '../base/errors.ts';
import type { StatusPage } from '../server/http/status-page.ts';
import { badOption } from './config/node-setting.ts';
import { durationMs } from './duration.ts';

export interface StatusFlags {
  readonly url: string;
  readonly timeout: string;
  readonly json?: boolean;
}

export function addStatusOptions(command: Command): Command {
  const url = process.env.KVORUM_HTTP_URL ?? 'http://127.0.0.1:8001';
  return command
    .option('--url <url>', 'the HTTP address of any node', url)
    .option('--timeout <duration>', 'how long to wait for an answer', '5s')
    .option('--json', 'print JSON');
}

/** Rejects with UNREACHABLE, NO_ANSWER or BAD_OPTION. */
export async function fetchStatus({ url, timeout }: StatusFlags): Promise<StatusPage> {
  const timeoutMs = durationMs(timeout, '--timeout');
  if (!/^http:\/\/[^/]/.test(url) || !URL.canParse(url)) {
    throw badOption(`"${url}" is not the URL of a node`, 'Write http://127.0.0.1:8001.');
  }
  const { status, body } = await fetchText(new URL('/v1/status', url), timeoutMs);
  if (status === 200) return JSON.parse(body) as StatusPage;
  const message = `${url} answered ${status}: ${body.slice(0, 200)}`;
  throw new KvorumError('UNREACHABLE', message, 'Check that this is the HTTP address of a node.');
}

function fetchText(url: URL, timeoutMs: number): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const fail = (cause: unknown) => reject(fetchError(url, timeoutMs, signal.aborted, cause));
    const request = get(url, { signal, agent: false }, (response) => {
      text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), fail);
    });
    request.on('error', fail);
  });
}

function fetchError(url: URL, timeoutMs: number, isLate: boolean, cause: unknown): KvorumError {
  if (isLate) {
    const message = `${url.origin} did not answer within ${timeoutMs} ms`;
    return new KvorumError('NO_ANSWER', message, 'See whether the node is overloaded.', cause);
  }
  const fix = 'Start a cluster with kvorum dev, or give the address of a node with --url.';
  const message = `cannot talk to ${url.origin}: ${messageOf(cause)}`;
  return new KvorumError('UNREACHABLE', message, fix, cause);
}
