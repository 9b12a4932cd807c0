import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { test } from 'node:test';
import { hasCode } from '../base/errors.ts';
import { type Address, joinAddress, splitAddress } from '../base/ids.ts';
import { frameOf } from './frame-stream.ts';
import type { Clock, Endpoint, LogFields } from './host.ts';
import { eventually, Listener, networkContract } from './network.contract.ts';
import { nodeClock } from './node-clock.ts';
import { silentLog } from './node-log.ts';
import { QUEUED_BYTES_MAX } from './outgoing-connection.ts';
import { preambleOf } from './preamble.ts';
import { tcpNetwork } from './tcp-network.ts';

const LOOPBACK = '127.0.0.1:0' as Address;

async function withClock(body: (clock: Clock) => Promise<void>): Promise<void> {
  const awake = setInterval(() => undefined, 1000);
  await body(nodeClock()).finally(() => clearInterval(awake));
}

networkContract('tcp network', (body) =>
  withClock((clock) => {
    const network = tcpNetwork({ log: silentLog });
    const addresses = { hereAddress: LOOPBACK, thereAddress: LOOPBACK };
    return body({ here: network, there: network, ...addresses, clock });
  }),
);

test('an address of nobody here is a BAD_OPTION', async () => {
  for (const address of ['192.0.2.1:7001', 'no-such-host.invalid:7001']) {
    const opened = tcpNetwork({ log: silentLog }).open(address as Address, new Listener());
    await rejects(opened, (error) => hasCode(error, 'BAD_OPTION'));
  }
});

const damaged = frameOf(Buffer.from('payload'));
damaged[damaged.length - 1] = 0;

const strangers = [
  { who: 'a web browser', says: Buffer.from('GET / HTTP/1.1\r\n\r\n') },
  { who: 'one who skips the preamble', says: frameOf(Buffer.from('hello')) },
  {
    who: 'one whose frame is damaged',
    says: Buffer.concat([preambleOf('127.0.0.1:1' as Address), damaged]),
  },
];

for (const { who, says } of strangers) {
  test(`${who} is logged and left; the others are served`, () =>
    withClock(async (clock) => {
      const warnings: [string, LogFields | undefined][] = [];
      const log = { ...silentLog, warn: (...line: (typeof warnings)[0]) => warnings.push(line) };
      const heard = new Listener();
      const server = await tcpNetwork({ log }).open(LOOPBACK, heard);
      const socket = connect({ ...splitAddress(server.address) });
      socket.on('error', () => undefined).end(says);
      socket.resume();
      await once(socket, 'close');
      await eventually(clock, () => warnings.length > 0);
      equal(warnings[0]?.[0], 'connection-refused');
      const friend = await tcpNetwork({ log }).open(LOOPBACK, new Listener());
      friend.send(server.address, Buffer.from('still there?'));
      await eventually(clock, () => heard.frames.length === 1);
      await Promise.all([server.close(), friend.close()]);
    }));
}

test('one who announces megabytes before he says who he is is left at once', () =>
  withClock(async () => {
    const server = await tcpNetwork({ log: silentLog }).open(LOOPBACK, new Listener());
    const socket = connect({ ...splitAddress(server.address) });
    const header = Buffer.alloc(8);
    header.writeUInt32BE(1024 * 1024);
    socket.on('error', () => undefined).write(header);
    socket.resume();
    await once(socket, 'close');
    await server.close();
  }));

test('a thousand who say nothing keep no node away', () =>
  withClock(async (clock) => {
    const heard = new Listener();
    const server = await tcpNetwork({ log: silentLog }).open(LOOPBACK, heard);
    let closed = 0;
    const mute = Array.from({ length: 1_000 }, () => {
      const socket = connect({ ...splitAddress(server.address) });
      return socket.on('error', () => undefined).on('close', () => closed++);
    });
    for (const socket of mute) socket.resume();
    await eventually(clock, () => closed >= 700);
    const friend = await tcpNetwork({ log: silentLog }).open(LOOPBACK, new Listener());
    friend.send(server.address, Buffer.from('still there?'));
    await eventually(clock, () => heard.frames.length === 1);
    for (const socket of mute) socket.destroy();
    await Promise.all([server.close(), friend.close()]);
  }));

test('a service of another kind on the port of a peer is a lost peer', () =>
  withClock(async (clock) => {
    const service = createServer((socket) => {
      socket.on('error', () => undefined).write('220 mail.example ESMTP');
    });
    const { address, endpoint, heard } = await besideServer(service);
    endpoint.send(address, Buffer.from('hello'));
    await eventually(clock, () => heard.lost.length > 0);
    deepEqual([heard.lost[0], heard.frames], [address, []]);
    await endpoint.close();
    service.close();
  }));

test('a peer that reads nothing is lost when the queue is full, and memory stays bounded', () =>
  withClock(async (clock) => {
    const service = createServer({ pauseOnConnect: true });
    const { address, endpoint, heard } = await besideServer(service);
    const accepted = once(service, 'connection');
    const frame = Buffer.alloc(1024 * 1024);
    endpoint.send(address, frame);
    const [socket] = await accepted;
    // What the kernel takes on both sides is a few MiB; twice the bound is surely too much.
    for (let sent = 0; sent < 2 * QUEUED_BYTES_MAX; sent += frame.length) {
      endpoint.send(address, frame);
    }
    equal(heard.lost.length, 0, 'not within send');
    await eventually(clock, () => heard.lost.length > 0);
    deepEqual(heard.lost, [address]);
    await endpoint.close();
    socket.destroy();
    service.close();
  }));

test('a peer that hangs up at once is not dialed without pause', () =>
  withClock(async (clock) => {
    let dials = 0;
    const service = createServer((socket) => {
      dials += 1;
      socket.destroy();
    });
    const { address, endpoint, heard } = await besideServer(service);
    const untilMs = clock.monotonicMs() + 300;
    while (clock.monotonicMs() < untilMs) {
      endpoint.send(address, Buffer.from('hello'));
      await new Promise<void>((resolve) => clock.after(1, resolve));
    }
    // Pauses of 50, 100 and 200 ms.
    ok(dials >= 1 && dials <= 4, `${dials} dials in 300 ms`);
    ok(heard.lost.length > dials, 'sends during a pause are lost as well');
    await endpoint.close();
    service.close();
  }));

interface Beside {
  readonly address: Address;
  readonly endpoint: Endpoint;
  readonly heard: Listener;
}

async function besideServer(service: ReturnType<typeof createServer>): Promise<Beside> {
  await once(service.listen(0, '127.0.0.1'), 'listening');
  const { port } = service.address() as AddressInfo;
  ok(port > 0);
  const heard = new Listener();
  const endpoint = await tcpNetwork({ log: silentLog }).open(LOOPBACK, heard);
  return { address: joinAddress('127.0.0.1', port), endpoint, heard };
}
