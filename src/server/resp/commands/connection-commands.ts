// What a client says when it connects and now and then after: HELLO, AUTH, PING, ECHO, QUIT,
// RESET, SELECT, READONLY, READWRITE, ASKING.
//
// There are no passwords yet: like the `default` user of a Redis without one, ours takes any.

import { keyspaceCalled } from '../../../node/store.ts';
import type { Call } from '../command.ts';
import { error, map, OK, type Reply, simple } from '../reply.ts';
import type { Session } from '../session.ts';
import { integer64, NOT_AN_INTEGER, SYNTAX_ERROR } from './integer-argument.ts';
import { DEFAULT_USER, isClientName, NOT_A_NAME, REDIS_VERSION } from './server-identity.ts';

const INT32_MAX = 2n ** 31n - 1n;
const PONG = simple('PONG');
const WRONG_PASSWORD = error('WRONGPASS invalid username-password pair or user is disabled.');
const NO_PASSWORD_SET = error(
  'ERR AUTH <password> called without any password configured for the default user. ' +
    'Are you sure your configuration is correct?',
);

/** HELLO [2|3 [AUTH user password] [SETNAME name]]: all of it or, after an error, nothing. */
export function hello({ args, session }: Call): Reply {
  let protocol: 2 | 3 = session.protocol;
  if (args.length > 1) {
    const asked = integer64(args[1]);
    if (asked === undefined) {
      return error('ERR Protocol version is not an integer or out of range');
    }
    if (asked !== 2n && asked !== 3n) return error('NOPROTO unsupported protocol version');
    protocol = asked === 3n ? 3 : 2;
  }
  let name: string | undefined;
  let user = DEFAULT_USER;
  for (let at = 2; at < args.length; at++) {
    const option = (args[at] as Buffer).toString('latin1');
    const wordsLeft = args.length - 1 - at;
    if (option.toLowerCase() === 'auth' && wordsLeft >= 2) {
      user = (args[at + 1] as Buffer).toString('latin1');
      at += 2;
    } else if (option.toLowerCase() === 'setname' && wordsLeft >= 1) {
      name = (args[++at] as Buffer).toString('latin1');
      if (!isClientName(name)) return NOT_A_NAME;
    } else return error(`ERR Syntax error in HELLO option '${option}'`);
  }
  if (user !== DEFAULT_USER) return WRONG_PASSWORD;
  if (name !== undefined) session.name = name;
  session.protocol = protocol;
  return greeting(session);
}

function greeting(session: Session): Reply {
  return map([
    ['server', 'kvorum'],
    ['version', REDIS_VERSION],
    ['proto', session.protocol],
    ['id', session.id],
    ['mode', 'cluster'],
    ['role', 'master'],
    ['modules', []],
  ]);
}

/** AUTH password, or AUTH user password. */
export function auth({ args }: Call): Reply {
  if (args.length > 3) return SYNTAX_ERROR;
  if (args.length === 2) return NO_PASSWORD_SET;
  return (args[1] as Buffer).toString('latin1') === DEFAULT_USER ? OK : WRONG_PASSWORD;
}

export function ping({ args }: Call): Reply {
  if (args.length > 2) return error("ERR wrong number of arguments for 'ping' command");
  return args[1] ?? PONG;
}

export function echo({ args }: Call): Reply {
  return args[1] as Buffer;
}

export function quit({ session }: Call): Reply {
  session.isQuitting = true;
  return OK;
}

/** As if newly connected, except that what is known of the client's routing stays known. */
export function reset({ session, store }: Call): Reply {
  session.protocol = 2;
  session.name = '';
  session.keyspace = store.keyspaces[0]?.number ?? session.keyspace;
  session.replyMode = 'on';
  session.isNoEvict = false;
  session.isNoTouch = false;
  return simple('RESET');
}

/** A keyspace by its name; or by its number, which is its database number. */
export function select({ args, session, store }: Call): Reply {
  const called = (args[1] as Buffer).toString('utf8');
  if (!/^[-+]?\d+$/.test(called)) {
    session.keyspace = keyspaceCalled(store.keyspaces, called).number;
    return OK;
  }
  const number = integer64(args[1]);
  if (number === undefined || number > INT32_MAX || number < -INT32_MAX - 1n) {
    return NOT_AN_INTEGER;
  }
  const keyspace = store.keyspaces.find((each) => each.number === Number(number));
  if (keyspace === undefined) {
    const known = store.keyspaces.map((each) => `${each.number} ${each.name}`).join(', ');
    return error(`ERR DB index is out of range (keyspaces here: ${known})`);
  }
  session.keyspace = keyspace.number;
  return OK;
}

/** READONLY and ASKING: only a client that knows of clusters says them. */
export function clusterHint({ session }: Call): Reply {
  session.isClusterAware = true;
  return OK;
}

/** READWRITE: every node takes reads and writes anyway. */
export function readwrite(): Reply {
  return OK;
}
