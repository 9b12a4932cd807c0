// How good the rings are that src/ring plans, and what planning costs. All figures but the times
// are exact and the same on every machine. A figure `a / b` is best at 1.
//
//   rows       runs of consecutive slots for each node: rows of CLUSTER SLOTS
//   primary    most slots owned / its share by capacity
//   replica    most slots held at N = 3 / what the best of all rings would give (ideal-load.ts)
//   least      the same for the member that holds least
//   worst      the largest replica figure of all the rings on the way
//   heir       largest part of one node's slots that fall to one other node when it fails
//   moved      slots that change owner / fewest possible
//   copied     replicas that somebody must receive / fewest possible

import { SLOT_COUNT, type Slot } from '../src/base/ids.ts';
import { idealLoads } from '../src/ring/ideal-load.ts';
import { placeTokens } from '../src/ring/placement.ts';
import { type PreferenceTable, preferenceLists } from '../src/ring/preference-list.ts';
import { rebalance } from '../src/ring/rebalance.ts';
import { type Member, type Ring, runsOf, slotsOwned } from '../src/ring/ring.ts';

const N = 3;
const SIZES = [3, 5, 10, 30, 100, 300, 1000];

type Place = Partial<Omit<Member, 'id'>>;

const UNEVEN: readonly (readonly [name: string, placeOf: (i: number) => Place, size: number])[] = [
  ['capacity 1 2 4', (i) => ({ capacity: [1, 2, 4][i % 3] ?? 1 }), 12],
  ['capacity 1 2 4', (i) => ({ capacity: [1, 2, 4][i % 3] ?? 1 }), 60],
  ['capacity 1…4', (i) => ({ capacity: 1 + ((i * 7) % 31) / 10 }), 100],
  ['3 racks', (i) => ({ rack: `r${i % 3}` }), 9],
  ['3 racks', (i) => ({ rack: `r${i % 3}` }), 60],
  ['2 racks', (i) => ({ rack: `r${i % 2}` }), 20],
  ['racks 10 10 5', (i) => ({ rack: `r${Math.floor(i / 10)}` }), 25],
  ['5 racks, 1 2 4', (i) => ({ rack: `r${i % 5}`, capacity: [1, 2, 4][i % 3] ?? 1 }), 60],
  ['4 a host', (i) => ({ host: `h${Math.floor(i / 4)}` }), 16],
  ['4 a host', (i) => ({ host: `h${Math.floor(i / 4)}` }), 80],
];

export async function run(print: (line: string) => void): Promise<void> {
  print('A new ring of S equal nodes, one that joins, one that leaves');
  print(row('S', [...QUALITY, 'place', 'table', ...CHANGE, ...CHANGE], 7));
  for (const size of SIZES) print(newRing(size));
  print('');
  print('Joined one by one from 3 nodes to S; then 100 leaves and 100 joins by turns');
  print(row('S', [...QUALITY, 'worst', 'moved', 'copied', 'ms each'], 7));
  for (const line of series()) print(line);
  print('');
  print('Unequal nodes: new, and after 20 leaves and 20 joins by turns');
  print(row('', ['S', ...QUALITY, 'worst', 'moved'], 24));
  for (const [name, placeOf, size] of UNEVEN) {
    const members = membersOf(size, placeOf);
    const ring = placeTokens(members, { n: N });
    print(row(`${name}, new`, [`${size}`, ...qualityOf(ring)], 24));
    const churn = churned(ring, placeOf, 40);
    const worst = [churn.replica.toFixed(3), churn.moved.toFixed(3)];
    print(row(`${name}, changed`, [`${size}`, ...qualityOf(churn.ring), ...worst], 24));
  }
}

const QUALITY = ['rows', 'primary', 'replica', 'least', 'heir'];
const CHANGE = ['moved', 'copied', 'ms'];

