// What a node counts, as rows for Prometheus: names in base units, one HELP text each. The counts
// themselves are plain integers of their owners; a row says how to read them when somebody asks.

import { ENGINE_ROWS } from './engine-metrics.ts';
import { GOSSIP_ROWS } from './gossip-metrics.ts';
import {
  counter,
  gauge,
  gaugeByNode,
  type HistogramRow,
  labelled,
  type MetricRow,
  ofNode,
  ofResp,
  plain,
} from './metric-row.ts';

const NODE_ROWS: readonly MetricRow[] = [
  gauge('kvorum_serving', 'Whether clients are served: 0 while starting or stopping.', (view) =>
    plain(view.stage() === 'serving' ? 1 : 0),
  ),
  gauge(
    'kvorum_quorum',
    'Whether every slot has as many primaries alive as reads and writes wait for.',
    (view) => plain(view.running()?.isReady() ? 1 : 0),
  ),
  gauge(
    'kvorum_members',
    'Members of the cluster, alive or not.',
    ofNode((node) => node.members),
  ),
  gauge(
    'kvorum_members_alive',
    'Members that seem alive to this node, itself included.',
    ofNode((node) => node.membersAlive),
  ),
  counter('kvorum_reads_total', 'Reads that this node coordinated, by outcome.', (_, node) =>
    labelled('outcome', node?.gets ?? {}),
  ),
  counter('kvorum_writes_total', 'Writes that this node coordinated, by outcome.', (_, node) =>
    labelled('outcome', node?.writes ?? {}),
  ),
  counter(
    'kvorum_read_repairs_total',
    'Stale replicas that a read repaired, or left to a later one because too much was under way.',
    (_, node) =>
      node === undefined
        ? []
        : labelled('result', { sent: node.reads.repairsSent, skipped: node.reads.repairsSkipped }),
  ),
  counter(
    'kvorum_read_values_fetched_total',
    'Values fetched from replicas because their versions differed.',
    ofNode((node) => node.reads.valuesFetched),
  ),
  gauge(
    'kvorum_requests_under_way',
    'Requests of clients that this node works on.',
    ofNode(({ admission }) => admission.underWay),
  ),
  gauge(
    'kvorum_requests_under_way_limit',
    'How many keep it busy: beyond, requests wait on their connections.',
    ofNode(({ admission }) => admission.limit),
  ),
  counter(
    'kvorum_requests_refused_total',
    'Requests refused with OVERLOADED: they had waited for too long, or could not wait.',
    (_, node) => (node === undefined ? [] : labelled('class', node.admission.refused)),
  ),
  counter(
    'kvorum_read_hedges_total',
    'Reads of which one more replica was asked, was not for want of budget, or decided; probes.',
    (_, node) =>
      node === undefined
        ? []
        : labelled('what', {
            asked: node.hedges.hedges,
            won: node.hedges.hedgeWins,
            denied: node.hedges.hedgesDenied,
            probe: node.hedges.probes,
          }),
  ),
  counter(
    'kvorum_antientropy_total',
    'Comparisons with other replicas, and slots and keys that they brought level.',
    (_, node) =>
      node === undefined
        ? []
        : labelled('what', {
            exchanges: node.antiEntropy.exchanges,
            slots: node.antiEntropy.slotsRepaired,
            'keys-sent': node.antiEntropy.keysSent,
            'keys-fetched': node.antiEntropy.keysFetched,
          }),
  ),
  gaugeByNode(
    'kvorum_antientropy_in_sync_timestamp_seconds',
    'When all that is shared with the node was last found to be the same; 0: not yet.',
    ({ sync }) => sync,
    ({ inSyncMs }) => inSyncMs / 1_000,
  ),
  gaugeByNode(
    'kvorum_antientropy_oldest_slot_timestamp_seconds',
    'When the slot shared with the node that lags behind most was last the same; 0: not yet.',
    ({ sync }) => sync,
    ({ oldestSlotMs }) => oldestSlotMs / 1_000,
  ),
  gaugeByNode(
    'kvorum_antientropy_slots_differing',
    'Slots shared with the node that were not the same when they were compared last.',
    ({ sync }) => sync,
    ({ slotsDiffering }) => slotsDiffering,
  ),
  gauge(
    'kvorum_refilling_slots',
    'Slots of keyspaces that count for no read before they are refilled: the disk was lost.',
    ofNode((node) => node.slotsRefilling),
  ),
  counter(
    'kvorum_damaged_slots_dropped_total',
    'Slots of which something could not be read, and that other nodes refill.',
    ofNode((node) => node.damagedSlotsDropped),
  ),
  counter(
    'kvorum_hints_total',
    'Writes kept for a node that was away: kept, brought to it, or refused for want of room.',
    (_, node) => (node === undefined ? [] : labelled('result', { ...node.hints })),
  ),
  gaugeByNode(
    'kvorum_hints_pending',
    'Keys that a node lacks and that this one keeps for it, by the node that lacks them.',
    ({ hintsPending }) => hintsPending,
    ({ count }) => count,
  ),
  gaugeByNode(
    'kvorum_hints_pending_bytes',
    'What those hints take, by the node that lacks them; the values come on top.',
    ({ hintsPending }) => hintsPending,
    ({ bytes }) => bytes,
  ),
  counter(
    'kvorum_reaped_total',
    'Deleted and expired keys that this node has forgotten.',
    ofNode((node) => node.reaping.forgotten),
  ),
  counter(
    'kvorum_floors_raised_total',
    'Rounds of all primaries of a slot that made this node raise its floor.',
    ofNode((node) => node.reaping.floorsRaised),
  ),
  gauge(
    'kvorum_reaping_slots',
    'Slots of keyspaces in which something is deleted, or will expire.',
    ofNode((node) => node.reaping.slots),
  ),
  gaugeByNode(
    'kvorum_reaping_waits',
    'Those that cannot be reaped because a node is away, by the node.',
    ({ reapingWaits }) => reapingWaits,
    (slots) => slots,
  ),
  counter(
    'kvorum_objects_grown_total',
    'Objects that grew beyond what is healthy: siblings, length of the context, or its cut.',
    (_, node) =>
      node === undefined
        ? []
        : labelled('what', {
            'many-siblings': node.objects.manySiblings,
            'long-context': node.objects.longContexts,
            'context-cut': node.objects.contextsCut,
          }),
  ),
  counter(
    'kvorum_merges_total',
    'Reads that met siblings in a keyspace with a merge function, by what became of the merge.',
    (_, node) => (node === undefined ? [] : labelled('result', { ...node.merges })),
  ),
  counter(
    'kvorum_contexts_closed_total',
    'Contexts freed of earlier lives of nodes, because all primaries had confirmed them.',
    ofNode((node) => node.objects.contextsClosed),
  ),
  counter('kvorum_peer_frames_total', 'Frames between nodes, by what became of them.', (_, node) =>
    node === undefined
      ? []
      : labelled('result', {
          sent: node.peers.framesSent,
          received: node.peers.framesReceived,
          refused: node.peers.framesRefused,
        }),
  ),
  counter(
    'kvorum_peer_questions_lost_total',
    'Questions to other nodes that were not answered in time or at all.',
    ofNode((node) => node.peers.questionsLost),
  ),
  counter(
    'kvorum_relays_repeated_total',
    'Copies that a node of another data center was to pass on, and were sent directly after all.',
    ofNode((node) => node.peers.relaysRepeated),
  ),
];

