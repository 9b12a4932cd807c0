// What get, put and del have in common: where the node is, one command to it, and what its error
// replies mean for whoever waits at the prompt.

import type { Command } from 'commander';
import { ERROR_CODES, type ErrorCode, KvorumError } from '../base/errors.ts';
import { type Address, asAddress } from '../base/ids.ts';
import { ReplyError, type RespValue } from '../client/reply-parser.ts';
import { RespConnection } from '../client/resp-connection.ts';
import { badOption } from './config/node-setting.ts';
import { durationMs } from './duration.ts';

export interface KeyFlags {
  readonly url: string;
  readonly timeout: string;
  readonly keyspace?: string;
  readonly json?: boolean;
}

const DEFAULT_URL = 'redis://127.0.0.1:7001';
const REDIRECTS_MAX = 3;

export function defaultUrl(): string {
  return process.env.KVORUM_URL ?? DEFAULT_URL;
}

export function addKeyOptions(command: Command): Command {
  return command
    .option('--url <url>', 'any node of the cluster', defaultUrl())
    .option('--keyspace <name>', 'its name or number (default)')
    .option('--timeout <duration>', 'how long to wait for an answer', '5s')
    .option('--json', 'print JSON');
}

/** Rejects with UNREACHABLE, NO_ANSWER, or what the error reply says. */
export async function sendCommand(
  flags: KeyFlags,
  words: readonly (string | Buffer | number)[],
  protocol: 2 | 3 = 2,
): Promise<RespValue> {
  const timeoutMs = durationMs(flags.timeout, '--timeout');
  let address = addressIn(flags.url);
  for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects++) {
    const connection = await RespConnection.open(address, { timeoutMs, protocol });
    const reply = await sendIn(flags.keyspace, connection, words).finally(() => connection.close());
    if (!(reply instanceof ReplyError)) return reply;
    if (reply.word !== 'MOVED') throw errorIn(reply);
    address = asAddress(reply.text.split(' ')[2] ?? '');
  }
  const why = `the nodes sent this command from one to the other ${REDIRECTS_MAX} times`;
  throw new KvorumError('UNREACHABLE', why, 'See whether kvorum status is the same on all nodes.');
}

/** The same for KV.GET, KV.PUT and KV.DEL, whose answers have names. */
export function sendKvCommand(
  flags: KeyFlags,
  words: readonly (string | Buffer | number)[],
): Promise<RespValue> {
  return sendCommand(flags, words, 3);
}

/** The reply to `words`, or the error that says why there is no such keyspace. */
async function sendIn(
  keyspace: string | undefined,
  connection: RespConnection,
  words: readonly (string | Buffer | number)[],
): Promise<RespValue> {
  const selected = keyspace === undefined ? 'OK' : await connection.send('SELECT', keyspace);
  return selected instanceof ReplyError ? selected : connection.send(...words);
}

export function addressIn(url: string): Address {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol !== 'redis:' || parsed.hostname === '') {
    throw badOption(`"${url}" is not the URL of a node`, 'Write redis://127.0.0.1:7001.');
  }
  return asAddress(`${parsed.hostname}:${parsed.port === '' ? '6379' : parsed.port}`);
}

/** Kvorum's error replies end in the code: `… [NOT_ENOUGH_REPLICAS]`. */
function errorIn(reply: ReplyError): KvorumError {
  const [, text = reply.text, bracketed = ''] =
    /^(.*?)(?: \[([A-Z_]+)\])?$/s.exec(reply.text) ?? [];
  const code = ERROR_CODES.find((each) => each === bracketed) ?? codeOfWord(reply.word);
  return new KvorumError(code, text, FIXES[code] ?? 'Correct the command.');
}

function codeOfWord(word: string): ErrorCode {
  return word === 'LOADING' || word === 'CLUSTERDOWN' ? 'NOT_ENOUGH_REPLICAS' : 'BAD_OPTION';
}

const FIXES: Partial<Record<ErrorCode, string>> = {
  NOT_ENOUGH_REPLICAS: 'See kvorum status for the nodes that are down, and try again.',
  NO_ANSWER: 'See kvorum status for the nodes that are down, and try again.',
  INDETERMINATE: 'Read the key back before you write it again.',
};
