// One client as a line of CLIENT LIST: Redis' fields in Redis' order, because tools split it by
// blanks and `=`. What does not exist here (transactions, subscriptions) stands as in an idle
// Redis connection; lib-name and lib-ver are those of Redis 7.2, tot-… of Redis 8.

import type { Session } from '../session.ts';
import { DEFAULT_USER } from './server-identity.ts';

export function clientLine(session: Session, nowMs: number): string {
  const fields: readonly (readonly [name: string, value: string | number])[] = [
    ['id', session.id],
    ['addr', session.remoteAddress],
    ['laddr', session.localAddress],
    ['fd', -1],
    ['name', session.name],
    ['age', seconds(nowMs - session.connectedAtMs)],
    ['idle', seconds(nowMs - session.lastActiveMs)],
    ['flags', flagsOf(session)],
    ['db', session.keyspace],
    ['sub', 0],
    ['psub', 0],
    ['ssub', 0],
    ['multi', -1],
    ['qbuf', 0],
    ['qbuf-free', 0],
    ['argv-mem', 0],
    ['multi-mem', 0],
    ['rbs', 0],
    ['rbp', 0],
    ['obl', 0],
    ['oll', 0],
    ['omem', 0],
    ['tot-mem', 0],
    ['events', 'r'],
    ['cmd', session.lastCommand === '' ? 'NULL' : session.lastCommand],
    ['user', DEFAULT_USER],
    ['redir', -1],
    ['resp', session.protocol],
    ['lib-name', session.libraryName],
    ['lib-ver', session.libraryVersion],
    ['tot-net-in', session.bytesIn],
    ['tot-net-out', session.bytesOut],
    ['tot-cmds', session.commandCount],
  ];
  return `${fields.map(([name, value]) => `${name}=${value}`).join(' ')}\n`;
}

/** Redis' letters: N none, e no-evict, T no-touch. */
function flagsOf({ isNoEvict, isNoTouch }: Session): string {
  return `${isNoEvict ? 'e' : ''}${isNoTouch ? 'T' : ''}` || 'N';
}

function seconds(ms: number): number {
  return Math.max(0, Math.floor(ms / 1000));
}
