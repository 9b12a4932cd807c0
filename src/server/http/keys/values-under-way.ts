// How many bytes of values this door holds at once: bodies that arrive, and answers that somebody
// has not read yet. A value is in memory as a whole, so slow senders and readers would each hold up
// to a mebibyte; beyond the budget requests are refused before their body is read.

import type { FastifyReply } from 'fastify';
import { ProblemError } from '../problem.ts';

/** Four times as many as a node of the smallest size has for its memtables and blocks. */
export const UNDER_WAY_BYTES_MAX = 64 * 1024 ** 2;

export class ValuesUnderWay {
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax = UNDER_WAY_BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  /** Counts `bytes` until the answer has left or its connection is gone; throws OVERLOADED. */
  hold(reply: FastifyReply, bytes: number): void {
    if (this.#bytes + bytes > this.#bytesMax) throw overloaded(reply, this.#bytes);
    this.#bytes += bytes;
    reply.raw.once('close', () => {
      this.#bytes -= bytes;
    });
  }
}

function overloaded(reply: FastifyReply, bytes: number): ProblemError {
  reply.header('retry-after', '1');
  const message = `values of ${bytes} bytes are on their way through this node`;
  const fix = 'Send it again in a second, or to another node; nothing was written.';
  return new ProblemError({ status: 503, code: 'OVERLOADED', message, fix });
}
