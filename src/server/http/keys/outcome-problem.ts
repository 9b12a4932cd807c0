// The outcomes of reads and writes that are no success, as HTTP says them. Whether a retry is safe
// stands in the status and in the sentence: 503 nothing was written, 504 nobody knows, 412 the
// condition did not hold.

import type { ErrorCode } from '../../../base/errors.ts';
import type { NoAnswer, WriteOutcome } from '../../../node/store.ts';
import { placeText } from '../../data-center-counts.ts';
import { type Problem, ProblemError, STATUSES } from '../problem.ts';

type Unwritten = Extract<WriteOutcome, { kind: 'not-applied' | 'indeterminate' }>;

export function noAnswer(outcome: NoAnswer): Problem {
  const { needed, got, isBehind, isRefilling } = outcome;
  const replicas = `${needed} replicas${placeText(outcome)}`;
  let message = `${got} of the ${replicas} that the read needs answered in time`;
  if (isBehind) message = `${got} replicas answered, but know less than the context that was sent`;
  if (isRefilling) message += '; those that are being refilled do not count';
  const fix = 'Try again: a read changes nothing. kvorum status shows the nodes that are down.';
  return { status: 503, code: 'NO_ANSWER', message, fix };
}

export function unwritten(outcome: Unwritten): Problem {
  const { kind, needed, got } = outcome;
  const replicas = `${got} of the ${needed} replicas${placeText(outcome)} that the write needs`;
  if (kind === 'not-applied') {
    if (outcome.why !== undefined) return refusedBy(outcome.why);
    const message = `${replicas} are reachable`;
    const fix = 'Nothing was written: try again. kvorum status shows the nodes that are down.';
    return { status: 503, code: 'NOT_ENOUGH_REPLICAS', message, fix };
  }
  const message = `${replicas} confirmed it in time`;
  const fix = 'It may or may not appear: read the key back before you write it again.';
  return { status: 504, code: 'INDETERMINATE', message, fix };
}

/** By the disk of a node that could have taken the write. */
function refusedBy({ code, message }: { code: ErrorCode; message: string }): Problem {
  const fix = 'Nothing was written. See /metrics and the log of the nodes for their disks.';
  return { status: STATUSES[code], code, message, fix };
}

export function noSuchKey(): Problem {
  const fix = 'Write it first; the answer carries the context to do so with.';
  return { status: 404, code: 'NO_SUCH_KEY', message: 'there is no such key', fix };
}

export function noSuchPart(size: number): Problem {
  const message = `the value has ${size} bytes, and the range lies beyond them`;
  return { status: 416, code: 'NO_SUCH_PART', message, fix: 'Ask for a part within the value.' };
}

export function conditionFailed(): Problem {
  const message = 'the key is not in the state that the request asks for';
  const fix = 'Nothing was written: read the key and decide anew.';
  return { status: 412, code: 'CONDITION_FAILED', message, fix };
}

/** `what` is wrong with the request. */
export function badRequest(message: string, fix: string): ProblemError {
  return new ProblemError({ status: 400, code: 'BAD_REQUEST', message, fix });
}
