// Rows of the command table: connections.

import {
  auth,
  clusterHint,
  echo,
  hello,
  ping,
  quit,
  readwrite,
  reset,
  select,
} from '../commands/connection-commands.ts';
import { commandGroup } from './command-entry.ts';

const HANDSHAKE = 'noscript loading stale fast no_auth allow_busy';
const FAST = '@fast @connection';

export const CONNECTION_COMMANDS = commandGroup('connection', [
  {
    name: 'hello',
    arity: -1,
    flags: HANDSHAKE,
    categories: FAST,
    syntax: '[protover [AUTH username password] [SETNAME clientname]]',
    summary: 'Agrees on the protocol version and tells who the server is.',
    since: '6.0.0',
    run: hello,
  },
  {
    name: 'auth',
    arity: -2,
    flags: HANDSHAKE,
    categories: FAST,
    syntax: '[username] password',
    summary: 'Accepted for the default user, who has no password here.',
    since: '1.0.0',
    run: auth,
  },
  {
    name: 'ping',
    arity: -1,
    flags: 'fast',
    categories: FAST,
    tips: 'request_policy:all_shards response_policy:all_succeeded',
    syntax: '[message]',
    summary: 'Answers PONG, or the message.',
    since: '1.0.0',
    run: ping,
  },
  {
    name: 'echo',
    arity: 2,
    flags: 'loading stale fast',
    categories: FAST,
    syntax: 'message',
    summary: 'Answers the message.',
    since: '1.0.0',
    run: echo,
  },
  {
    name: 'quit',
    arity: -1,
    flags: HANDSHAKE,
    categories: FAST,
    summary: 'Closes the connection after the replies so far.',
    since: '1.0.0',
    run: quit,
  },
  {
    name: 'reset',
    arity: 1,
    flags: HANDSHAKE,
    categories: FAST,
    summary: 'Puts the connection back into the state in which it began.',
    since: '6.2.0',
    run: reset,
  },
  {
    name: 'select',
    arity: 2,
    flags: 'loading stale fast',
    categories: FAST,
    syntax: 'index',
    summary: 'Chooses the keyspace of this connection by its number.',
    since: '1.0.0',
    run: select,
  },
]);

export const ROUTING_COMMANDS = commandGroup('cluster', [
  {
    name: 'readonly',
    arity: 1,
    flags: 'loading stale fast',
    categories: FAST,
    summary: 'Accepted: every replica answers reads anyway.',
    since: '3.0.0',
    run: clusterHint,
  },
  {
    name: 'readwrite',
    arity: 1,
    flags: 'loading stale fast',
    categories: FAST,
    summary: 'Accepted: every replica takes writes anyway.',
    since: '3.0.0',
    run: readwrite,
  },
  {
    name: 'asking',
    arity: 1,
    flags: 'fast',
    categories: FAST,
    summary: 'Accepted: no slot is ever half moved for a client here.',
    since: '3.0.0',
    run: clusterHint,
  },
]);
