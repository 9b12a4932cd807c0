// The error words for outcomes of reads and writes that are no success. Clients act on the first
// word, so it is chosen by what a blind retry would do:
//
//   nothing was written         NOREPLICAS    go-redis retries it by itself: safe
//   … because of its disk       MISCONF       no client retries it: an operator must look
//   it may or may not appear    ERR           no client retries ERR: whoever wrote must decide
//   too few answers to a read   CLUSTERDOWN   ioredis, redis-py and go-redis wait, refresh their
//                                             map and retry: right, for a read changes nothing
//
// The standard text stands first and the numbers, the advice and our code after it.

import type { NoAnswer, WriteOk, WriteOutcome } from '../../../node/store.ts';
import { placeText } from '../../data-center-counts.ts';
import { replyOf } from '../error-words.ts';
import { error, type Reply } from '../reply.ts';

type Unwritten = Extract<WriteOutcome, { kind: 'not-applied' | 'indeterminate' }>;

export function noAnswer(outcome: NoAnswer): Reply {
  const { needed, got, isBehind, isRefilling } = outcome;
  if (isBehind) {
    const why = `${got} answered, but know less than the session has seen; safe to retry`;
    return error(`CLUSTERDOWN Hash slot not served. (${why}) [NO_ANSWER]`);
  }
  const others = isRefilling ? ', others are being refilled' : '';
  const numbers = `R=${needed}${placeText(outcome)}, ${got} answered${others}; safe to retry`;
  return error(`CLUSTERDOWN Hash slot not served. (${numbers}) [NO_ANSWER]`);
}

/** Of a command that can show one value only, where siblings could not be merged into one. */
export function unmerged(why: string): Reply {
  const advice = 'KV.GET shows them all; KV.PUT with its context resolves them';
  return error(`ERR the siblings could not be merged: ${why} (${advice}) [MERGE_FAILED]`);
}

export function unwritten(outcome: Unwritten): Reply {
  const { needed, got } = outcome;
  const where = placeText(outcome);
  if (outcome.kind === 'not-applied') {
    if (outcome.why !== undefined) return replyOf(outcome.why.code, outcome.why.message);
    const numbers = `W=${needed}${where}, ${got} reachable; nothing was written; safe to retry`;
    return error(
      `NOREPLICAS Not enough good replicas to write. (${numbers}) [NOT_ENOUGH_REPLICAS]`,
    );
  }
  const numbers = `W=${needed}${where}, ${got} confirmed in time`;
  const advice = 'it may or may not appear: read it back before writing again';
  return error(`ERR indeterminate: ${advice} (${numbers}) [INDETERMINATE]`);
}

/**
 * One error for a command over several keys, undefined when each was written or had nothing to
 * write. "Nothing was written" is only said when that holds for all of them.
 */
export function unwrittenOfMany(outcomes: readonly WriteOutcome[]): Reply | undefined {
  const failed = outcomes.filter((outcome) => isUnwritten(outcome));
  const worst = failed.find((outcome) => outcome.kind === 'indeterminate') ?? failed[0];
  if (worst === undefined) return undefined;
  if (failed.length === outcomes.length) return unwritten(worst);
  const numbers = `${failed.length} of ${outcomes.length} keys, W=${worst.needed}`;
  const advice = 'the others are written: read them back before writing again';
  return error(
    `ERR indeterminate: some keys were not written (${numbers}); ${advice} [INDETERMINATE]`,
  );
}

export function isUnwritten(outcome: WriteOutcome): outcome is Unwritten {
  return outcome.kind === 'not-applied' || outcome.kind === 'indeterminate';
}

/** Of several successful writes the one with the fewest copies: what WAIT must speak for. */
export function leastReplicated(outcomes: readonly WriteOutcome[]): WriteOk | undefined {
  let least: WriteOk | undefined;
  for (const outcome of outcomes) {
    if (outcome.kind !== 'ok') continue;
    if (!least || outcome.receipt.nodes.length < least.receipt.nodes.length) least = outcome;
  }
  return least;
}
