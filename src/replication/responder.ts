// The other side of every question: what this node answers when another one asks. Refusals say
// why; an error here never leaves the node that asked without a reply.

import { ByteReader } from '../base/bytes.ts';
import { KvorumError, messageOf } from '../base/errors.ts';
import { readVersion } from '../causality/object-format.ts';
import type { Clock } from '../host/host.ts';
import type { Engine } from '../storage/engine.ts';
import type { ClusterView } from './cluster-view.ts';
import type { Coordinator } from './coordinator.ts';
import type { RemoteWriteOutcome, Reply, Request } from './messages.ts';
import { countOwnKeys, listOwnKeys } from './own-keys.ts';
import type { Replica } from './replica.ts';
import type { GetOutcome, WriteOutcome } from './request.ts';

export interface ResponderParts {
  readonly view: ClusterView;
  readonly replica: Replica;
  readonly engine: Engine;
  readonly coordinator: Coordinator;
  readonly clock: Clock;
}

export class Responder {
  readonly #parts: ResponderParts;

  constructor(parts: ResponderParts) {
    this.#parts = parts;
  }

  /**
   * Never throws or rejects; answers at once what needs neither disk nor peers. The buffers of
   * `request` must stay as they are until the reply.
   */
  answer(request: Request): Reply | Promise<Reply> {
    try {
      const reply = this.#answer(request);
      return reply instanceof Promise ? reply.catch(refusal) : reply;
    } catch (error) {
      return refusal(error);
    }
  }

  #answer(request: Request): Reply | Promise<Reply> {
    const { coordinator, engine, replica, view } = this.#parts;
    switch (request.kind) {
      case 'ping':
        return { kind: 'pong' };
      case 'store-copy': {
        const merged = replica.merge(view.keyspace(request.keyspace), request, request.object);
        return merged.then((context): Reply => ({ kind: 'stored', context }));
      }
      case 'read-version':
        return later(replica.read(view.keyspace(request.keyspace), request), versionReply);
      case 'read-object':
        return later(replica.read(view.keyspace(request.keyspace), request), objectReply);
      case 'coordinate-get':
        return coordinator.getForwarded(request).then(gotReply);
      case 'coordinate-write':
        return coordinator.writeForwarded(request).then(wroteReply);
      case 'list-slots':
        return listOwnKeys(engine, this.#parts.clock, request);
      case 'count-keys':
        return { kind: 'count', count: countOwnKeys(engine, request.keyspace, request.slots) };
    }
  }
}

/** `act` on the value, now or when it is there. */
function later<T>(value: T | Promise<T>, act: (value: T) => Reply): Reply | Promise<Reply> {
  return value instanceof Promise ? value.then(act) : act(value);
}

function objectReply(object: Buffer | undefined): Reply {
  return { kind: 'object', object };
}

function versionReply(found: Buffer | undefined): Reply {
  const version = found === undefined ? undefined : readVersion(new ByteReader(found));
  return { kind: 'version', version };
}

function gotReply(outcome: GetOutcome | undefined): Reply {
  return outcome === undefined ? notPrimary() : { kind: 'got', outcome };
}

function wroteReply(outcome: WriteOutcome | undefined): Reply {
  return outcome === undefined ? notPrimary() : { kind: 'wrote', outcome: travelling(outcome) };
}

function refusal(error: unknown): Reply {
  if (error instanceof KvorumError) {
    return { kind: 'refused', code: error.code, why: error.message, fix: error.fix };
  }
  const fix = 'See the log of the node that said so.';
  return { kind: 'refused', code: 'IO_ERROR', why: messageOf(error), fix };
}

function travelling(outcome: WriteOutcome): RemoteWriteOutcome {
  if (outcome.kind !== 'ok') return outcome;
  const { nodes, durability, epoch } = outcome.receipt;
  return { ...outcome, receipt: { nodes, durability, epoch } };
}

function notPrimary(): Reply {
  const why = 'this node is no primary of the key: the two nodes see different topologies';
  return { kind: 'refused', code: 'NOT_ENOUGH_REPLICAS', why, fix: 'Send it again.' };
}
