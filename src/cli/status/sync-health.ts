// What `kvorum status` says of how far the copies of the node that it asked are the same as those
// of the others.

import type { StatusPage } from '../../server/http/status-page.ts';
import { styled } from '../output.ts';

type Sync = StatusPage['sync'][string];

/** None where this node shares nothing with others, or has not compared itself yet. */
export function syncLines(
  { sync, self, slotsRefilling }: Pick<StatusPage, 'sync' | 'self' | 'slotsRefilling'>,
  nowMs = Date.now(),
): string[] {
  const others = Object.entries(sync).map(([name, each]) => `${name} ${syncText(each, nowMs)}`);
  const lines =
    others.length === 0 ? [] : [`Copies of ${self.name}, compared: ${others.join('; ')}`];
  if (slotsRefilling === 0) return lines;
  const text = `  being refilled: ${slotsRefilling} slots do not vote in reads yet`;
  return [...lines, styled('yellow', text, process.stdout)];
}

function syncText({ slotsDiffering, inSyncMs, oldestSlotMs }: Sync, nowMs: number): string {
  if (slotsDiffering === 0) return `the same as of ${agoText(inSyncMs, nowMs)}`;
  const oldest = oldestSlotMs === 0 ? 'never' : agoText(oldestSlotMs, nowMs);
  return `${slotsDiffering} slots differed, the oldest was the same ${oldest}`;
}

function agoText(atMs: number, nowMs: number): string {
  const seconds = Math.max(0, Math.round((nowMs - atMs) / 1_000));
  return seconds < 120 ? `${seconds} s ago` : `${Math.round(seconds / 60)} min ago`;
}
