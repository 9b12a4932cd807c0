// What requests lead to, as bytes (docs/formats.md draws them): the outcomes of reads and writes
// that one node coordinated for another.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { type ByteReader, type ByteWriter, badBytes } from '../base/bytes.ts';
import type { NodeId } from '../base/ids.ts';
import type { Actor, Dot } from '../causality/dot.ts';
import { readVector, writeVector } from '../causality/version-vector.ts';
import type { Durability } from './keyspace.ts';
import { readProgress, writeProgress } from './levels/level-format.ts';
import type { RemoteWriteOutcome } from './messages.ts';
import type { GetOutcome, LiveValue, MergeReport, Receipt } from './request.ts';

const GET_OUTCOMES = ['found', 'missing', 'no-answer'] as const;
const WRITE_OUTCOMES = ['ok', 'condition-failed', 'not-applied', 'indeterminate'] as const;
const WHYS = [undefined, 'isBehind', 'isRefilling'] as const;
const MERGE_REPORTS = [undefined, 'merged', 'unmerged'] as const;
const DURABILITIES = ['fsync', 'interval'] as const satisfies readonly Durability[];
const NODE_ID_BYTES = 20;

export function writeGetOutcome(w: ByteWriter, outcome: GetOutcome): void {
  w.u8(GET_OUTCOMES.indexOf(outcome.kind));
  if (outcome.kind === 'no-answer') {
    writeProgress(w, outcome);
    w.u8(WHYS.findLastIndex((why) => why === undefined || outcome[why] === true));
    return;
  }
  writeVector(w, outcome.context);
  writeReceipt(w, outcome.receipt);
  if (outcome.kind === 'missing') return;
  w.varint(outcome.values.length);
  for (const value of outcome.values) writeValue(w, value);
  writeMergeReport(w, outcome.merge);
}

export function readGetOutcome(r: ByteReader): GetOutcome {
  const kind = oneOf(GET_OUTCOMES, r.u8(), 'get outcome');
  if (kind === 'no-answer') {
    const counts = readProgress(r);
    const why = oneOf(WHYS, r.u8(), 'reason');
    return why === undefined ? { kind, ...counts } : { kind, ...counts, [why]: true };
  }
  const context = readVector(r);
  const receipt = readReceipt(r);
  if (kind === 'missing') return { kind, context, receipt };
  const values = readMany(r, readValue);
  const merge = readMergeReport(r);
  return merge === undefined
    ? { kind, context, receipt, values }
    : { kind, context, receipt, values, merge };
}

export function writeWriteOutcome(w: ByteWriter, outcome: RemoteWriteOutcome): void {
  w.u8(WRITE_OUTCOMES.indexOf(outcome.kind));
  if (outcome.kind === 'not-applied' || outcome.kind === 'indeterminate') {
    writeProgress(w, outcome);
    return;
  }
  w.u8(outcome.previous === undefined ? 0 : 1);
  if (outcome.previous !== undefined) writeValue(w, outcome.previous);
  if (outcome.kind === 'condition-failed') return;
  writeDot(w, outcome.dot);
  writeVector(w, outcome.context);
  writeReceipt(w, outcome.receipt);
}

export function readWriteOutcome(r: ByteReader): RemoteWriteOutcome {
  const kind = oneOf(WRITE_OUTCOMES, r.u8(), 'write outcome');
  if (kind === 'not-applied' || kind === 'indeterminate') return { kind, ...readProgress(r) };
  const previous = r.u8() === 0 ? undefined : readValue(r);
  if (kind === 'condition-failed') return { kind, previous };
  return { kind, previous, dot: readDot(r), context: readVector(r), receipt: readReceipt(r) };
}

function writeMergeReport(w: ByteWriter, report: MergeReport | undefined): void {
  w.u8(MERGE_REPORTS.indexOf(report?.kind));
  if (report?.kind === 'merged') w.varint(report.siblingsCount);
  else if (report?.kind === 'unmerged') w.text(report.why);
}

function readMergeReport(r: ByteReader): MergeReport | undefined {
  const kind = oneOf(MERGE_REPORTS, r.u8(), 'merge report');
  if (kind === undefined) return undefined;
  return kind === 'merged' ? { kind, siblingsCount: r.varint() } : { kind, why: r.text() };
}

function writeValue(w: ByteWriter, live: LiveValue): void {
  w.varint(live.expiresAt);
  writeDot(w, live.dot);
  w.varint(live.time);
  w.bytes(live.value);
}

function readValue(r: ByteReader): LiveValue {
  return { expiresAt: r.varint(), dot: readDot(r), time: r.varint(), value: r.bytes() };
}

export function writeDot(w: ByteWriter, dot: Dot): void {
  w.varint(dot.actor);
  w.varint(dot.counter);
}

export function readDot(r: ByteReader): Dot {
  return { actor: r.varint() as Actor, counter: r.varint() };
}

function writeReceipt(w: ByteWriter, { nodes, fallbacks, durability, epoch }: Receipt): void {
  writeNodes(w, nodes);
  writeNodes(w, fallbacks);
  w.u8(DURABILITIES.indexOf(durability));
  w.varint(epoch);
}

function readReceipt(r: ByteReader): Receipt {
  const nodes = readNodes(r);
  const fallbacks = readNodes(r);
  const durability = oneOf(DURABILITIES, r.u8(), 'durability');
  return { nodes, fallbacks, durability, epoch: r.varint() };
}

function writeNodes(w: ByteWriter, nodes: readonly NodeId[]): void {
  w.varint(nodes.length);
  for (const node of nodes) w.raw(Buffer.from(node, 'hex'));
}

function readNodes(r: ByteReader): NodeId[] {
  return readMany(r, (each) => each.raw(NODE_ID_BYTES).toString('hex') as NodeId);
}

/** A count, then so many; the count is believed only as far as there are bytes. */
export function readMany<T>(r: ByteReader, readOne: (r: ByteReader) => T): T[] {
  const count = r.varint();
  if (count > r.left) throw badBytes(`a list of ${count} cannot stand in ${r.left} bytes`);
  const list: T[] = [];
  for (let index = 0; index < count; index++) list.push(readOne(r));
  return list;
}

/** Throws BAD_BYTES where the list is shorter. */
export function oneOf<const T>(list: readonly T[], index: number, what: string): T {
  if (index >= list.length) throw badBytes(`there is no ${what} kind ${index}`);
  return list[index] as T;
}
