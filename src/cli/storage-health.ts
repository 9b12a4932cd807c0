// What `kvorum status` says of the disk of the node that it asked: how full it is, and what an
// operator should know of it.

import { sizeText } from '../base/size-text.ts';
import type { StatusPage } from '../server/http/status-page.ts';
import { styled } from './output.ts';

type Engine = StatusPage['engine'];

/** One line each; the first one says how full the disk is, where that is known. */
export function storageLines({ engine, self }: Pick<StatusPage, 'engine' | 'self'>): string[] {
  return [spaceLine(engine, self.name), poisonLine(engine, self.name)].filter((it) => it !== '');
}

function spaceLine({ disk, diskReservedBytes, state }: Engine, name: string): string {
  if (disk === undefined) return '';
  const space = `${sizeText(disk.freeBytes)} of ${sizeText(disk.totalBytes)} free`;
  if (state !== 'disk-full') return `Disk of ${name}: ${space}`;
  const kept = `it keeps ${sizeText(diskReservedBytes)} free and takes no writes`;
  return alarm(`Disk of ${name}: ${space}: ${kept}`);
}

function poisonLine({ state }: Engine, name: string): string {
  if (state !== 'poisoned') return '';
  return alarm(`${name} takes no writes since its disk failed: check it, then restart the node`);
}

function alarm(text: string): string {
  return styled('red', text, process.stdout);
}
