// What the trials of a run measured, by engine and by phase: one measurement a round.

import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Measured } from './meter.ts';
import type { TrialOptions } from './trial-options.ts';

const TRIAL = fileURLToPath(new URL('./trial.ts', import.meta.url));

export class Figures {
  readonly #byEngine = new Map<string, Map<string, Measured[]>>();

  get engines(): string[] {
    return [...this.#byEngine.keys()];
  }

  get phases(): string[] {
    return [...new Set([...this.#byEngine.values()].flatMap((phases) => [...phases.keys()]))];
  }

  /** Runs one trial of one engine in a process of its own. */
  async measure(engine: string, options: TrialOptions): Promise<void> {
    const args = ['--expose-gc', TRIAL, engine, JSON.stringify(options)];
    const trial = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = new Promise<number | null>((resolve) => trial.once('close', resolve));
    const lines = (await text(trial.stdout)).trim().split('\n');
    const code = await ended;
    if (code !== 0) throw new Error(`the trial of ${engine} ended with ${code}`);
    const phases = this.#byEngine.get(engine) ?? new Map<string, Measured[]>();
    this.#byEngine.set(engine, phases);
    for (const line of lines) {
      const measured = JSON.parse(line) as Measured;
      phases.set(measured.phase, [...(phases.get(measured.phase) ?? []), measured]);
    }
  }

  /** All measurements of a phase, of every engine. */
  ofPhase(phase: string): Measured[] {
    return [...this.#byEngine.values()].flatMap((phases) => phases.get(phase) ?? []);
  }

  /** Over the rounds; NaN where the engine does not do that. */
  median(engine: string, phase: string, of: (measured: Measured) => number | undefined): number {
    const each = (this.#byEngine.get(engine)?.get(phase) ?? []).map(of);
    return middle(each.filter((value) => value !== undefined));
  }

  /** Over the rounds; -Infinity where the engine does not do that. */
  worst(engine: string, phase: string, of: (measured: Measured) => number): number {
    return Math.max(...(this.#byEngine.get(engine)?.get(phase) ?? []).map(of));
  }

  /** Of one engine's rounds, the widest: fastest over slowest. 1 when there is one round. */
  spread(phase: string): number {
    const ratios = [...this.#byEngine.values()].map((phases) => {
      const rates = (phases.get(phase) ?? []).map(({ perSecond }) => perSecond);
      return rates.length === 0 ? 1 : Math.max(...rates) / Math.min(...rates);
    });
    return Math.max(...ratios);
  }
}

export function middle(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
