// `kvorum doctor`: what a data directory is worth, without starting a node and without changing it.

import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import type { Log } from '../host/host.ts';
import { openNodeDisk } from '../host/node-disk.ts';
import {
  checkDirectory,
  type DirectoryFinding,
  type DirectoryReport,
} from '../storage/directory-check.ts';
import { badOption } from './config/node-setting.ts';
import { EXIT } from './exit-code.ts';
import { printData, printJson, styled } from './output.ts';

const HELP = `
Examples:
  $ kvorum doctor .kvorum/n1
  sound     identity                  node 09491d61…, incarnation 28512, closed cleanly
  sound     manifest                  1 tables, 790 live keys, with writes up to 812; …
  damaged   table-0000000007.kvtable  CORRUPTION: table-0000000007.kvtable: at offset 8192: …
            a start opens; what cannot be read is CORRUPTION until other nodes have refilled it
  sound     log                       12 batches, 90 changes beyond the tables, up to write 902
  Damaged: 1 of 4 findings. …
  $ kvorum doctor .kvorum/n1 --json

The node must be stopped: the directory is locked while it is read. Every block is read, so it
takes as long as reading all of its files. Exit code 0: sound; 1: damaged, or not to be read.`;

interface DoctorFlags {
  readonly json?: boolean;
}

export function defineDoctor(command: Command): void {
  command
    .argument('<directory>', 'the data directory of a node that is not running')
    .option('--json', 'print JSON')
    .addHelpText('after', HELP)
    .action(async (directory: string, flags: DoctorFlags) => {
      const report = await examine(directory);
      if (flags.json) printJson(report);
      else printData(`${reportText(report)}\n`);
      if (!report.isSound) process.exitCode = EXIT.failed;
    });
}

/** Rejects with BAD_OPTION when there is no such directory: looking must not make one. */
async function examine(directory: string): Promise<DirectoryReport> {
  const isThere = await stat(directory).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isThere) {
    throw badOption(`${directory} is no directory`, 'Name the data directory of a node (--data).');
  }
  return checkDirectory({ disk: await openNodeDisk(directory), log: SILENT });
}

/** What recovery would log stands in the report. */
const SILENT: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

function reportText({ findings, isSound }: DirectoryReport): string {
  const width = Math.max(0, ...findings.map(({ file }) => file.length));
  const lines = findings.map((finding) => findingText(finding, width));
  const damaged = findings.filter(({ verdict }) => verdict === 'damaged').length;
  const { stdout } = process;
  const verdict = isSound
    ? styled('green', 'Sound: a start finds everything that was acknowledged.', stdout)
    : styled('red', `Damaged: ${damaged} of ${findings.length} findings. ${CURE}`, stdout);
  return [...lines, verdict].join('\n');
}

const CURE =
  'Other nodes hold copies: move the directory away and start the node with an empty one.';

function findingText({ verdict, file, what, onStart }: DirectoryFinding, width: number): string {
  const line = `${verdict.padEnd(9)} ${file.padEnd(width)}  ${what}`;
  return onStart === undefined ? line : `${line}\n            a start ${onStart}`;
}
