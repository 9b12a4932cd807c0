// `kvorum status`: the members of the cluster in nodetool's layout, as one node sees them.

import type { Command } from 'commander';
import { SLOT_COUNT } from '../base/ids.ts';
import type { StatusPage } from '../server/http/status-page.ts';
import { EXIT } from './exit-code.ts';
import { addHttpOptions, fetchJson, type HttpFlags } from './http-command.ts';
import { printData, printJson, styled } from './output.ts';
import { storageLines } from './status/storage-health.ts';
import { syncLines } from './status/sync-health.ts';
import { type Column, textTable } from './text-table.ts';

const HELP = `
Examples:
  $ kvorum status
  Cluster 554aac8ab1cb, epoch 1, as n1 sees it
  State  Name  Address         Health  Phi  Heard  Slots   Owns  Rack   DC   Host  Node ID
  UN     n1    127.0.0.1:7001  alive     –      –   5462  33.3%  rack1  dc1  n1    09491d61
  UN     n2    127.0.0.1:7002  alive   0.0   0.1s   5461  33.3%  rack1  dc1  n2    5a10c2e7
  DN     n3    127.0.0.1:7003  down   12.4   2.3s   5461  33.3%  rack1  dc1  n3    e1b70f3d
  Degraded: 2 of 3 nodes up, every slot is served
  Disk of n1: 79 GB of 252 GB free, checked as of 2026-11-20T04:10Z
  Copies of n1, compared: n2 the same as of 3 s ago; n3 the same as of 61 s ago
  $ kvorum status --json

With several data centers the nodes stand in their order, and the line below counts each:
  Degraded: 3 of 6 nodes up (east 3 of 3, west 0 of 3), some slots lack a quorum

State: U up, D down; N normal. Owns: share of the slots, replicas not counted.
Health: alive, suspect, down, left (it stopped as it should), unheard (not since the node that
answers started); beside it slow (late answers) and disk-full (it takes no writes).
Phi: suspicion, 4 is suspect, 8 is down. Heard: its last sign of life, that long ago.
Exit code 3 when some slot has no primary alive. KVORUM_HTTP_URL stands for --url.`;

type MemberRow = StatusPage['members'][number];
type Health = MemberRow['health'];

const COLUMNS: readonly Column<MemberRow>[] = [
  { title: 'State', text: ({ isAlive }) => (isAlive ? 'UN' : 'DN') },
  { title: 'Name', text: ({ name }) => name },
  { title: 'Address', text: ({ clientAddress }) => clientAddress },
  { title: 'Health', text: ({ health }) => healthText(health) },
  { title: 'Phi', align: 'right', text: ({ health }) => phiText(health) },
  { title: 'Heard', align: 'right', text: ({ health }) => heardText(health) },
  { title: 'Slots', align: 'right', text: ({ slots }) => String(slots) },
  { title: 'Owns', align: 'right', text: ({ slots }) => share(slots) },
  { title: 'Rack', text: ({ rack }) => rack },
  { title: 'DC', text: ({ dataCenter }) => dataCenter },
  { title: 'Host', text: ({ host }) => host },
  { title: 'Node ID', text: ({ id }) => id.slice(0, 8) },
];

export function defineStatus(command: Command): void {
  addHttpOptions(command)
    .addHelpText('after', HELP)
    .action(async (flags: HttpFlags) => {
      const page = (await fetchJson(flags, '/v1/status')) as StatusPage;
      if (flags.json) printJson(page);
      else printData(`${statusText(page)}\n`);
      if (!page.isServing) process.exitCode = EXIT.unhealthy;
    });
}

function healthText({ state, isSlow, isDiskFull }: Health): string {
  const words = [state, ...(isSlow ? ['slow'] : []), ...(isDiskFull ? ['disk-full'] : [])];
  return words.join(' ');
}

function phiText({ phi, silentMs }: Health): string {
  if (silentMs === undefined || silentMs === 0) return '–';
  return phi < 100 ? phi.toFixed(1) : '>99';
}

function heardText({ silentMs }: Health): string {
  if (silentMs === undefined || silentMs === 0) return '–';
  const seconds = silentMs / 1_000;
  return seconds < 100 ? `${seconds.toFixed(1)}s` : `${Math.round(seconds / 60)}min`;
}

function statusText(page: StatusPage): string {
  const { clusterId, epoch, self, members } = page;
  const sorted = members.toSorted((a, b) => {
    return inOrder(a.dataCenter, b.dataCenter) || inOrder(a.name, b.name);
  });
  const title = `Cluster ${clusterId.slice(0, 12)}, epoch ${epoch}, as ${self.name} sees it`;
  return [
    title,
    textTable(COLUMNS, sorted),
    healthLine(page),
    ...storageLines(page),
    ...syncLines(page),
  ].join('\n');
}

function inOrder(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

/** ` (east 3 of 3, west 0 of 3)`; nothing of one data center. */
function dataCentersText(members: StatusPage['members']): string {
  const names = [...new Set(members.map(({ dataCenter }) => dataCenter))].sort(inOrder);
  if (names.length < 2) return '';
  const counts = names.map((name) => {
    const there = members.filter(({ dataCenter }) => dataCenter === name);
    return `${name} ${there.filter(({ isAlive }) => isAlive).length} of ${there.length}`;
  });
  return ` (${counts.join(', ')})`;
}

function healthLine({ members, isServing, hasQuorum }: StatusPage): string {
  const up = members.filter(({ isAlive }) => isAlive).length;
  const count = `${up} of ${members.length} nodes up${dataCentersText(members)}`;
  const { stdout } = process;
  if (!isServing) return styled('red', `Unhealthy: ${count}, some slots have no primary`, stdout);
  if (!hasQuorum) return styled('red', `Degraded: ${count}, some slots lack a quorum`, stdout);
  if (up === members.length) return styled('green', `Healthy: ${count}`, stdout);
  return styled('yellow', `Degraded: ${count}, every slot is served`, stdout);
}

function share(slots: number): string {
  return `${((100 * slots) / SLOT_COUNT).toFixed(1)}%`;
}
