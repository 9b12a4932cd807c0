// What a running node says about itself on /metrics: `name{label="x"}` → value.

import type { RunningNode } from './cluster-fixture.ts';

export async function metricsOf(node: RunningNode): Promise<(sample: string) => number> {
  const page = await (await fetch(`${node.httpUrl}/metrics`)).text();
  const lines = page.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const samples = new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), Number(line.slice(space + 1))] as const;
    }),
  );
  return (sample) => {
    const value = samples.get(sample);
    if (value === undefined) throw new Error(`${node.name} has no metric ${sample}`);
    return value;
  };
}
