// A process that runs seeds: it is sent one, and answers with its report, until it is let go. Its
// argument says what all its runs have in common. A bug that it shall run with is put into the code
// before any of that is loaded, so that nothing here may import the product.

import { loadWithMutant } from '../mutants/mutant-loader.ts';
import { mutantNamed } from '../mutants/mutants.ts';
import type { Report, ScenarioOptions } from '../scenario.ts';

export interface WorkerOrder {
  /** Name of the bug. */
  readonly mutant?: string;
  readonly scenario?: Pick<ScenarioOptions, 'load' | 'weather' | 'nodes'>;
}

const order = JSON.parse(process.argv[2] as string) as WorkerOrder;
if (order.mutant !== undefined) loadWithMutant(mutantNamed(order.mutant));
const { runScenario } = await import('../scenario.ts');

/** What no code of a node has caught: a real process would have ended with it. */
let uncaught: string[] = [];
const noteUncaught = (error: unknown) => {
  uncaught.push(`uncaught: ${error instanceof Error ? error.stack : error}`);
};
process.on('unhandledRejection', noteUncaught);
process.on('uncaughtException', noteUncaught);

process.on('message', async (seed: number) => {
  const report: Report = await runScenario(seed, order.scenario);
  const findings = [...uncaught, ...report.findings];
  uncaught = [];
  process.send?.({ ...report, findings });
});
