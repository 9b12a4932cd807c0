// Which filter tables should have: bits a key, how often absent keys pass, and what it costs.
//
// The figure to compare is bits ÷ log2(1 ÷ rate): 1.00 is what information theory asks for,
// whatever the rate. Times are those of the processor in this thread, because the machine may be
// shared with others.

import { Filter, FilterWriter } from '../src/storage/sstable/filter.ts';
import { hashOfTableKey } from '../src/storage/sstable/key-hash.ts';
import * as candidates from './filter-candidates.ts';

const KEYS = [100_000, 1_000_000, 5_000_000] as const;
const ABSENT_KEYS = 1_000_000;
const ROUNDS = 3;

function fuse(partitionKeys?: number): candidates.Candidate {
  const size = partitionKeys === undefined ? 'as in tables' : `${partitionKeys / 1024} Ki a part`;
  return {
    name: `binary fuse, 4 places, 8 bits, ${size}`,
    build(hashes) {
      const writer = new FilterWriter(hashes.length, partitionKeys);
      for (const hash of hashes) writer.add(hash);
      const bytes = Buffer.concat([...writer.finish()]);
      const filter = new Filter(bytes);
      return { bytes: bytes.length, mayContain: (hash) => filter.mayContain(hash) };
    },
  };
}

const ALL: readonly candidates.Candidate[] = [
  candidates.bloom(10, 7),
  candidates.bloom(12, 8),
  candidates.blockedBloom(12, 6),
  candidates.XOR,
  candidates.FUSE_3,
  fuse(24 * 1024),
  fuse(),
  fuse(384 * 1024),
];

export async function run(print: (line: string) => void): Promise<void> {
  for (const count of KEYS) {
    print(`\n${count} keys${' '.repeat(34)}bits/key   absent pass   ÷ limit   build ns   query ns`);
    const present = hashesFrom(0, count);
    const absent = hashesFrom(2 ** 31, ABSENT_KEYS);
    for (const candidate of ALL) print(measure(candidate, present, absent));
  }
}

function measure(
  candidate: candidates.Candidate,
  present: Float64Array,
  absent: Float64Array,
): string {
  const builds: number[] = [];
  const queries: number[] = [];
  let bits = 0;
  let rate = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const begun = cpuMs();
    const filter = candidate.build(present);
    const built = cpuMs();
    let passed = 0;
    for (const hash of absent) if (filter.mayContain(hash)) passed += 1;
    queries.push(((cpuMs() - built) * 1e6) / absent.length);
    builds.push(((built - begun) * 1e6) / present.length);
    for (const hash of present) if (!filter.mayContain(hash)) throw new Error(candidate.name);
    bits = (8 * filter.bytes) / present.length;
    rate = passed / absent.length;
  }
  const figures = [
    bits.toFixed(2).padStart(10),
    `${(100 * rate).toFixed(3)} %`.padStart(14),
    (bits / Math.log2(1 / rate)).toFixed(3).padStart(10),
    Math.min(...builds)
      .toFixed(0)
      .padStart(11),
    Math.min(...queries)
      .toFixed(0)
      .padStart(11),
  ];
  return `  ${candidate.name.padEnd(44)}${figures.join('')}`;
}

/** Of keys as tables have them: a slot, then text. */
function hashesFrom(start: number, count: number): Float64Array {
  const key = Buffer.alloc(19, '\0\0\0user:');
  return Float64Array.from({ length: count }, (_, index) => {
    key.writeUInt16BE(index & 0x3fff, 1);
    key.write((start + index).toString(36).padStart(11, '0'), 8, 'latin1');
    return hashOfTableKey(key);
  });
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
