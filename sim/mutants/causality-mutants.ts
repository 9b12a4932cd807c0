// Bugs in what is known of which write: dots, contexts, siblings, conflict rules, pruning.

import type { Mutant } from './mutant.ts';

export const CAUSALITY_MUTANTS: readonly Mutant[] = [
  {
    name: 'a merge keeps what the other side has replaced',
    file: 'src/causality/siblings.ts',
    text: 'const survives = isShared || !covers(other.context, sibling.dot);',
    becomes: 'const survives = true;',
  },
  {
    name: 'a merge keeps only what both sides have',
    file: 'src/causality/siblings.ts',
    text: 'const survives = isShared || !covers(other.context, sibling.dot);',
    becomes: 'const survives = isShared || other.siblings.length === 0;',
  },
  {
    name: 'a write replaces nothing that its writer has seen',
    file: 'src/causality/siblings.ts',
    text: 'if (!covers(seen, other.dot)) siblings.push(other);',
    becomes: 'siblings.push(other);',
  },
  {
    name: 'a write replaces what its writer has not seen',
    file: 'src/causality/siblings.ts',
    text: 'if (!covers(seen, other.dot)) siblings.push(other);',
    becomes: 'if (!covers(known, other.dot)) siblings.push(other);',
  },
  {
    name: 'the context of a lonely write covers nothing else',
    file: 'src/causality/siblings.ts',
    text: 'return { context: trimmed(withDot(known, sibling.dot), siblings), siblings };',
    becomes:
      'if (siblings.length === 1) return { context: [sibling.dot], siblings };\n' +
      '  return { context: trimmed(withDot(known, sibling.dot), siblings), siblings };',
  },
  {
    name: 'the oldest of concurrent values is the latest',
    file: 'src/causality/siblings.ts',
    text: 'if (newestFirst(sibling, latest!) < 0) latest = sibling;',
    becomes: 'if (newestFirst(sibling, latest!) > 0) latest = sibling;',
    weather: ['hasPartitions', 'hasClogs'],
  },
  {
    name: 'keeping the latest forgets what it has dropped',
    file: 'src/causality/siblings.ts',
    text:
      '  const siblings = [latestOf(object)!];\n' +
      '  return { context: trimmed(object.context, siblings), siblings };',
    becomes:
      '  const siblings = [latestOf(object)!];\n' +
      '  return { context: [siblings[0]!.dot], siblings };',
  },
  {
    name: 'a vector covers one write more than it knows',
    file: 'src/causality/version-vector.ts',
    text: 'if (entry.actor === dot.actor) return entry.counter >= dot.counter;',
    becomes: 'if (entry.actor === dot.actor) return entry.counter + 1 >= dot.counter;',
  },
  {
    name: 'of two counters of an actor the lower one is merged',
    file: 'src/causality/version-vector.ts',
    text: 'const greater = a.counter >= b.counter ? a : b;',
    becomes: 'const greater = a.counter < b.counter ? a : b;',
  },
  {
    name: 'lives are closed over siblings that they wrote',
    file: 'src/causality/pruning.ts',
    text: 'siblings.every(({ dot }) => dot.actor >= entry.actor || !isSameNode(dot, entry));',
    becomes: 'siblings.length > 0;',
  },
  {
    name: 'two writes in eight share a name',
    file: 'src/replication/own-actor.ts',
    text: '  nextDot(): Dot {\n    this.#counter += 1;',
    becomes: '  nextDot(): Dot {\n    this.#counter += this.#counter % 8 === 7 ? 0 : 1;',
  },
  {
    name: 'nobody minds that others know more of him than he does',
    file: 'src/replication/own-actor.ts',
    text: 'if (!isAheadOf(context, this.last)) return false;',
    becomes: 'if (isAheadOf(context, this.last) || true) return false;',
  },
  {
    name: 'who takes a new incarnation believes that his disk lacks the last',
    file: 'src/replication/own-actor.ts',
    text: '      this.#actorBefore = actorOf(this.#nodeNumber, incarnationBefore);\n',
    becomes: '',
    weather: ['hasIslands', 'hasCrashes'],
    nodes: 5,
  },
  {
    name: 'a start goes on as the actor before',
    file: 'src/storage/open-engine.ts',
    text: 'return renewIdentity(host, before, before.incarnation);',
    becomes: 'return Promise.resolve({ ...before, closedAt: undefined });',
  },
  {
    name: 'a value that stays does not keep those beside it',
    file: 'src/replication/reaping/floor.ts',
    text: 'if (sibling.expiresAt === 0) return Number.POSITIVE_INFINITY;',
    becomes:
      'if (sibling.expiresAt === 0 && siblings.length === 1) return Number.POSITIVE_INFINITY;',
  },
];
