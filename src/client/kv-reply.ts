// What KV.GET, KV.PUT and KV.DEL answer, as the values that programs see.

import { KvorumError } from '../base/errors.ts';
import type { RespValue } from './reply-parser.ts';

/** Opaque: what was read. Hand it back with a write that replaces it. */
export type Context = string & { readonly brand: 'Context' };

export interface Read {
  /** The newest value; undefined: there is none. */
  readonly value: Buffer | undefined;
  /** All values that nobody has reconciled yet, the newest first; usually one or none. */
  readonly values: readonly Buffer[];
  /** When `value` expires, in milliseconds since 1970; undefined: never, or there is none. */
  readonly expiresAt: number | undefined;
  readonly context: Context;
  /** Names of the nodes whose copies the answer was made of. */
  readonly nodes: readonly string[];
  /** So many siblings the keyspace's merge function made one of; undefined: none had met. */
  readonly mergedFrom: number | undefined;
  /** Why it could not: then `values` are the siblings. */
  readonly mergeFailed: string | undefined;
  /** Those of them that stood in for others that were away. */
  readonly fallbacks: readonly string[];
  /** How many of `nodes` stand in each data center. */
  readonly dataCenters: Readonly<Record<string, number>>;
}

/** What a write obtained. */
export type Written =
  | {
      readonly isApplied: true;
      readonly context: Context;
      /** Names of the nodes that held it, as `durability` says, when the answer was sent. */
      readonly nodes: readonly string[];
      /** Those of them that stood in for others that were away. */
      readonly fallbacks: readonly string[];
      /** How many of `nodes` stand in each data center. */
      readonly dataCenters: Readonly<Record<string, number>>;
      readonly durability: string;
      readonly epoch: number;
    }
  /** The condition did not hold, or there was nothing to delete: nothing was written. */
  | { readonly isApplied: false };

export function readIn(reply: RespValue): Read {
  const fields = fieldsOf(reply);
  const values = fields.get('values');
  const expiries = fields.get('expiries');
  if (!Array.isArray(values) || !Array.isArray(expiries)) throw strange(reply);
  const [value] = values as Buffer[];
  const expiresAt = (expiries[0] as number | undefined) || undefined;
  const mergedFrom = fields.get('merged-from') as number | undefined;
  const mergeFailed = fields.get('merge-failed')?.toString();
  const merge = { mergedFrom, mergeFailed };
  return { value, values: values as Buffer[], expiresAt, ...merge, ...receiptIn(fields) };
}

export function writtenIn(reply: RespValue): Written {
  const fields = fieldsOf(reply);
  if (fields.get('applied') !== 1) return { isApplied: false };
  return {
    isApplied: true,
    ...receiptIn(fields),
    durability: String(fields.get('durability')),
    epoch: Number(fields.get('epoch')),
  };
}

function namesIn(field: RespValue | undefined): string[] {
  return Array.isArray(field) ? field.map(String) : [];
}

function receiptIn(fields: ReadonlyMap<RespValue, RespValue>) {
  const context = String(fields.get('context')) as Context;
  return {
    context,
    nodes: namesIn(fields.get('nodes')),
    fallbacks: namesIn(fields.get('fallbacks')),
    dataCenters: countsIn(fields.get('data-centers')),
  };
}

function countsIn(field: RespValue | undefined): Readonly<Record<string, number>> {
  if (!(field instanceof Map)) return {};
  return Object.fromEntries([...field].map(([name, count]) => [String(name), Number(count)]));
}

function fieldsOf(reply: RespValue): ReadonlyMap<RespValue, RespValue> {
  if (reply instanceof Map) return reply;
  throw strange(reply);
}

function strange(reply: RespValue): KvorumError {
  const what = `a reply that is none of Kvorum's: ${String(reply).slice(0, 100)}`;
  return new KvorumError('UNREACHABLE', what, 'Check that this is the address of a Kvorum node.');
}