function newRing(size: number): string {
  const members = membersOf(size);
  const [ring, placeMs] = timed(() => placeTokens(members, { n: N }));
  const [, tableMs] = timed(() => preferenceLists(ring, N));
  const joined = changeOf(ring, [...members, memberOf(size)]);
  const left = changeOf(ring, members.slice(1));
  const cells = [...qualityOf(ring), ms(placeMs), ms(tableMs), ...joined.cells, ...left.cells];
  return row(`${size}`, cells, 7);
}

function* series(): Generator<string> {
  let ring = placeTokens(membersOf(3), { n: N });
  let moved = 0;
  let copied = 0;
  let worstReplica = 0;
  let totalMs = 0;
  for (let size = 4; size <= 100; size++) {
    const change = changeOf(ring, [...ring.members, memberOf(size - 1)]);
    ring = change.ring;
    worstReplica = Math.max(worstReplica, largestReplica(ring));
    moved = Math.max(moved, change.moved);
    copied = Math.max(copied, change.copied);
    totalMs += change.ms;
    if (![10, 20, 50, 100].includes(size)) continue;
    const figures = [
      worstReplica.toFixed(3),
      moved.toFixed(3),
      copied.toFixed(3),
      ms(totalMs / (size - 3)),
    ];
    yield row(`${size}`, [...qualityOf(ring), ...figures], 7);
    if (size !== 20 && size !== 100) continue;
    const churn = churned(ring, () => ({}), 200);
    const after = [
      churn.replica.toFixed(3),
      churn.moved.toFixed(3),
      churn.copied.toFixed(3),
      ms(churn.ms / 200),
    ];
    yield row(`${size} ±`, [...qualityOf(churn.ring), ...after], 7);
  }
}

/** By turns a member leaves and another one like it joins; the worst figures on the way. */
function churned(start: Ring, placeOf: (i: number) => Place, changes: number) {
  const worst = { ring: start, replica: 0, moved: 0, copied: 0, ms: 0 };
  let members = [...start.members];
  let gone = 0;
  for (let i = 0; i < changes; i++) {
    if (i % 2 === 0) {
      gone = (i * 37) % members.length;
      members = members.toSpliced(gone, 1);
    } else {
      members = members.toSpliced(gone, 0, { ...memberOf(5_000 + i, placeOf(gone)) });
    }
    const change = changeOf(worst.ring, members);
    worst.ring = change.ring;
    worst.replica = Math.max(worst.replica, largestReplica(change.ring));
    worst.moved = Math.max(worst.moved, change.moved);
    worst.copied = Math.max(worst.copied, change.copied);
    worst.ms += change.ms;
  }
  return worst;
}

function changeOf(before: Ring, members: readonly Member[]) {
  const [ring, took] = timed(() => rebalance(before, members, { n: N }));
  const moved = movedIn(before, ring) / fewestMoves(before, members);
  const copied = copiedIn(before, ring) / fewestCopies(before, ring);
  const cells = [moved.toFixed(3), copied.toFixed(3), ms(took)];
  return { ring, moved, copied, ms: took, cells };
}

function movedIn(before: Ring, after: Ring): number {
  const idBefore = before.members.map(({ id }) => id);
  const idAfter = after.members.map(({ id }) => id);
  const changes = (owner: number, slot: number) =>
    idBefore[owner] !== idAfter[after.owners[slot] as number];
  return before.owners.reduce((sum, owner, slot) => sum + Number(changes(owner, slot)), 0);
}

/** For a join the share of the new member, for a leave what the old one has. */
function fewestMoves(before: Ring, members: readonly Member[]): number {
  const stays = new Set(members.map(({ id }) => id));
  const known = new Set(before.members.map(({ id }) => id));
  const total = members.reduce((sum, { capacity }) => sum + capacity, 0);
  const joining = members.filter(({ id }) => !known.has(id));
  const drawn = joining.reduce((sum, { capacity }) => sum + (SLOT_COUNT * capacity) / total, 0);
  const owned = slotsOwned(before);
  const left = before.members.reduce(
    (sum, { id }, i) => sum + (stays.has(id) ? 0 : (owned[i] as number)),
    0,
  );
  return Math.max(drawn, left);
}

