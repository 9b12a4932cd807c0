// What a keyspace makes of siblings, after every write, merge and read: the one place where its
// conflict rule is applied.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { keepLatest, type StoredObject } from '../causality/siblings.ts';
import type { Keyspace } from './keyspace.ts';

export function resolved({ conflictRule }: Keyspace, object: StoredObject): StoredObject {
  return conflictRule === 'latest' ? keepLatest(object) : object;
}
