// `kvorum repair`: a node compares slots with all other replicas now, not when it is their turn.

import type { Command } from 'commander';
import { sizeText } from '../base/size-text.ts';
import type { NamedRepair } from '../node/store.ts';
import { EXIT } from './exit-code.ts';
import { addHttpOptions, fetchJson, type HttpFlags, postJson } from './http-command.ts';
import { printData, printJson, printNote } from './output.ts';

const HELP = `
Examples:
  $ kvorum repair --wait
  repair 1: 32768 of 32768 slots compared, 12 keys (1.4 kB) brought level, in 1.2 s
  $ kvorum repair --slots 0-1023 --keyspace default
  repair 2: 0 of 2048 slots compared, 0 keys (0 B) brought level, in 0.0 s

It concerns the node of --url: the slots that it holds. Each of them is compared with every other
node that holds it, and counts once for each. Without --wait it goes on after the command has ended.
Exit code 3 when a node could not be compared, 0 otherwise. KVORUM_HTTP_URL stands for --url.`;

interface RepairFlags extends HttpFlags {
  readonly slots?: string;
  readonly keyspace?: string;
  readonly wait?: boolean;
}

/** Between two questions how far it is. */
const POLL_MS = 250;
/** Between two lines that say so. */
const SAY_MS = 2_000;

export function defineRepair(command: Command): void {
  addHttpOptions(command)
    .option('--slots <first-last>', 'these slots only; all, without it')
    .option('--keyspace <name>', 'name or number of one keyspace; all, without it')
    .option('--wait', 'wait until it is over, and say how far it is')
    .addHelpText('after', HELP)
    .action(async (flags: RepairFlags) => {
      const { slots, keyspace } = flags;
      const query = new URLSearchParams({ ...(slots && { slots }), ...(keyspace && { keyspace }) });
      let repair = (await postJson(flags, `/v1/repairs?${query}`)) as NamedRepair;
      if (flags.wait) repair = await untilOver(flags, repair);
      if (flags.json) printJson(repair);
      else printData(`${repairText(repair)}\n`);
      if (!repair.isRunning && repair.missed.length > 0) process.exitCode = EXIT.unhealthy;
    });
}

async function untilOver(flags: RepairFlags, begun: NamedRepair): Promise<NamedRepair> {
  let repair = begun;
  let saidMs = 0;
  while (repair.isRunning) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    repair = (await fetchJson(flags, `/v1/repairs/${begun.id}`)) as NamedRepair;
    if (flags.json || !repair.isRunning || repair.tookMs - saidMs < SAY_MS) continue;
    saidMs = repair.tookMs;
    printNote(repairText(repair));
  }
  return repair;
}

function repairText(repair: NamedRepair): string {
  const { id, slotsDone, slotsTotal, keys, bytes, tookMs, leftMs, missed } = repair;
  const slots = `${slotsDone} of ${slotsTotal} slots compared`;
  const levelled = `${keys} keys (${sizeText(bytes)}) brought level`;
  const left = leftMs === undefined ? '' : `, ${seconds(leftMs)} left`;
  const lacking = missed.length === 0 ? '' : `; not compared, or not wholly: ${missed.join(', ')}`;
  return `repair ${id}: ${slots}, ${levelled}, in ${seconds(tookMs)}${left}${lacking}`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
