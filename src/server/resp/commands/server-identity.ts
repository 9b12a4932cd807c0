// How the server introduces itself, in HELLO, INFO and CLIENT LIST: as a Redis that clients know
// the features of, and by its own name and version.

import { error, type Reply } from '../reply.ts';

/** Clients turn features on by it (keyv: PXAT from 6.2; node-redis: SETINFO from 7.2). */
export const REDIS_VERSION = '7.4.0';
/** A test compares it with package.json. */
export const KVORUM_VERSION = '0.1.0';

/** The only user there is. */
export const DEFAULT_USER = 'default';

export const NOT_A_NAME: Reply = error(
  'ERR Client names cannot contain spaces, newlines or special characters.',
);

/** One line of CLIENT LIST must stay one line of words. */
export function isClientName(name: string): boolean {
  return /^[!-~]*$/.test(name);
}
