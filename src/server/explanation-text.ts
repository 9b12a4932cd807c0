// An explanation of a key as text: what each replica has, and what became of every write.

import type { Explanation } from '../node/store.ts';

type Write = Explanation['writes'][number];

const FATES: Readonly<Record<Write['fate'], string>> = {
  answered: 'a read answers with it',
  deleted: 'a delete: nothing is answered',
  expired: 'its time to live is over: nothing is answered',
  replaced: 'a later write that knew it took its place',
  older: 'written at the same time as the answer, which has the later clock',
};

const MERGED = 'a read merges it with the others';

export function explanationText(explanation: Explanation): string {
  const { keyspace, conflictRule, slot, replicas, standIns, hintsFor, writes } = explanation;
  const lines = [`slot ${slot}, keyspace ${keyspace} (rule ${conflictRule})`];
  const isSpread = new Set(replicas.map(({ dataCenter }) => dataCenter)).size > 1;
  for (const replica of replicas) {
    const where = isSpread ? ` in ${replica.dataCenter}` : '';
    const name = `${replica.node}${where}${replica.isAlive ? '' : ' (down)'}`;
    lines.push(`${name}: ${stateText(replica)}`);
  }
  for (const fallback of standIns) {
    lines.push(`${fallback.node} (stands in for others): ${stateText(fallback)}`);
  }
  if (hintsFor.length > 0) {
    lines.push(`hints: the node that was asked brings it to ${hintsFor.join(', ')}, when back`);
  }
  const isMerged = conflictRule === 'merge' && writes.filter(isAnswered).length > 1;
  for (const write of writes) lines.push(writeText(write, isMerged));
  if (writes.length === 0) lines.push('no replica that answered knows of a write');
  const { isAgreed } = explanation;
  lines.push(isAgreed ? 'all replicas agree' : 'the replicas differ: they are being brought level');
  return lines.join('\n');
}

function stateText({ state, why, dots, context }: Explanation['replicas'][number]): string {
  switch (state) {
    case 'has':
      return `has ${dots.join(', ') || 'no value'}; knows writes up to ${context.join(', ')}`;
    case 'has-nothing':
      return 'knows of no write';
    case 'silent':
      return 'does not answer';
    case 'refuses':
      return `refuses: ${why}`;
  }
}

function isAnswered({ fate }: Write): boolean {
  return fate === 'answered';
}

function writeText({ dot, fate, writtenMs, expiresAt, nodes }: Write, isMerged: boolean): string {
  const written = new Date(writtenMs).toISOString();
  const expiry = expiresAt === 0 ? '' : `, expires ${new Date(expiresAt).toISOString()}`;
  const becomes = isMerged && fate === 'answered' ? MERGED : FATES[fate];
  return `${dot}: ${becomes} (written ${written}${expiry}; on ${nodes.join(', ')})`;
}
