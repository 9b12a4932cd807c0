// What a data directory that belongs to somebody else means to the person who typed the command.

import { hasCode, KvorumError } from '../base/errors.ts';

const FIX =
  'Use the directory of this very cluster, or an empty one. Membership cannot change yet: ' +
  'cluster name, member names, hosts, racks, capacities and every n must be as they were at first.';

/** The error itself, unless it is FOREIGN_DIRECTORY: that one names the directory and the cure. */
export function explainForeignDirectory(error: unknown, directory: string): unknown {
  if (!hasCode(error, 'FOREIGN_DIRECTORY')) return error;
  return new KvorumError('FOREIGN_DIRECTORY', `${directory}: ${error.message}`, FIX);
}
