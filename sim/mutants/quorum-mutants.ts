// Bugs in how requests are answered: counting, durability, forwarding, sessions, who is alive.

import type { Mutant } from './mutant.ts';

export const QUORUM_MUTANTS: readonly Mutant[] = [
  {
    name: 'one copy less than W is enough',
    file: 'src/replication/write-quorum.ts',
    text: 'isReached &&= bitCount(this.#held & places) >= share.needed;',
    becomes: 'isReached &&= bitCount(this.#held & places) >= share.needed - 1;',
  },
  {
    name: 'fallbacks alone make W full',
    file: 'src/replication/write-quorum.ts',
    text: 'let isReached = this.#acked !== 0 || !this.#needsPrimary;',
    becomes: 'let isReached = true;',
    weather: ['hasStalledDisks', 'hasPowerCuts', 'hasCrashes'],
    nodes: 5,
    load: { operations: [80, 120], thinkMs: [10, 60] },
  },
  {
    name: 'who does not answer counts as a copy',
    file: 'src/replication/replicated-write.ts',
    text: '      this.#standInFor(member);\n      return;',
    becomes: '      this.#count(member, true);\n      return;',
  },
  {
    name: 'our own copy counts before it is durable',
    file: 'src/replication/replicated-write.ts',
    text: 'this.#minted.durable.then(',
    becomes: 'Promise.resolve().then(',
  },
  {
    name: 'a replica confirms before its copy is durable',
    file: 'src/replication/responder.ts',
    text: 'return later(kept, (): Reply =>',
    becomes: 'Promise.resolve(kept).catch(() => {});\n      return later(undefined, (): Reply =>',
  },
  {
    name: 'the log confirms before it has synced',
    file: 'src/storage/log/commit-log.ts',
    text: 'return { sequence: ++this.#lastSequence, durable: batch.durable };',
    becomes: 'return { sequence: ++this.#lastSequence, durable: Promise.resolve() };',
  },
  {
    name: 'a read shows what is not durable',
    file: 'src/replication/replica.ts',
    text: 'if (stored.sequence <= this.#engine.durableSequence()) return stored.value;',
    becomes: 'if (stored.sequence > 0) return stored.value;',
    weather: ['hasStalledDisks', 'hasPowerCuts'],
  },
  {
    name: 'one answer less than R is enough',
    file: 'src/replication/read/read-quorum.ts',
    text: 'return Math.max(0, share.needed - this.#gotOf(share));',
    becomes: 'return Math.max(0, share.needed - 1 - this.#gotOf(share));',
  },
  {
    name: 'a read answers what its own node has',
    file: 'src/replication/read/quorum-reader.ts',
    text: 'if (sources.length > 0) return this.#fetchAll(gathering, own, sources);',
    becomes: '',
  },
  {
    name: 'a read ignores what its reader has seen',
    file: 'src/replication/read/read-quorum.ts',
    text: 'return !descends(this.merged().context, this.#after);',
    becomes: 'return false;',
  },
  {
    name: 'a write whose turn comes too late is done all the same',
    file: 'src/replication/replica.ts',
    text: 'if (this.#clock.monotonicMs() >= terms.deadlineMs) return TOO_LATE;',
    becomes: '',
  },
  {
    name: 'a frame that comes twice is taken up twice',
    file: 'src/node/once.ts',
    text: 'if (this.#taken.has(name)) return false;',
    becomes: '',
  },
  {
    name: 'a put that may have been done is done again elsewhere',
    file: 'src/replication/forwarding/forwarder.ts',
    text: "return change.kind === 'delete' || (change",
    becomes: "return change.kind !== 'expire' || (change",
    weather: ['hasLossyNetwork', 'hasCrashes'],
    nodes: 5,
  },
  {
    name: 'a write that nobody answered for was not applied',
    file: 'src/replication/forwarding/forwarder.ts',
    text: "return { kind: 'indeterminate', ...nothingOf(terms.need) };",
    becomes: "return { kind: 'not-applied', ...nothingOf(terms.need) };",
  },
  {
    name: 'nobody ever goes down',
    file: 'src/membership/failure-detector.ts',
    text: "if (isBroken || phi >= DOWN_PHI) return 'down';",
    becomes: '',
  },
  {
    name: 'whoever was down stays down',
    file: 'src/membership/failure-detector.ts',
    text: "if (isBroken || phi >= DOWN_PHI) return 'down';",
    becomes: "if (isBroken || phi >= DOWN_PHI || this.#of(member).state === 'down') return 'down';",
  },
  {
    name: 'who talks and answers nothing is well',
    file: 'src/membership/failure-detector.ts',
    text: 'return phi + this.#failuresOf(subject, nowMs);',
    becomes: 'return phi;',
  },
];
