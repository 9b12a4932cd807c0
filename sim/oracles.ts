// The judges of a run: what the disks of all nodes hold in the end, held against what the clients
// were told. Each finding is one sentence; no findings: the run kept every promise.
//
// covers(w', w): the writer of w' handed back a context that contains the dot of w.

import { isSameDot } from '../src/causality/dot.ts';
import { mergeObjects, type Sibling, type StoredObject } from '../src/causality/siblings.ts';
import { covers } from '../src/causality/version-vector.ts';
import { slotOf } from '../src/ring/slot.ts';
import { LATEST, SIBLINGS } from './cluster.ts';
import type { History, WriteRecord } from './history.ts';
import { sessionsBroken } from './sessions/session-oracle.ts';

/** Name of a node → its `keyspace/key` → object. */
export type Contents = ReadonlyMap<string, ReadonlyMap<string, StoredObject>>;

/** Name of a node → its `keyspace/slot` → how many keys it says live there; none: 0. */
export type Counts = ReadonlyMap<string, ReadonlyMap<string, number>>;

export interface Evidence {
  readonly history: History;
  readonly contents: Contents;
  readonly counts: Counts;
  /** The nodes that must hold a `keyspace/key`. */
  readonly holders: (name: string) => readonly string[];
  /** Whether all clocks agreed, so that rule `latest` must follow real time. */
  readonly isTimeTrue: boolean;
}

export function judge(evidence: Evidence): string[] {
  const { history, contents } = evidence;
  const findings = [...history.broken, ...replicasDiffer(evidence), ...miscounted(evidence)];
  findings.push(...leftBehind(evidence));
  findings.push(...sessionsBroken(history));
  const merged = mergedContents(contents);
  for (const [name, writes] of byKey(history.writes)) {
    const object = merged.get(name);
    findings.push(...neverIssued(name, writes, object));
    if (name.startsWith(`${SIBLINGS}/`)) {
      findings.push(...acknowledgedLost(name, writes, object), ...comeBack(name, writes, object));
    }
    if (name.startsWith(`${LATEST}/`)) {
      findings.push(...latestLost(name, writes, object, evidence.isTimeTrue));
    }
  }
  return findings;
}

/** O1: an acknowledged write stands, or something that covers it does. */
function acknowledgedLost(name: string, writes: WriteRecord[], object: StoredObject | undefined) {
  const findings: string[] = [];
  for (const write of writes) {
    const { dot } = write;
    if (write.outcome !== 'ok' || dot === undefined) continue;
    const heirs = writes.filter(
      (other) => other.outcome !== 'not-applied' && other.seen && covers(other.seen, dot),
    );
    if ([write, ...heirs].some((heir) => stands(heir, object))) continue;
    findings.push(`lost: ${name} = ${write.value ?? 'a delete'}, acknowledged, is gone`);
  }
  return findings;
}

/** O2: what an acknowledged write covered stays replaced. */
function comeBack(name: string, writes: WriteRecord[], object: StoredObject | undefined) {
  const findings: string[] = [];
  for (const sibling of object?.siblings ?? []) {
    const killer = writes.find(
      (write) => write.outcome === 'ok' && write.seen && covers(write.seen, sibling.dot),
    );
    if (killer === undefined) continue;
    findings.push(`came back: ${name} = ${describe(sibling)}, which ${killer.value} had replaced`);
  }
  return findings;
}

/** O2: every value was written by somebody, and not by a write that certainly failed. */
function neverIssued(name: string, writes: WriteRecord[], object: StoredObject | undefined) {
  const findings: string[] = [];
  for (const sibling of object?.siblings ?? []) {
    if (issuedAs(writes, sibling) === undefined)
      findings.push(`phantom: ${name} = ${describe(sibling)} was not to be applied`);
  }
  return findings;
}

