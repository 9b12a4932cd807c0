// The other side of every question: what this node answers when another one asks. Refusals say
// why; an error here never leaves the node that asked without a reply.

import { type ErrorCode, KvorumError, messageOf } from '../base/errors.ts';
import type { KeyspaceNumber } from '../base/ids.ts';
import { decodeObject } from '../causality/object-format.ts';
import { versionOf } from '../causality/siblings.ts';
import type { Engine } from '../storage/engine.ts';
import type { ClusterView } from './cluster-view.ts';
import type { Coordinator } from './coordinator.ts';
import type { KeyAt, RemoteWriteOutcome, Reply, Request } from './messages.ts';
import { listOwnKeys } from './own-keys.ts';
import type { Replica } from './replica.ts';
import type { WriteOutcome } from './request.ts';

export interface ResponderParts {
  readonly view: ClusterView;
  readonly replica: Replica;
  readonly engine: Engine;
  readonly coordinator: Coordinator;
  /** Keys that live in the slots that this node leads. */
  readonly countOwnKeys: (keyspace: KeyspaceNumber) => number;
}

const STORED: Reply = { kind: 'stored' };

export class Responder {
  readonly #parts: ResponderParts;

  constructor(parts: ResponderParts) {
    this.#parts = parts;
  }

  /** Never rejects. The buffers of `request` must stay as they are until the reply. */
  async answer(request: Request): Promise<Reply> {
    try {
      return await this.#answer(request);
    } catch (error) {
      const code: ErrorCode = error instanceof KvorumError ? error.code : 'IO_ERROR';
      return { kind: 'refused', code, why: messageOf(error) };
    }
  }

  async #answer(request: Request): Promise<Reply> {
    const { coordinator, engine, replica, view } = this.#parts;
    switch (request.kind) {
      case 'ping':
        return { kind: 'pong' };
      case 'store-copy':
        await replica.merge(view.keyspace(request.keyspace), request, request.object);
        return STORED;
      case 'read-version':
        return { kind: 'version', version: await this.#version(request) };
      case 'read-object':
        return { kind: 'object', object: await replica.read(request) };
      case 'coordinate-get': {
        const outcome = await coordinator.getForwarded(request);
        return outcome === undefined ? notPrimary() : { kind: 'got', outcome };
      }
      case 'coordinate-write': {
        const outcome = await coordinator.writeForwarded(request);
        return outcome === undefined
          ? notPrimary()
          : { kind: 'wrote', outcome: travelling(outcome) };
      }
      case 'list-slots':
        return listOwnKeys(engine, request);
      case 'count-keys':
        return { kind: 'count', count: this.#parts.countOwnKeys(request.keyspace) };
    }
  }

  async #version(at: KeyAt) {
    const found = await this.#parts.replica.read(at);
    return found === undefined ? undefined : versionOf(decodeObject(found));
  }
}

function travelling(outcome: WriteOutcome): RemoteWriteOutcome {
  if (outcome.kind !== 'ok') return outcome;
  const { dot, context, previous, receipt } = outcome;
  return { kind: 'ok', dot, context, previous, nodes: receipt.nodes };
}

function notPrimary(): Reply {
  const why = 'this node is no primary of the key: the two nodes see different topologies';
  return { kind: 'refused', code: 'NOT_ENOUGH_REPLICAS', why };
}
