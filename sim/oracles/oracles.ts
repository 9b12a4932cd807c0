// The judges of a run: what the disks of all nodes hold in the end, held against what the clients
// were told. Each finding is one sentence; no findings: the run kept every promise.
//
// covers(w', w): the writer of w' handed back a context that contains the dot of w.

import { isSameDot } from '../../src/causality/dot.ts';
import {
  isBehind,
  mergeObjects,
  type Sibling,
  type StoredObject,
} from '../../src/causality/siblings.ts';
import { covers, isSameNode } from '../../src/causality/version-vector.ts';
import { deadFrom } from '../../src/replication/reaping/floor.ts';
import { slotOf } from '../../src/ring/slot.ts';
import { LATEST, SIBLINGS } from '../cluster.ts';
import { type DiskImage, objectOn } from '../disk-image.ts';
import type { History, WriteRecord } from '../history.ts';
import { sessionsBroken } from './session-oracle.ts';

export interface Evidence {
  readonly history: History;
  /** By the name of the node. */
  readonly disks: ReadonlyMap<string, DiskImage>;
  /** The nodes that must hold a `keyspace/key`. */
  readonly holders: (name: string) => readonly string[];
  /** Whether no disk was lost or went back in time: then nothing that was shown goes either. */
  readonly isAllKept: boolean;
  /** Whether all clocks agreed, so that rule `latest` must follow real time. */
  readonly isTimeTrue: boolean;
}

export function judge(evidence: Evidence): string[] {
  const { history } = evidence;
  const findings = [...history.broken, ...replicasDiffer(evidence), ...miscounted(evidence)];
  findings.push(...leftBehind(evidence));
  findings.push(...sessionsBroken(history));
  findings.push(...notForgotten(evidence));
  for (const [name, writes] of byKey(history.writes)) {
    const object = mergedObject(evidence, name);
    findings.push(...flushedBack(name, writes, object, history));
    findings.push(...neverIssued(name, writes, object));
    if (name.startsWith(`${SIBLINGS}/`)) {
      findings.push(
        ...acknowledgedLost(name, writes, object, evidence),
        ...comeBack(name, writes, object),
        ...falseSiblings(name, writes, object),
      );
    }
    if (name.startsWith(`${LATEST}/`)) {
      findings.push(...latestLost(name, writes, object, evidence));
    }
  }
  return findings;
}

/** O1: an acknowledged write stands, or something that covers it does; so does a shown one. */
function acknowledgedLost(
  name: string,
  writes: WriteRecord[],
  object: StoredObject,
  evidence: Evidence,
) {
  const findings: string[] = [];
  for (const write of writes) {
    const { dot } = write;
    const known = mustStay(write, evidence);
    if (known === undefined || dot === undefined) continue;
    const heirs = writes.filter(
      (other) => other.outcome !== 'not-applied' && other.seen && covers(other.seen, dot),
    );
    if (
      [write, ...heirs].some(
        (heir) => stands(heir, object) || isOver(heir, object, evidence.history),
      )
    )
      continue;
    findings.push(`lost: ${name} = ${write.value ?? 'a delete'}, ${known}, is gone`);
  }
  return findings;
}

/** Why it must not be lost; undefined: it may be. */
function mustStay({ outcome, isShown }: WriteRecord, { isAllKept }: Evidence) {
  if (outcome === 'ok') return 'acknowledged';
  return isShown && isAllKept ? 'shown' : undefined;
}

/** O2: what an acknowledged write covered stays replaced. */
function comeBack(name: string, writes: WriteRecord[], object: StoredObject) {
  const findings: string[] = [];
  for (const sibling of object.siblings) {
    const killer = writes.find(
      (write) => write.outcome === 'ok' && write.seen && covers(write.seen, sibling.dot),
    );
    if (killer === undefined) continue;
    findings.push(`came back: ${name} = ${describe(sibling)}, which ${killer.value} had replaced`);
  }
  return findings;
}

/** O4: of two siblings that stand neither writer had seen the other, acknowledged or not. */
function falseSiblings(name: string, writes: WriteRecord[], object: StoredObject) {
  const findings: string[] = [];
  for (const sibling of object.siblings) {
    const isTwice = object.siblings.some((other) => {
      return other !== sibling && !other.isTombstone && other.value.equals(sibling.value);
    });
    if (isTwice) findings.push(`false siblings: ${name} = ${describe(sibling)}, twice`);
    const write = issuedAs(writes, sibling);
    if (write?.seen === undefined || (sibling.isTombstone && write.dot === undefined)) continue;
    for (const other of object.siblings) {
      if (other === sibling || !covers(write.seen, other.dot)) continue;
      const pair = `${describe(sibling)} and ${describe(other)}`;
      findings.push(`false siblings: ${name} = ${pair}, which the first had replaced`);
    }
  }
  return findings;
}

/** O2: what was acknowledged before a flush began is gone when that has ended. */
function flushedBack(name: string, writes: WriteRecord[], object: StoredObject, history: History) {
  return object.siblings.flatMap((sibling) => {
    const write = issuedAs(writes, sibling);
    if (write === undefined || !history.mustBeFlushed(write)) return [];
    return [`came back: ${name} = ${describe(sibling)}, which was flushed`];
  });
}

