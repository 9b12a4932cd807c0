import { deepEqual, equal, rejects } from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type ErrorCode, hasCode } from '../base/errors.ts';
import { type Address, joinAddress } from '../base/ids.ts';
import { ReplyError } from './reply-parser.ts';
import { encodeCommand, RespConnection } from './resp-connection.ts';

/** A server that does with each connection what `serve` says, and is gone with the test. */
async function serverThat(t: TestContext, serve: (socket: Socket) => void): Promise<Address> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const bound = server.address();
  return joinAddress('127.0.0.1', bound !== null && typeof bound === 'object' ? bound.port : 0);
}

function failsWith(code: ErrorCode) {
  return (error: unknown) => hasCode(error, code);
}

test('a command is an array of strings, by bytes', () => {
  const bytes = encodeCommand(['SET', 'clé', Buffer.from([255]), 7]);
  const text = '*4\r\n$3\r\nSET\r\n$4\r\ncl\u00c3\u00a9\r\n$1\r\n\u00ff\r\n$1\r\n7\r\n';
  deepEqual(bytes, Buffer.from(text, 'latin1'));
});

test('replies come back in the order of the commands', async (t) => {
  const address = await serverThat(t, (socket) => {
    socket.once('data', () => socket.write('+one\r\n-ERR two\r\n'));
    setTimeout(() => socket.write(':3\r\n'), 20);
  });
  const connection = await RespConnection.open(address);
  const replies = await Promise.all([1, 2, 3].map((n) => connection.send('ECHO', n)));
  deepEqual(replies, ['one', new ReplyError('ERR two'), 3]);
  await connection.close();
  await rejects(connection.send('PING'), failsWith('CLOSED'));
});

test('nobody listens: UNREACHABLE', async (t) => {
  const closed = await serverThat(t, (socket) => socket.destroy());
  const nobody = joinAddress('127.0.0.1', 1);
  await rejects(RespConnection.open(nobody), failsWith('UNREACHABLE'));
  const connection = await RespConnection.open(closed);
  await rejects(connection.send('PING'), failsWith('UNREACHABLE'));
});

test('a silent server: NO_ANSWER for all that wait, and for what comes after', async (t) => {
  const address = await serverThat(t, () => {});
  const connection = await RespConnection.open(address, { timeoutMs: 50 });
  const both = [connection.send('PING'), connection.send('PING')];
  for (const reply of both) await rejects(reply, failsWith('NO_ANSWER'));
  await rejects(connection.send('PING'), failsWith('NO_ANSWER'));
});

test('silence while nothing is asked is no failure', async (t) => {
  const address = await serverThat(t, (socket) => socket.on('data', () => socket.write('+OK\r\n')));
  const connection = await RespConnection.open(address, { timeoutMs: 50 });
  equal(await connection.send('PING'), 'OK');
  await new Promise((resolve) => setTimeout(resolve, 120));
  equal(await connection.send('PING'), 'OK');
  await connection.close();
});

test('another protocol, or an answer too many: UNREACHABLE', async (t) => {
  const http = await serverThat(t, (socket) =>
    socket.on('data', () => socket.write('HTTP/1.1\r\n')),
  );
  const connection = await RespConnection.open(http);
  await rejects(connection.send('PING'), failsWith('UNREACHABLE'));
  const chatty = await serverThat(t, (socket) => {
    socket.once('data', () => socket.write('+one\r\n+too many\r\n'));
  });
  const second = await RespConnection.open(chatty);
  equal(await second.send('PING'), 'one');
  await rejects(second.send('PING'), failsWith('UNREACHABLE'));
});