const RESP_ROWS: readonly MetricRow[] = [
  gauge(
    'kvorum_resp_connections',
    'Open connections of Redis clients.',
    ofResp((resp) => resp.info.connectionCount()),
  ),
  gauge(
    'kvorum_resp_connections_waiting',
    'Of these, those whose next request waits until the node has a place for it.',
    ofResp((resp) => resp.waiting),
  ),
  counter('kvorum_resp_connections_total', 'Connections of Redis clients.', ({ resp }) =>
    labelled('result', {
      accepted: resp.info.counters.connectionsAccepted,
      refused: resp.info.counters.connectionsRefused,
    }),
  ),
  counter('kvorum_resp_connections_dropped_total', 'Redis clients cut off, by why.', ({ resp }) =>
    labelled('why', { ...resp.drops }),
  ),
  counter(
    'kvorum_resp_commands_total',
    'Commands of Redis clients.',
    ofResp((resp) => resp.info.counters.commands),
  ),
  counter(
    'kvorum_resp_error_replies_total',
    'Commands of Redis clients that were answered with an error.',
    ofResp((resp) => resp.info.counters.errorReplies),
  ),
  counter(
    'kvorum_resp_moved_total',
    'Redis Cluster clients sent to another node.',
    ofResp((resp) => resp.info.counters.moved),
  ),
  counter('kvorum_resp_bytes_total', 'Bytes from and to Redis clients.', ({ resp }) =>
    labelled('direction', { in: resp.info.counters.bytesIn, out: resp.info.counters.bytesOut }),
  ),
  counter('kvorum_resp_lookups_total', 'Keys that commands read, found or not.', ({ resp }) =>
    labelled('result', {
      hit: resp.info.counters.keyspaceHits,
      miss: resp.info.counters.keyspaceMisses,
    }),
  ),
];

export const METRIC_ROWS: readonly MetricRow[] = [
  ...NODE_ROWS,
  ...GOSSIP_ROWS,
  ...ENGINE_ROWS,
  ...RESP_ROWS,
];

export const HISTOGRAM_ROWS: readonly HistogramRow[] = [
  {
    name: 'kvorum_read_duration_seconds',
    help: 'How long reads took that this node coordinated.',
    read: (node) => node.getLatency,
  },
  {
    name: 'kvorum_write_duration_seconds',
    help: 'How long writes took that this node coordinated.',
    read: (node) => node.writeLatency,
  },
];