/** O2: every value was written by somebody, and not by a write that certainly failed. */
function neverIssued(name: string, writes: WriteRecord[], object: StoredObject) {
  const findings: string[] = [];
  for (const sibling of object.siblings) {
    if (issuedAs(writes, sibling) === undefined)
      findings.push(`phantom: ${name} = ${describe(sibling)} was not to be applied`);
  }
  for (const { outcome, isShown, value } of writes) {
    if (isShown && outcome === 'not-applied')
      findings.push(`phantom: ${name} = ${value} was shown, and was not to be applied`);
  }
  return findings;
}

/** Rule `latest`: no acknowledged write began after the end of the write that won. */
function latestLost(name: string, writes: WriteRecord[], object: StoredObject, evidence: Evidence) {
  const { history, isTimeTrue } = evidence;
  const acknowledged = writes.filter((write) => mustStay(write, evidence) !== undefined);
  const winner = object.siblings[0];
  const won = winner === undefined ? undefined : issuedAs(writes, winner);
  if (won === undefined && winner !== undefined) return [];
  // Where nothing stands the winner was forgotten: the last of those that may have been.
  const winners =
    won === undefined ? writes.filter((write) => isOver(write, object, history)) : [won];
  if (winners.length === 0 && acknowledged.length > 0) {
    return [`lost: ${name} is gone, though it was written`];
  }
  if (!isTimeTrue) return [];
  const ends = winners.map((write) => Math.max(write.endMs, history.flushedUntilMs(write)));
  const endMs = Math.max(...ends);
  return acknowledged
    .filter((write) => endMs + 1 < write.startMs)
    .map((write) => `lost: ${name} = ${write.value}, newer than ${won?.value}, which stands`);
}

/** O3: after healing and reading, all primaries hold the same. */
function replicasDiffer(evidence: Evidence): string[] {
  const findings: string[] = [];
  const { disks } = evidence;
  const names = new Set([...disks.values()].flatMap(({ objects }) => [...objects.keys()]));
  for (const name of names) {
    const object = mergedObject(evidence, name);
    for (const node of evidence.holders(name)) {
      const own = objectOn(disks.get(node) as DiskImage, name);
      if (!isBehind(own, object)) continue;
      findings.push(
        `differs: ${node} has ${list(own)} of ${name}, together they know ${list(object)}`,
      );
    }
  }
  return findings;
}

/** O8: what is dead, and known to be by all, is forgotten when everybody is there. */
function notForgotten({ disks }: Evidence): string[] {
  return [...disks].flatMap(([node, { objects }]) => {
    const dead = [...objects].filter(([, object]) => deadFrom(object) < Number.POSITIVE_INFINITY);
    return dead.map(([name, object]) => `not forgotten: ${node} has ${list(object)} of ${name}`);
  });
}

/** A copy that a node kept for others is gone when they have it. */
function leftBehind({ disks, holders }: Evidence): string[] {
  return [...disks].flatMap(([node, { objects }]) => {
    const names = [...objects.keys()].filter((name) => !holders(name).includes(node));
    return names.map((name) => `left behind: ${node} still has ${name}, which is not its own`);
  });
}

/** Each node knows without looking how many keys live in each slot. */
function miscounted({ disks }: Evidence): string[] {
  const findings: string[] = [];
  for (const [node, { objects, counts }] of disks) {
    const live = [...objects].filter(([, { siblings }]) => siblings.some((s) => !s.isTombstone));
    const slots = Map.groupBy(live, ([name]) => `${name[0]}/${slotOf(Buffer.from(name.slice(2)))}`);
    for (const slot of new Set([...slots.keys(), ...counts.keys()])) {
      const [has, says] = [slots.get(slot)?.length ?? 0, counts.get(slot) ?? 0];
      if (has !== says) findings.push(`miscounted: ${node} says ${says} of ${has} keys in ${slot}`);
    }
  }
  return findings;
}

/** What all nodes together know of a key. */
function mergedObject({ disks }: Evidence, name: string): StoredObject {
  const all = [...disks.values()].map((disk) => objectOn(disk, name));
  return all.reduce((one, other) => mergeObjects(one, other));
}

function stands(write: WriteRecord, object: StoredObject): boolean {
  return object.siblings.some((sibling) => is(write, sibling));
}

/** A delete, or a value that has expired or was flushed, and that may have been forgotten since. */
function isOver(write: WriteRecord, object: StoredObject, history: History): boolean {
  const { value, expiresAt, outcome, dot } = write;
  const isDead = value === undefined || expiresAt > 0 || history.mayBeFlushed(write);
  if (outcome === 'not-applied' || !isDead) return false;
  return dot === undefined || covers(object.context, dot);
}

/**
 * The write that put the sibling there; a known dot says so for certain. A delete may have left a
 * second tombstone: of an attempt whose coordinator was lost (replication/forwarding), which was
 * another node than the one that named the write in the end.
 */
function issuedAs(writes: readonly WriteRecord[], sibling: Sibling): WriteRecord | undefined {
  const tried = writes.filter((write) => write.outcome !== 'not-applied');
  const possible = tried.filter((write) => is(write, sibling));
  return (
    possible.find((write) => write.dot !== undefined) ??
    possible[0] ??
    tried.find(({ value, dot }) => {
      const isSecond = dot !== undefined && !isSameNode(dot, sibling.dot);
      return sibling.isTombstone && value === undefined && isSecond;
    })
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
