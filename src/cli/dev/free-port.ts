// Whether ports are free, asked by binding them for a moment.

import { createServer } from 'node:net';

export function isPortFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** The first of `ports` that is taken; undefined when all are free. */
export async function firstTakenPort(ports: readonly number[]): Promise<number | undefined> {
  const verdicts = await Promise.all(ports.map((port) => isPortFree(port)));
  return ports.find((_, index) => !verdicts[index]);
}
