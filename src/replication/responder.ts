// The other side of every question: what this node answers when another one asks. Refusals say
// why; an error here never leaves the node that asked without a reply.

import { ByteReader } from '../base/bytes.ts';
import { KvorumError, messageOf } from '../base/errors.ts';
import { type Later, later } from '../base/later.ts';
import { encodeObject, readVersion } from '../causality/object-format.ts';
import { EMPTY_OBJECT, type ObjectVersion, type StoredObject } from '../causality/siblings.ts';
import type { Clock } from '../host/host.ts';
import type { Engine } from '../storage/engine.ts';
import { type Admission, valueBytesOf } from './admission/admission.ts';
import type { Comparison } from './anti-entropy/comparison.ts';
import type { ClusterView } from './cluster-view.ts';
import type { Coordinator } from './coordinator.ts';
import type { Keyspace } from './keyspace.ts';
import { countOwnKeys, listOwnKeys } from './listing/own-keys.ts';
import type {
  HintRequest,
  KeyAt,
  RemoteWriteOutcome,
  Reply,
  Request,
  StoreRequest,
} from './messages.ts';
import type { FlushMember } from './reaping/flush-member.ts';
import type { RoundMember } from './reaping/round-member.ts';
import type { RefillBook } from './refill/refill-book.ts';
import type { Merged, Replica } from './replica.ts';
import type { GetOutcome, WriteOutcome } from './request.ts';

export interface ResponderParts {
  readonly view: ClusterView;
  readonly replica: Replica;
  readonly refill: RefillBook;
  readonly engine: Engine;
  readonly coordinator: Coordinator;
  readonly rounds: RoundMember;
  readonly flushes: FlushMember;
  readonly admission: Admission;
  readonly comparison: Comparison;
  readonly clock: Clock;
}

export class Responder {
  readonly #parts: ResponderParts;

  constructor(parts: ResponderParts) {
    this.#parts = parts;
  }

  /**
   * Calls `reply` once: within the call when it needs neither disk nor peers. Never throws. The
   * buffers of `request` must stay as they are until then.
   */
  answer(request: Request, reply: (reply: Reply) => void): void {
    const found = this.#try(request);
    if (found instanceof Promise) found.then(reply, (error) => reply(refusal(error)));
    else reply(found);
  }

  #try(request: Request): Later<Reply> {
    try {
      return this.#answer(request);
    } catch (error) {
      return refusal(error);
    }
  }

  #answer(request: Request): Later<Reply> {
    const { admission, comparison, coordinator, engine, flushes, replica, rounds, view } =
      this.#parts;
    switch (request.kind) {
      case 'store-copy':
        return this.#store(request);
      case 'store-hint':
        return this.#storeFor(request);
      case 'compare-digests':
        return admission.run('comparison', 0, () => comparison.digestsFor(request));
      case 'compare-buckets':
        return admission.run('comparison', 0, () => comparison.bucketsFor(request));
      case 'compare-keys':
        return admission.run('comparison', 0, () => comparison.keysFor(request));
      case 'read-version':
        return later(replica.read(view.keyspace(request.keyspace), request), (found) => {
          return this.#version(request, found);
        });
      case 'read-object':
        return later(replica.read(view.keyspace(request.keyspace), request), (found) => {
          return objectReply(found, replica.objectOf(request, undefined));
        });
      case 'coordinate-get':
        return admission.run('read', 0, () => {
          return later(coordinator.getForwarded(request), gotReply);
        });
      case 'coordinate-write':
        return admission.run('write', valueBytesOf(request), () => {
          return later(coordinator.writeForwarded(request), wroteReply);
        });
      case 'list-slots':
        return admission.run('scan', 0, () => listOwnKeys(this.#parts, request));
      case 'open-round':
        return rounds.open(request);
      case 'raise-floor':
        return rounds.raise(request);
      case 'begin-flush':
        return flushes.begin(request);
      case 'flush':
        return flushes.flush(request);
      case 'count-keys':
        return admission.run('scan', 0, () => {
          return { kind: 'count', count: countOwnKeys(engine, request.keyspace, request.slots) };
        });
    }
  }

  #version(at: KeyAt, found: Buffer | undefined): Reply {
    const { refill, replica } = this.#parts;
    const version = versionOf(found, replica.objectOf(at, undefined));
    if (refill.isRefilling(at)) return { kind: 'version', version, isRefilling: true };
    return { kind: 'version', version };
  }

  #store(request: StoreRequest): Later<Reply> {
    const keyspace = this.#parts.view.keyspace(request.keyspace);
    return this.#stored(keyspace, this.#parts.replica.merge(keyspace, request, request.object));
  }

  #storeFor(request: HintRequest): Later<Reply> {
    const { replica, view } = this.#parts;
    const keyspace = view.keyspace(request.keyspace);
    const { object, target } = request;
    return this.#stored(keyspace, replica.mergeFor(target, keyspace, request, object));
  }

  #stored(keyspace: Keyspace, merging: Later<Merged>): Later<Reply> {
    return later(merging, (merged) => {
      const kept = this.#parts.replica.whenKept(keyspace, merged);
      return later(kept, (): Reply => ({ kind: 'stored', context: merged.context }));
    });
  }
}

/** `absent`: what the key is here when it is not there. */
function objectReply(found: Buffer | undefined, absent: StoredObject): Reply {
  if (found !== undefined || absent === EMPTY_OBJECT) return { kind: 'object', object: found };
  return { kind: 'object', object: encodeObject(absent) };
}

function versionOf(found: Buffer | undefined, absent: StoredObject): ObjectVersion | undefined {
  if (found !== undefined) return readVersion(new ByteReader(found));
  return absent === EMPTY_OBJECT ? undefined : absent;
}

function gotReply(outcome: GetOutcome | undefined): Reply {
  return outcome === undefined ? notPrimary() : { kind: 'got', outcome };
}

function wroteReply(outcome: WriteOutcome | undefined): Reply {
  return outcome === undefined ? notPrimary() : { kind: 'wrote', outcome: travelling(outcome) };
}

export function refusal(error: unknown): Reply {
  if (error instanceof KvorumError) {
    return { kind: 'refused', code: error.code, why: error.message, fix: error.fix };
  }
  const fix = 'See the log of the node that said so.';
  return { kind: 'refused', code: 'IO_ERROR', why: messageOf(error), fix };
}

function travelling(outcome: WriteOutcome): RemoteWriteOutcome {
  if (outcome.kind !== 'ok') return outcome;
  const { nodes, fallbacks, durability, epoch } = outcome.receipt;
  return { ...outcome, receipt: { nodes, fallbacks, durability, epoch } };
}

function notPrimary(): Reply {
  const why = 'this node is no primary of the key: the two nodes see different topologies';
  return { kind: 'refused', code: 'NOT_ENOUGH_REPLICAS', why, fix: 'Send it again.' };
}
