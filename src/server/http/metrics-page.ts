// The text of /metrics: a Prometheus registry that reads its rows when it is asked, beside the
// usual figures of a Node.js process (CPU, memory, file descriptors, event-loop lag, GC).

import { Counter, collectDefaultMetrics, Gauge, type Metric, Registry } from 'prom-client';
import { LATENCY_BOUNDS_MS, type NodeMetrics } from '../../node/metrics.ts';
import type { HistogramRow, MetricRow } from './metric-row.ts';
import { HISTOGRAM_ROWS, METRIC_ROWS } from './metric-table.ts';
import type { NodeView } from './node-view.ts';

export interface MetricsPage {
  readonly contentType: string;
  text(): Promise<string>;
}

export function metricsPage(view: NodeView): MetricsPage {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const row of METRIC_ROWS) register(registry, row, view);
  for (const row of HISTOGRAM_ROWS) registry.registerMetric(filledHistogram(row, view));
  return { contentType: registry.contentType, text: () => registry.metrics() };
}

function register(registry: Registry, row: MetricRow, view: NodeView): void {
  const { name, help, type } = row;
  const sampled = samplesOf(row, view).flatMap(({ labels }) => Object.keys(labels));
  const labelNames = row.label === undefined ? [...new Set(sampled)] : [row.label];
  const Kind = type === 'counter' ? Counter : Gauge;
  const metric = new Kind({
    name,
    help,
    labelNames,
    registers: [registry],
    collect() {
      metric.reset();
      for (const { labels, value } of samplesOf(row, view)) metric.inc(labels, value);
    },
  });
}

function samplesOf(row: MetricRow, view: NodeView) {
  return row.read(view, nodeMetrics(view));
}

function nodeMetrics(view: NodeView): NodeMetrics | undefined {
  return view.running()?.metrics();
}

/**
 * A histogram whose buckets are filled already: prom-client's own would have to see every request.
 * The registry asks a metric for nothing but what `get` resolves with.
 */
function filledHistogram(row: HistogramRow, view: NodeView): Metric {
  const { name, help } = row;
  const get = async () => {
    const node = nodeMetrics(view);
    const values = node === undefined ? [] : bucketSamples(name, row.read(node));
    return { name, help, type: 'histogram', values };
  };
  return { name, get } as unknown as Metric;
}

function bucketSamples(name: string, { counts, sumMs }: ReturnType<HistogramRow['read']>) {
  let total = 0;
  const buckets = Array.from(counts, (count, index) => {
    total += count;
    const boundMs = LATENCY_BOUNDS_MS[index];
    const le = boundMs === undefined ? '+Inf' : boundMs / 1000;
    return { metricName: `${name}_bucket`, labels: { le }, value: total };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels: {}, value: sumMs / 1000 },
    { metricName: `${name}_count`, labels: {}, value: total },
  ];
}
