// KV.GET, KV.PUT, KV.DEL, KV.EXPLAIN: what GET, SET and DEL have no place for. All siblings of a
// key, the context to hand back with the next write, and a receipt of what a write obtained.
//
//   KV.GET key [R l] [AFTER c]                           → values, expiries, context, receipt
//   KV.PUT key value [CONTEXT c] [IF i] [W l] [TTL ms]   → applied, context, receipt
//   KV.DEL key [CONTEXT c] [IF i] [W l]                  → applied, context, receipt
//
// R and W: a number of replicas, or one, quorum, local-quorum, each-quorum, all.
// Where siblings met in a keyspace with a merge function, KV.GET answers the merged value and
// merged-from, their number; or all of them and merge-failed, the reason.
//
// AFTER: answer only from a state that covers c, as a session wants it. IF: `absent`, `present`, or
// `unchanged` since the context was read. Answers are maps in RESP3 and flat arrays of names and
// values in RESP2.

import type { KeyspaceNumber } from '../../../../base/ids.ts';
import {
  type Change,
  type Condition,
  type ConsistencyLevel,
  decodeContext,
  encodeContext,
  type MergeReport,
  type Receipt,
  type Store,
  type VersionVector,
} from '../../../../node/store.ts';
import { dataCenterCounts } from '../../../data-center-counts.ts';
import { explanationText } from '../../../explanation-text.ts';
import type { Call } from '../../command.ts';
import { error, map, type Reply, type ReplyNode } from '../../reply.ts';
import { KeyAccess } from '../key-access.ts';
import { isUnwritten, noAnswer, unwritten } from '../outcome-reply.ts';
import { countIn, type KvOption, kvOptions, levelOf } from './kv-options.ts';

const CONDITIONS: readonly Condition[] = ['absent', 'present', 'unchanged'];
const NO_CONDITION = error('ERR IF is absent, present or unchanged [BAD_OPTION]');
/** A century: more is a mistake, such as seconds since 1970. */
const TTL_MS_MAX = 100 * 365 * 86_400_000;

export async function kvGet(call: Call): Promise<Reply> {
  const access = new KeyAccess(call);
  const { keyspace } = call.session;
  const options = kvOptions(call.args, 2, ['R', 'AFTER']);
  if (options.kind === 'refused') return options.reply;
  const { R, AFTER } = options.values;
  const r = levelOf('R', R);
  if (isReply(r)) return r;
  const after = AFTER && decodeContext(AFTER.toString('latin1'), keyspace);
  const outcome = await access.read(call.args[1] as Buffer, { r, after });
  if (outcome.kind === 'no-answer') return noAnswer(outcome);
  const values = outcome.kind === 'found' ? outcome.values : [];
  return map([
    ['values', values.map(({ value }) => value)],
    ['expiries', values.map(({ expiresAt }) => expiresAt)],
    ...confirmation(call.store, keyspace, outcome),
    ...mergeFields(outcome.kind === 'found' ? outcome.merge : undefined),
  ]);
}

export async function kvPut(call: Call): Promise<Reply> {
  const options = kvOptions(call.args, 3, ['CONTEXT', 'IF', 'W', 'TTL']);
  if (options.kind === 'refused') return options.reply;
  const ttl = countIn('TTL', options.values.TTL, TTL_MS_MAX);
  if (isReply(ttl)) return ttl;
  const expiresAt = ttl === undefined ? 'default' : call.store.wallMs() + ttl;
  const change: Change = { kind: 'put', value: call.args[2] as Buffer, expiresAt };
  return write(call, change, options.values);
}

export async function kvDel(call: Call): Promise<Reply> {
  const options = kvOptions(call.args, 2, ['CONTEXT', 'IF', 'W']);
  if (options.kind === 'refused') return options.reply;
  return write(call, { kind: 'delete' }, options.values);
}

export async function kvExplain({ args, session, store }: Call): Promise<Reply> {
  const explanation = await store.explain(session.keyspace, args[1] as Buffer);
  return { kind: 'verbatim', text: explanationText(explanation) };
}

async function write(
  call: Call,
  change: Change,
  { CONTEXT, IF, W }: Readonly<Partial<Record<KvOption, Buffer>>>,
): Promise<Reply> {
  const access = new KeyAccess(call);
  const { keyspace } = call.session;
  const w = levelOf('W', W);
  if (isReply(w)) return w;
  const condition = IF && CONDITIONS.find((each) => each === IF.toString('latin1').toLowerCase());
  if (IF !== undefined && condition === undefined) return NO_CONDITION;
  const context = CONTEXT && decodeContext(CONTEXT.toString('latin1'), keyspace);
  const outcome = await access.write(call.args[1] as Buffer, change, { context, condition, w });
  if (isUnwritten(outcome)) return unwritten(outcome);
  // The condition did not hold, or there was nothing to delete.
  if (outcome.kind === 'condition-failed') return map([['applied', 0]]);
  return map([['applied', 1], ...confirmation(call.store, keyspace, outcome)]);
}

function confirmation(
  store: Store,
  keyspace: KeyspaceNumber,
  { context, receipt }: { readonly context: VersionVector; readonly receipt: Receipt },
): (readonly [Reply, Reply])[] {
  const { nodes, fallbacks, durability, epoch } = receipt;
  return [
    ['context', encodeContext(context, keyspace)],
    ['nodes', nodes.map((id) => store.nodeName(id))],
    ['fallbacks', fallbacks.map((id) => store.nodeName(id))],
    ['durability', durability],
    ['epoch', epoch],
    ['data-centers', map(Object.entries(dataCenterCounts(store, receipt)))],
  ];
}

/** Only where siblings met in a keyspace with a merge function. */
function mergeFields(merge: MergeReport | undefined): (readonly [Reply, Reply])[] {
  if (merge === undefined) return [];
  if (merge.kind === 'merged') return [['merged-from', merge.siblingsCount]];
  return [['merge-failed', merge.why]];
}

function isReply(value: ConsistencyLevel | undefined | ReplyNode): value is ReplyNode {
  return typeof value === 'object';
}