/** Rule `latest`: no acknowledged write began after the end of the write that won. */
function latestLost(
  name: string,
  writes: WriteRecord[],
  object: StoredObject | undefined,
  isTimeTrue: boolean,
) {
  const acknowledged = writes.filter((write) => write.outcome === 'ok');
  const winner = object?.siblings[0];
  if (winner === undefined) {
    return acknowledged.length === 0 ? [] : [`lost: ${name} is gone, though it was written`];
  }
  const won = issuedAs(writes, winner);
  if (won === undefined || !isTimeTrue) return [];
  return acknowledged
    .filter((write) => won.endMs + 1 < write.startMs)
    .map((write) => `lost: ${name} = ${write.value}, newer than ${won.value}, which stands`);
}

/** O3: after healing and reading, all primaries hold the same. */
function replicasDiffer({ contents, holders }: Evidence): string[] {
  const findings: string[] = [];
  for (const [name, object] of mergedContents(contents)) {
    for (const node of holders(name)) {
      const own = contents.get(node)?.get(name);
      if (own !== undefined && mergeObjects(own, object) === own) continue;
      const has = own === undefined ? 'nothing' : list(own);
      findings.push(`differs: ${node} has ${has} of ${name}, together they know ${list(object)}`);
    }
  }
  return findings;
}

/** A copy that a node kept for others is gone when they have it. */
function leftBehind({ contents, holders }: Evidence): string[] {
  return [...contents].flatMap(([node, objects]) => {
    const names = [...objects.keys()].filter((name) => !holders(name).includes(node));
    return names.map((name) => `left behind: ${node} still has ${name}, which is not its own`);
  });
}

/** O4: each node knows without looking how many keys live in each slot. */
function miscounted({ contents, counts }: Evidence): string[] {
  const findings: string[] = [];
  for (const [node, objects] of contents) {
    const live = [...objects].filter(([, { siblings }]) => siblings.some((s) => !s.isTombstone));
    const slots = Map.groupBy(live, ([name]) => `${name[0]}/${slotOf(Buffer.from(name.slice(2)))}`);
    const counted = counts.get(node) ?? new Map<string, number>();
    for (const slot of new Set([...slots.keys(), ...counted.keys()])) {
      const [has, says] = [slots.get(slot)?.length ?? 0, counted.get(slot) ?? 0];
      if (has !== says) findings.push(`miscounted: ${node} says ${says} of ${has} keys in ${slot}`);
    }
  }
  return findings;
}

function mergedContents(contents: Contents): Map<string, StoredObject> {
  const merged = new Map<string, StoredObject>();
  for (const objects of contents.values()) {
    for (const [name, object] of objects) {
      const known = merged.get(name);
      merged.set(name, known === undefined ? object : mergeObjects(known, object));
    }
  }
  return merged;
}

function stands(write: WriteRecord, object: StoredObject | undefined): boolean {
  return object?.siblings.some((sibling) => is(write, sibling)) ?? false;
}

/**
 * The write that put the sibling there; a known dot says so for certain. A delete may have left a
 * second tombstone: of an attempt whose coordinator was lost (replication/forwarder.ts).
 */
function issuedAs(writes: readonly WriteRecord[], sibling: Sibling): WriteRecord | undefined {
  const tried = writes.filter((write) => write.outcome !== 'not-applied');
  const possible = tried.filter((write) => is(write, sibling));
  return (
    possible.find((write) => write.dot !== undefined) ??
    possible[0] ??
    tried.find((write) => sibling.isTombstone && write.value === undefined)
  );
}

/** A delete of unknown outcome may be any tombstone. */
function is(write: WriteRecord, sibling: Sibling): boolean {
  if (write.dot !== undefined) return isSameDot(write.dot, sibling.dot);
  return sibling.isTombstone ? write.value === undefined : write.value === String(sibling.value);
}

function byKey(writes: readonly WriteRecord[]): Map<string, WriteRecord[]> {
  return Map.groupBy(writes, (write) => `${write.keyspace}/${write.key}`);
}

function describe(sibling: Sibling): string {
  return sibling.isTombstone ? 'a tombstone' : String(sibling.value);
}

function list(object: StoredObject): string {
  return `[${object.siblings.map(describe).join(', ')}]`;
}
