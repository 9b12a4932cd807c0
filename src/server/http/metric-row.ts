// A row of /metrics: a name in base units, one HELP text, and how to read the value from its owner
// when somebody asks.

import type { Histogram, NodeMetrics } from '../../node/metrics.ts';
import type { NodeView } from './node-view.ts';

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface MetricRow {
  readonly type: 'counter' | 'gauge';
  readonly name: string;
  readonly help: string;
  /** Of its samples; absent: all of them are there from the start, and say it themselves. */
  readonly label?: string;
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

/** A gauge with a sample for each of some other nodes, which come and go. */
export function gaugeByNode<T>(
  name: string,
  help: string,
  byName: (node: NodeMetrics) => ReadonlyMap<string, T>,
  value: (of: T) => number,
): MetricRow {
  const read: MetricRow['read'] = (_, node) => {
    const named = node === undefined ? [] : [...byName(node)];
    return named.map(([other, of]) => ({ labels: { node: other }, value: value(of) }));
  };
  return { ...gauge(name, help, read), label: 'node' };
}

export function plain(value: number): Sample[] {
  return [{ labels: {}, value }];
}

export function labelled(label: string, counts: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(counts).map(([kind, value]) => ({ labels: { [label]: kind }, value }));
}
