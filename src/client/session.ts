// A session sees its own writes, and never anything older than it has seen, whatever node answers
// and whatever has failed meanwhile (Terry et al.: "Session Guarantees for Weakly Consistent
// Replicated Data", PDIS 1994: read your writes, monotonic reads). It remembers the context of each
// key that it touched and sends it along; a node that knows less asks others, or says that it
// cannot answer.

import { KvorumError } from '../base/errors.ts';
import { bytesGiven } from './given.ts';
import type { Context, Read, Written } from './kv-reply.ts';
import type { Key, KvorumClient, PutOptions, ReadOptions, WriteOptions } from './kvorum-client.ts';

/** A session as plain JSON: for a cookie, or for the next process. */
export type SessionToken = readonly (readonly [key: string, context: Context])[];

/** The keys touched longest ago are forgotten first; a context has some 30 bytes. */
const KEYS_MAX = 10_000;

export class KvorumSession {
  readonly #client: KvorumClient;
  /** By key in base64, the one touched last at the end. */
  readonly #seen: Map<string, Context>;

  /** Only KvorumClient.session() makes one. */
  constructor(client: KvorumClient, token: SessionToken = []) {
    this.#client = client;
    this.#seen = new Map(tokenGiven(token));
  }

  get token(): SessionToken {
    return [...this.#seen];
  }

  /** Rejects with NO_ANSWER also when all that can be asked know less than the session. */
  async get(key: Key, options: Omit<ReadOptions, 'after'> = {}): Promise<Read> {
    const read = await this.#client.get(key, { ...options, after: this.#seen.get(nameOf(key)) });
    this.#note(key, read.context);
    return read;
  }

  async put(key: Key, value: Key, options: PutOptions = {}): Promise<Written> {
    return this.#noted(key, await this.#client.put(key, value, options));
  }

  async delete(key: Key, options: WriteOptions = {}): Promise<Written> {
    return this.#noted(key, await this.#client.delete(key, options));
  }

  #noted(key: Key, written: Written): Written {
    if (written.isApplied) this.#note(key, written.context);
    return written;
  }

  #note(key: Key, context: Context): void {
    const name = nameOf(key);
    this.#seen.delete(name);
    this.#seen.set(name, context);
    if (this.#seen.size <= KEYS_MAX) return;
    const [oldest] = this.#seen.keys();
    this.#seen.delete(oldest as string);
  }
}

/** Tokens travel through cookies: throws BAD_OPTION for one that is none of ours. */
function tokenGiven(token: unknown): SessionToken {
  const isToken =
    Array.isArray(token) &&
    token.every((entry) => {
      return Array.isArray(entry) && entry.length === 2 && entry.every(isText);
    });
  if (isToken) return token as unknown as SessionToken;
  const fix = 'Give what session.token was, or nothing for a new session.';
  throw new KvorumError('BAD_OPTION', 'this is no token of a session', fix);
}

function isText(part: unknown): boolean {
  return typeof part === 'string';
}

function nameOf(key: Key): string {
  return bytesGiven('key', key).toString('base64');
}
