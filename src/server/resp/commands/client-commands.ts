// CLIENT: what a connection says about itself, and what is known of all of them.

import type { Call } from '../command.ts';
import { error, OK, type Reply } from '../reply.ts';
import type { Session } from '../session.ts';
import { clientLine } from './client-line.ts';
import { integer64, SYNTAX_ERROR } from './integer-argument.ts';
import { isClientName, NOT_A_NAME } from './server-identity.ts';

const SILENCE: Reply = { kind: 'silence' };
const CLIENT_TYPES = ['normal', 'master', 'replica', 'slave', 'pubsub'];

export function clientId({ session }: Call): Reply {
  return session.id;
}

export function clientInfo({ session, store }: Call): Reply {
  return { kind: 'verbatim', text: clientLine(session, store.wallMs()) };
}

/** CLIENT LIST [TYPE type] [ID id ...]; everybody here is of type normal. */
export function clientList({ args, server, store }: Call): Reply {
  let sessions: readonly Session[] = [...server.sessions()];
  const filter = word(args, 2).toLowerCase();
  if (args.length === 4 && filter === 'type') {
    const type = word(args, 3);
    if (!CLIENT_TYPES.includes(type.toLowerCase())) {
      return error(`ERR Unknown client type '${type}'`);
    }
    if (type.toLowerCase() !== 'normal') sessions = [];
  } else if (args.length > 3 && filter === 'id') {
    const ids = args.slice(3).map(integer64);
    if (ids.includes(undefined)) return error('ERR Invalid client ID');
    sessions = sessions.filter(({ id }) => ids.includes(BigInt(id)));
  } else if (args.length !== 2) return SYNTAX_ERROR;
  const nowMs = store.wallMs();
  return { kind: 'verbatim', text: sessions.map((each) => clientLine(each, nowMs)).join('') };
}

export function clientGetname({ session }: Call): Reply {
  return session.name === '' ? null : session.name;
}

export function clientSetname({ args, session }: Call): Reply {
  const name = word(args, 2);
  if (!isClientName(name)) return NOT_A_NAME;
  session.name = name;
  return OK;
}

/** CLIENT SETINFO LIB-NAME|LIB-VER value, as in Redis 7.2. */
export function clientSetinfo({ args, session }: Call): Reply {
  const [attribute, value] = [word(args, 2), word(args, 3)];
  const isName = attribute.toLowerCase() === 'lib-name';
  if (!isName && attribute.toLowerCase() !== 'lib-ver') {
    return error(`ERR Unrecognized option '${attribute}'`);
  }
  if (!isClientName(value)) {
    const what = isName ? 'lib-name' : 'lib-ver';
    return error(`ERR ${what} cannot contain spaces, newlines or special characters.`);
  }
  if (isName) session.libraryName = value;
  else session.libraryVersion = value;
  return OK;
}

/** ON answers; OFF and SKIP are themselves not answered. */
export function clientReply({ args, session }: Call): Reply {
  const mode = word(args, 2).toLowerCase();
  if (mode === 'on') {
    session.replyMode = 'on';
    return OK;
  }
  if (mode === 'off') session.replyMode = 'off';
  else if (mode !== 'skip') return SYNTAX_ERROR;
  else if (session.replyMode === 'on') session.replyMode = 'skip-next';
  return SILENCE;
}

/** Remembered for CLIENT LIST; no client is ever evicted here. */
export function clientNoEvict({ args, session }: Call): Reply {
  const isOn = switchOf(word(args, 2));
  if (isOn === undefined) return SYNTAX_ERROR;
  session.isNoEvict = isOn;
  return OK;
}

/** Remembered for CLIENT LIST; no key has a time of last use here. */
export function clientNoTouch({ args, session }: Call): Reply {
  const isOn = switchOf(word(args, 2));
  if (isOn === undefined) return SYNTAX_ERROR;
  session.isNoTouch = isOn;
  return OK;
}

function switchOf(text: string): boolean | undefined {
  return /^on$/i.test(text) ? true : /^off$/i.test(text) ? false : undefined;
}

function word(args: readonly Buffer[], at: number): string {
  return args[at]?.toString('latin1') ?? '';
}
