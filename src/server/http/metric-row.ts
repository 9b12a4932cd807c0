// A row of /metrics: a name in base units, one HELP text, and how to read the value from its owner
// when somebody asks.

import type { Histogram, NodeMetrics, PendingHints } from '../../node/metrics.ts';
import type { NodeView } from './node-view.ts';

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface MetricRow {
  readonly type: 'counter' | 'gauge';
  readonly name: string;
  readonly help: string;
  /** Undefined node: it is starting; then there are samples of its doors only. */
  readonly read: (view: NodeView, node: NodeMetrics | undefined) => readonly Sample[];
}

export interface HistogramRow {
  readonly name: string;
  readonly help: string;
  readonly read: (node: NodeMetrics) => Histogram;
}

export const counter = (name: string, help: string, read: MetricRow['read']): MetricRow => {
  return { type: 'counter', name, help, read };
};

export const gauge = (name: string, help: string, read: MetricRow['read']): MetricRow => {
  return { type: 'gauge', name, help, read };
};

/** Of the node itself; nothing while it is starting. */
export const ofNode = (value: (node: NodeMetrics) => number): MetricRow['read'] => {
  return (_, node) => (node === undefined ? [] : plain(value(node)));
};

export const ofResp = (value: (resp: NodeView['resp']) => number): MetricRow['read'] => {
  return (view) => plain(value(view.resp));
};

/** A sample for each node that lacks something which is kept here. */
export const ofTargets = (value: (pending: PendingHints) => number): MetricRow['read'] => {
  return (_, node) => {
    const pending = [...(node?.hintsPending ?? [])];
    return pending.map(([name, hints]) => ({ labels: { node: name }, value: value(hints) }));
  };
};

export function plain(value: number): Sample[] {
  return [{ labels: {}, value }];
}

export function labelled(label: string, counts: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(counts).map(([kind, value]) => ({ labels: { [label]: kind }, value }));
}
