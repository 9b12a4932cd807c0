// What a running node says about itself on /metrics: `name{label="x"}` → value.

import type { RunningNode } from './cluster-fixture.ts';

/** `ifAbsent`: of a sample that is there only while there is something to tell. */
type Metrics = (sample: string, ifAbsent?: number) => number;

export async function metricsOf(node: RunningNode): Promise<Metrics> {
  const response = await fetch(`${node.httpUrl}/metrics`);
  const page = await response.text();
  if (!response.ok) throw new Error(`${node.name}: ${page}`);
  const lines = page.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const samples = new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), Number(line.slice(space + 1))] as const;
    }),
  );
  return (sample, ifAbsent) => {
    const value = samples.get(sample) ?? ifAbsent;
    if (value === undefined) throw new Error(`${node.name} has no metric ${sample}`);
    return value;
  };
}
