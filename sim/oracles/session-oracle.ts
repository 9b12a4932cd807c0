// O7, the judge of sessions: who hands back what it has seen is shown that or something newer,
// whichever node it asks (monotonic reads), and its own writes among it (read your writes).

import { covers, descends } from '../../src/causality/version-vector.ts';
import { SIBLINGS } from '../cluster.ts';
import type { History, SessionRead, WriteRecord } from '../history.ts';

export function sessionsBroken(history: History): string[] {
  const { sessionReads, writes } = history;
  const mayBeGone = (write: WriteRecord) => history.mayBeFlushed(write);
  return sessionReads.flatMap((read) => [
    ...wentBack(read),
    ...(read.keyspace === SIBLINGS ? ownWritesMissing(read, writes, mayBeGone) : []),
  ]);
}

function wentBack({ keyspace, key, known, context, values }: SessionRead): string[] {
  if (descends(context, known)) return [];
  return [`session: ${keyspace}/${key} = [${values}] is older than what its reader had seen`];
}

/** A context may claim more than it shows: each value that is gone has a write that saw it. */
function ownWritesMissing(
  read: SessionRead,
  writes: readonly WriteRecord[],
  mayBeGone: (write: WriteRecord) => boolean,
): string[] {
  const { keyspace, key, values, written } = read;
  return written
    .filter((write) => {
      const { value, dot } = write;
      if (value === undefined || dot === undefined || values.includes(value)) return false;
      if (mayBeGone(write)) return false;
      const heirs = writes.filter((other) => other.seen && covers(other.seen, dot));
      return heirs.every((heir) => heir.key !== key || heir.outcome === 'not-applied');
    })
    .map(({ value }) => `session: ${keyspace}/${key} = [${values}] lacks ${value} of its reader`);
}
