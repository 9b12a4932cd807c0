// What a node thinks of the others, as rows for Prometheus: gossip, states, suspicion, load.

import type { NodeMetrics } from '../../node/metrics.ts';
import { MEMBER_STATES, type MemberHealth } from '../../node/store.ts';
import { counter, gauge, labelled, type MetricRow, ofNode } from './metric-row.ts';

export const GOSSIP_ROWS: readonly MetricRow[] = [
  counter('kvorum_gossip_bytes_total', 'Bytes of gossip with other nodes.', (_, node) =>
    node === undefined
      ? []
      : labelled('direction', {
          in: node.peers.gossipBytesReceived,
          out: node.peers.gossipBytesSent,
        }),
  ),
  counter(
    'kvorum_gossip_exchanges_lost_total',
    'Exchanges of gossip that this node began and nobody answered in time.',
    ofNode((node) => node.gossipExchangesLost),
  ),
  counter(
    'kvorum_member_downs_total',
    'How often a member went down in the eyes of this node.',
    ofNode((node) => node.memberDowns),
  ),
  gauge('kvorum_members_by_state', 'Members by what this node thinks of them.', (_, node) =>
    node === undefined ? [] : labelled('state', countsOf(node)),
  ),
  gauge(
    'kvorum_members_slow',
    'Members whose answers take too long or are not given in time.',
    ofNode((node) => [...node.health.values()].filter(({ isSlow }) => isSlow).length),
  ),
  gauge(
    'kvorum_members_disk_full',
    'Members that take no writes for want of space.',
    ofNode((node) => [...node.health.values()].filter(({ isDiskFull }) => isDiskFull).length),
  ),
  gauge(
    'kvorum_member_phi',
    'How suspicious the silence of a member is: 4 is suspect, 8 is down.',
    ofMembers(({ phi }) => phi),
  ),
  gauge(
    'kvorum_member_requests_per_second',
    'Reads and writes that a member says it coordinates.',
    ofMembers(({ load }) => load.requestsPerSecond),
  ),
  gauge(
    'kvorum_member_late_seconds',
    'How late the timers of a member run, as it says.',
    ofMembers(({ load }) => load.lateMs / 1_000),
  ),
];

function ofMembers(value: (health: MemberHealth) => number): MetricRow['read'] {
  return (_, node) => {
    const all = [...(node?.health ?? [])];
    return all.map(([member, health]) => ({ labels: { member }, value: value(health) }));
  };
}

function countsOf({ health }: NodeMetrics): Record<string, number> {
  const states = [...health.values()].map(({ state }) => state);
  return Object.fromEntries(
    MEMBER_STATES.map((state) => [state, states.filter((each) => each === state).length]),
  );
}
