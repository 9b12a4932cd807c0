// TIME, WAIT, INFO and CONFIG GET: about this server, and how safely it holds the last write.

import type { Call } from '../command.ts';
import { error, map, type Reply } from '../reply.ts';
import { configParameters } from './config-parameters.ts';
import { Glob } from './glob.ts';
import { infoText } from './info-sections.ts';
import { integer64, NOT_AN_INTEGER } from './integer-argument.ts';

/** Unix time as seconds and microseconds; our clock counts milliseconds. */
export function time({ store }: Call): Reply {
  const nowMs = store.wallMs();
  return [String(Math.floor(nowMs / 1000)), String((nowMs % 1000) * 1000)];
}

export function info(call: Call): Reply {
  const names = call.args.slice(1).map((word) => word.toString('latin1').toLowerCase());
  return { kind: 'verbatim', text: infoText(call, names) };
}

/** CONFIG GET pattern [pattern ...], in any case; each parameter once. */
export function configGet(call: Call): Reply {
  const globs = call.args.slice(2).map((pattern) => new Glob(lowerCase(pattern)));
  const wanted = configParameters(call).filter(([name]) => {
    const bytes = Buffer.from(name);
    return globs.some((glob) => glob.matches(bytes));
  });
  return map(wanted);
}

/**
 * WAIT replicas timeout: how many nodes besides one hold the last write of this connection on
 * disk. It waits until that many do, or every primary has answered, or the timeout (0: none; the
 * request has a deadline of its own).
 */
export async function wait({ args, session, store, server }: Call): Promise<Reply> {
  const replicas = integer64(args[1]);
  if (replicas === undefined) return NOT_AN_INTEGER;
  const timeoutMs = integer64(args[2]);
  if (timeoutMs === undefined) return error('ERR timeout is not an integer or out of range');
  if (timeoutMs < 0n) return error('ERR timeout is negative');
  const receipt = session.lastWrite?.receipt;
  // Nothing was written: everybody has it.
  if (receipt === undefined)
    return store.status().members.filter((each) => each.isAlive).length - 1;
  if (receipt.nodes.length - 1 >= replicas) return receipt.nodes.length - 1;
  await new Promise<void>((resolve) => {
    const timer =
      timeoutMs === 0n ? undefined : server.clock.after(bounded(timeoutMs), () => resolve());
    receipt.settled.then(() => {
      timer?.cancel();
      resolve();
    });
  });
  return receipt.nodes.length - 1;
}

/** The longest that timers take. */
function bounded(ms: bigint): number {
  return Math.min(Number(ms), 2 ** 31 - 1);
}

function lowerCase(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString('latin1').toLowerCase(), 'latin1');
}
