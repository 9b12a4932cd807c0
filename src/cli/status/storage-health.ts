// What `kvorum status` says of the disk of the node that it asked: how full it is, when all of it
// was checked, and what an operator should know of it.

import { sizeText } from '../../base/size-text.ts';
import type { StatusPage } from '../../server/http/status-page.ts';
import { styled } from '../output.ts';

type Engine = StatusPage['engine'];
type Damage = Engine['damaged'][number];

/** One line each; the first one says how full the disk is, where that is known. */
export function storageLines({ engine, self }: Pick<StatusPage, 'engine' | 'self'>): string[] {
  const alarms = [
    ...spaceAlarms(engine),
    ...poisonAlarms(engine),
    ...engine.damaged.map((each) => damageAlarm(each)),
  ];
  const disk = [spaceText(engine), checkText(engine)].filter((each) => each !== undefined);
  return [
    `Disk of ${self.name}: ${disk.join(', ')}`,
    ...alarms.map((alarm) => styled('red', `  ${alarm}`, process.stdout)),
  ];
}

function spaceText({ disk }: Engine): string | undefined {
  if (disk === undefined) return undefined;
  return `${sizeText(disk.freeBytes)} of ${sizeText(disk.totalBytes)} free`;
}

function checkText({ scrub }: Engine): string {
  if (scrub.checkedAsOfMs === 0) return 'not yet checked as a whole';
  return `checked as of ${new Date(scrub.checkedAsOfMs).toISOString().slice(0, 16)}Z`;
}

function spaceAlarms({ diskReservedBytes, state }: Engine): string[] {
  if (state !== 'disk-full') return [];
  return [`full: it keeps ${sizeText(diskReservedBytes)} free, and the node takes no writes`];
}

function poisonAlarms({ state }: Engine): string[] {
  if (state !== 'poisoned') return [];
  return ['failed: the node takes no writes; check the disk, then restart the node'];
}

function damageAlarm({ extent, file, ...range }: Damage): string {
  const from = `keyspace ${range.fromKeyspace} slot ${range.fromSlot}`;
  const to = `keyspace ${range.toKeyspace} slot ${range.toSlot}`;
  const what = extent === 'whole' ? 'cannot be read' : 'cannot be read in part';
  return `damaged: ${file} ${what}; its keys lie between ${from} and ${to}`;
}
