// What many runs come to, and how it is told.

import { PROBES, type ProbeCounts } from '../probes/probes.ts';
import type { Report } from '../scenario.ts';

const HOUR_MS = 3_600_000;

export class Tally {
  seeds = 0;
  failed = 0;
  #acknowledged = 0;
  #writes = 0;
  #reads = 0;
  #sessionReads = 0;
  #looks = 0;
  #crashes = 0;
  #powerCuts = 0;
  #disksLost = 0;
  #disksRestored = 0;
  #virtualMs = 0;
  readonly #probes: ProbeCounts = Object.fromEntries(PROBES.map((name) => [name, 0]));

  add(report: Report): void {
    const { faults, probes } = report;
    this.seeds += 1;
    if (report.findings.length > 0) this.failed += 1;
    this.#acknowledged += report.acknowledged;
    this.#writes += report.writes;
    this.#reads += report.reads;
    this.#sessionReads += report.sessionReads;
    this.#looks += report.looks;
    this.#crashes += faults.crashes;
    this.#powerCuts += faults.powerCuts;
    this.#disksLost += faults.disksLost;
    this.#disksRestored += faults.disksRestored;
    this.#virtualMs += report.virtualMs;
    for (const name of PROBES) {
      this.#probes[name] = (this.#probes[name] as number) + (probes[name] as number);
    }
  }

  /** How far it is, and how fast, after so many seconds. */
  progress(count: number, seconds: number): string {
    return `${this.seeds} of ${count} seeds, ${this.failed} failed; ${this.#rate(seconds)}`;
  }

  summary(seconds: number): string[] {
    const hours = (this.#virtualMs / HOUR_MS).toFixed(2);
    const disks = `${this.#disksLost} disks lost, ${this.#disksRestored} gone back in time`;
    const reads = `${this.#reads} reads, ${this.#sessionReads} of sessions`;
    return [
      `${this.seeds} seeds, ${this.failed} failed, in ${seconds.toFixed(1)} s`,
      `${this.#acknowledged} acknowledged of ${this.#writes} writes, ${reads}`,
      `${this.#powerCuts} power cuts of all nodes, ${this.#crashes} crashes, ${disks}`,
      `${this.#looks} acknowledgements looked up on the disks in their instant`,
      `${hours} simulated cluster-hours; ${this.#rate(seconds)}`,
    ];
  }

  /** How often each probe was hit, and which never was. */
  coverage(): string[] {
    const hit = PROBES.filter((name) => (this.#probes[name] as number) > 0);
    const missed = PROBES.filter((name) => !hit.includes(name));
    const lines = hit.map((name) => `  ${String(this.#probes[name]).padStart(9)}  ${name}`);
    return [
      `${hit.length} of ${PROBES.length} situations reached`,
      ...lines,
      ...missed.map((name) => `      never  ${name}`),
    ];
  }

  #rate(seconds: number): string {
    const perSecond = (this.seeds / seconds).toFixed(1);
    const perMinute = ((this.#virtualMs / HOUR_MS / seconds) * 60).toFixed(2);
    return `${perSecond} seeds/s, ${perMinute} cluster-hours a minute`;
  }
}

/** One run in a line. */
export function lineOf(report: Report): string {
  const { seed, hash, weather, nodes, acknowledged, writes } = report;
  const result = report.findings.length === 0 ? 'ok' : 'FAILED';
  const acks = `${acknowledged} of ${writes} writes acknowledged`;
  return `seed ${seed} ${result} hash ${hash} (${nodes} nodes, ${weather}, ${acks})`;
}
