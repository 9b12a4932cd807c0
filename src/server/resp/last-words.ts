// Closing a connection so that the client can still read why. A socket closed while bytes from the
// client wait unread is reset, and a reset may throw away our last reply; so we send, say that we
// are done, and go on reading and dropping until the client has closed or a second has passed.

import type { Socket } from 'node:net';
import type { Clock } from '../../host/host.ts';

/** After everything was sent. */
const LINGER_MS = 1_000;
/** For a client that never takes what is still to be sent. */
const SEND_MS_MAX = 30_000;

/** Listeners that still read the socket must ignore what comes. */
export function sayLastWords(socket: Socket, words: string | Buffer, clock: Clock): void {
  let timer = clock.after(SEND_MS_MAX, () => socket.destroy());
  socket.once('finish', () => {
    timer.cancel();
    timer = clock.after(LINGER_MS, () => socket.destroy());
  });
  socket.once('close', () => timer.cancel());
  socket.end(words);
  socket.resume();
}
