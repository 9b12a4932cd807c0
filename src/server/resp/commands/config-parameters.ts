// The parameters that CONFIG GET shows: those that clients and tools ask for by their Redis
// names, with what is true here. (redis-benchmark: save, appendonly. redis_exporter: maxmemory,
// maxclients, databases. Session stores: notify-keyspace-events. BullMQ: maxmemory-policy.)

import type { Call } from '../command.ts';

export function configParameters({
  server,
  store,
}: Call): readonly (readonly [name: string, value: string])[] {
  const { limits } = server;
  return [
    ['appendfsync', 'always'],
    ['appendonly', 'yes'],
    ['cluster-enabled', 'yes'],
    ['cluster-require-full-coverage', 'no'],
    ['databases', String(store.keyspaces.length)],
    ['io-threads', '1'],
    ['maxclients', String(limits.connectionsMax)],
    ['maxmemory', '0'],
    ['maxmemory-policy', 'noeviction'],
    ['notify-keyspace-events', ''],
    ['port', String(server.port)],
    ['proto-max-bulk-len', String(limits.bulkBytesMax)],
    ['requirepass', ''],
    ['save', ''],
    ['timeout', '0'],
  ];
}
