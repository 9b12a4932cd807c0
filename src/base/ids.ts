// The names of things that travel through every layer, as branded primitives: a NodeId cannot be
// passed where a cluster id is meant, and costs nothing at run time.

import { KvorumError } from './errors.ts';

/** 40 lower-case hex digits, because Redis Cluster clients expect node ids of that shape. */
export type NodeId = string & { readonly brand: 'NodeId' };

/** 32 lower-case hex digits: nodes with another cluster id never talk to each other. */
export type ClusterId = string & { readonly brand: 'ClusterId' };

/** 0 … 16383: one of the equal partitions of the ring. */
export type Slot = number & { readonly brand: 'Slot' };

/** The small number of a keyspace, 0 … 255; number 0 is the default keyspace. */
export type KeyspaceNumber = number & { readonly brand: 'KeyspaceNumber' };

/** `host:port`; an IPv6 host stands in brackets. */
export type Address = string & { readonly brand: 'Address' };

export const SLOT_COUNT = 16_384;

/** Both ends inclusive. */
export const ALL_SLOTS = { fromSlot: 0 as Slot, toSlot: (SLOT_COUNT - 1) as Slot } as const;

/** Incarnations of nodes are seconds since then, or more where one lived for less than a second. */
export const INCARNATION_EPOCH_MS = Date.UTC(2026, 0, 1);

export function asNodeId(text: string): NodeId {
  return matching(text, /^[0-9a-f]{40}$/, 'a node id is 40 lower-case hex digits') as NodeId;
}

export function asClusterId(text: string): ClusterId {
  return matching(text, /^[0-9a-f]{32}$/, 'a cluster id is 32 lower-case hex digits') as ClusterId;
}

/** Parses `host:port` or `[v6]:port`; throws BAD_OPTION. */
export function asAddress(text: string): Address {
  const { port } = splitAddress(text);
  if (!(port >= 0 && port <= 65_535)) throw badAddress(text);
  return text as Address;
}

export function splitAddress(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(':');
  const port = address.slice(colon + 1);
  if (colon < 1 || !/^\d{1,5}$/.test(port)) throw badAddress(address);
  return { host: address.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(port) };
}

export function joinAddress(host: string, port: number): Address {
  return (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`) as Address;
}

function badAddress(text: string): KvorumError {
  const fix = 'Write host:port, for example 127.0.0.1:7001 or [::1]:7001.';
  return new KvorumError('BAD_OPTION', `"${text}" is not an address`, fix);
}

function matching(text: string, pattern: RegExp, rule: string): string {
  if (pattern.test(text)) return text;
  throw new KvorumError('BAD_OPTION', `"${text}" is not valid: ${rule}`, `Check its spelling.`);
}
