// What the commands that ask a node over HTTP have in common: where it is, one request to it, and
// what its errors mean for whoever waits at the prompt.

import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { ERROR_CODES, KvorumError, messageOf } from '../base/errors.ts';
import { badOption } from './config/node-setting.ts';
import { durationMs } from './duration.ts';

export interface HttpFlags {
  readonly url: string;
  readonly timeout: string;
  readonly json?: boolean;
}

type Method = 'GET' | 'POST';

const DEFAULT_URL = 'http://127.0.0.1:8001';

export function addHttpOptions(command: Command): Command {
  const url = process.env.KVORUM_HTTP_URL ?? DEFAULT_URL;
  return command
    .option('--url <url>', 'the HTTP address of any node', url)
    .option('--timeout <duration>', 'how long to wait for an answer', '5s')
    .option('--json', 'print JSON');
}

/** Rejects with UNREACHABLE, NO_ANSWER, BAD_OPTION, or what the node's answer says. */
export function fetchJson(flags: HttpFlags, path: string): Promise<unknown> {
  return askJson(flags, 'GET', path);
}

/** The same, for what changes something. */
export function postJson(flags: HttpFlags, path: string): Promise<unknown> {
  return askJson(flags, 'POST', path);
}

async function askJson(flags: HttpFlags, method: Method, path: string): Promise<unknown> {
  const { url } = flags;
  if (!/^http:\/\/[^/]/.test(url) || !URL.canParse(url)) {
    throw badOption(`"${url}" is not the URL of a node`, `Write ${DEFAULT_URL}.`);
  }
  const timeoutMs = durationMs(flags.timeout, '--timeout');
  const { status, body } = await fetchText(new URL(path, url), method, timeoutMs);
  if (status >= 200 && status < 300) return JSON.parse(body);
  throw errorIn(url, status, body);
}

function fetchText(
  url: URL,
  method: Method,
  timeoutMs: number,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const fail = (cause: unknown) => reject(fetchError(url, timeoutMs, signal.aborted, cause));
    const sent = request(url, { method, signal, agent: false }, (response) => {
      text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), fail);
    });
    sent.on('error', fail);
    sent.end();
  });
}

/** The problem that a node describes; anything else did not come from one. */
function errorIn(url: string, status: number, body: string): KvorumError {
  const { code, message, fix } = problemIn(body);
  if (message !== undefined && fix !== undefined) {
    const known = ERROR_CODES.find((each) => each === code);
    return new KvorumError(known ?? (status < 500 ? 'BAD_OPTION' : 'UNREACHABLE'), message, fix);
  }
  const what = `${url} answered ${status}: ${body.slice(0, 200)}`;
  return new KvorumError('UNREACHABLE', what, 'Check that this is the HTTP address of a node.');
}

function problemIn(body: string): Readonly<Record<string, string | undefined>> {
  try {
    return JSON.parse(body);
  } catch (error) {
    return { cause: messageOf(error) };
  }
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
