// Rows of the command table: CLIENT and its subcommands.

import {
  clientGetname,
  clientId,
  clientInfo,
  clientList,
  clientNoEvict,
  clientNoTouch,
  clientReply,
  clientSetinfo,
  clientSetname,
} from '../commands/client-commands.ts';
import { commandGroup, type Row } from './command-entry.ts';

const FLAGS = 'noscript loading stale';
const CATEGORIES = '@slow @connection';
const ADMIN_FLAGS = `admin ${FLAGS}`;
const ADMIN_CATEGORIES = '@admin @slow @dangerous @connection';
const CHANGING = 'nondeterministic_output';

type Part = Omit<Row, 'flags' | 'categories'>;

const open = (part: Part): Row => ({ ...part, flags: FLAGS, categories: CATEGORIES });
const admin = (part: Part): Row => ({
  ...part,
  flags: ADMIN_FLAGS,
  categories: ADMIN_CATEGORIES,
});

const SUBCOMMANDS: readonly Row[] = [
  open({
    name: 'id',
    arity: 2,
    summary: 'Answers the number of this connection.',
    since: '5.0.0',
    run: clientId,
  }),
  open({
    name: 'info',
    arity: 2,
    tips: CHANGING,
    summary: 'Describes this connection, in the format of LIST.',
    since: '6.2.0',
    run: clientInfo,
  }),
  admin({
    name: 'list',
    arity: -2,
    tips: CHANGING,
    syntax: '[TYPE NORMAL | MASTER | REPLICA | PUBSUB] [ID client-id [client-id ...]]',
    summary: 'Describes the connections of this node, a line each.',
    since: '2.4.0',
    complexity: 'O(N) where N is the number of connections',
    run: clientList,
  }),
  open({
    name: 'setname',
    arity: 3,
    syntax: 'connection-name',
    summary: 'Names this connection; shown by LIST.',
    since: '2.6.9',
    run: clientSetname,
  }),
  open({
    name: 'getname',
    arity: 2,
    summary: 'Answers the name of this connection.',
    since: '2.6.9',
    run: clientGetname,
  }),
  open({
    name: 'setinfo',
    arity: 4,
    syntax: '<LIB-NAME libname | LIB-VER libver>',
    summary: 'Tells which client library speaks; shown by LIST.',
    since: '7.2.0',
    run: clientSetinfo,
  }),
  admin({
    name: 'no-evict',
    arity: 3,
    syntax: '<ON | OFF>',
    summary: 'Remembered; no connection is evicted here anyway.',
    since: '7.0.0',
    run: clientNoEvict,
  }),
  open({
    name: 'no-touch',
    arity: 3,
    syntax: '<ON | OFF>',
    summary: 'Remembered; no key has a time of last use here.',
    since: '7.2.0',
    run: clientNoTouch,
  }),
  open({
    name: 'reply',
    arity: 3,
    syntax: '<ON | OFF | SKIP>',
    summary: 'Silences the replies: all that follow, or the next one.',
    since: '3.2.0',
    run: clientReply,
  }),
];

export const CLIENT_COMMANDS = commandGroup('connection', [
  {
    name: 'client',
    arity: -2,
    flags: '',
    categories: '@slow',
    summary: 'Commands about connections.',
    since: '2.4.0',
    complexity: 'Depends on subcommand.',
    subcommands: SUBCOMMANDS,
  },
]);