function copiedIn(before: Ring, after: Ring): number {
  const held = heldBy(before, preferenceLists(before, N));
  let copied = 0;
  for (const [id, slots] of heldBy(after, preferenceLists(after, N))) {
    const had = held.get(id);
    for (const [slot, holds] of slots.entries()) copied += Number(holds > (had?.[slot] ?? 0));
  }
  return copied;
}

/** What members gain in replica load, if none of it were exchanged between them. */
function fewestCopies(before: Ring, after: Ring): number {
  const held = heldBy(before, preferenceLists(before, N));
  let fewest = 0;
  for (const [id, slots] of heldBy(after, preferenceLists(after, N))) {
    fewest += Math.max(0, countIn(slots) - countIn(held.get(id)));
  }
  return Math.max(1, fewest);
}

/** For each member 1 at the slots that it holds a replica of. */
function heldBy(ring: Ring, table: PreferenceTable): Map<string, Uint8Array> {
  const held = ring.members.map(() => new Uint8Array(SLOT_COUNT));
  for (let slot = 0 as Slot; slot < SLOT_COUNT; slot++) {
    for (const member of table.primaries(slot)) (held[member] as Uint8Array)[slot] = 1;
  }
  return new Map(ring.members.map(({ id }, i) => [id, held[i] as Uint8Array]));
}

function countIn(slots: Uint8Array | undefined): number {
  return slots?.reduce((sum, holds) => sum + holds, 0) ?? 0;
}

function qualityOf(ring: Ring): string[] {
  const { members } = ring;
  const table = preferenceLists(ring, N);
  const total = members.reduce((sum, { capacity }) => sum + capacity, 0);
  const owned = slotsOwned(ring);
  const primary = members.map(
    ({ capacity }, i) => ((owned[i] as number) * total) / (SLOT_COUNT * capacity),
  );
  const replica = replicaLoads(ring, table);
  return [
    (runsOf(ring).length / members.length).toFixed(1),
    Math.max(...primary).toFixed(3),
    Math.max(...replica).toFixed(3),
    Math.min(...replica).toFixed(3),
    heirOf(ring, table, owned).toFixed(2),
  ];
}

/** Of each member, over its ideal. */
function replicaLoads(ring: Ring, table: PreferenceTable): number[] {
  const ideal = idealLoads(ring.members, table.n);
  const loads = new Float64Array(ring.members.length);
  for (let slot = 0 as Slot; slot < SLOT_COUNT; slot++) {
    for (const member of table.primaries(slot)) loads[member] = (loads[member] as number) + 1;
  }
  return Array.from(loads, (load, i) => load / (ideal[i] as number));
}

function largestReplica(ring: Ring): number {
  return Math.max(...replicaLoads(ring, preferenceLists(ring, N)));
}

function heirOf(ring: Ring, table: PreferenceTable, owned: Uint32Array): number {
  const inherited = new Map<string, number>();
  let largest = 0;
  for (const [slot, owner] of ring.owners.entries()) {
    const pair = `${owner} ${table.primaries(slot as Slot)[1]}`;
    const count = (inherited.get(pair) ?? 0) + 1;
    inherited.set(pair, count);
    largest = Math.max(largest, count / (owned[owner] as number));
  }
  return largest;
}

function membersOf(size: number, placeOf: (i: number) => Place = () => ({})): Member[] {
  return Array.from({ length: size }, (_, i) => memberOf(i, placeOf(i)));
}

function memberOf(i: number, place: Place = {}): Member {
  const id = i.toString(16).padStart(40, '0') as Member['id'];
  return { id, host: `h${i}`, rack: 'r', dataCenter: 'dc', capacity: 1, ...place };
}

function timed<T>(work: () => T): [result: T, ms: number] {
  const start = performance.now();
  const result = work();
  return [result, performance.now() - start];
}

function ms(duration: number): string {
  return `${duration.toFixed(1)} ms`;
}

function row(name: string, cells: readonly string[], width: number): string {
  return name.padEnd(width) + cells.map((cell) => cell.padStart(10)).join('');
}

if (import.meta.main) await run(console.log);
