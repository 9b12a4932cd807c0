// The Redis clients that people use with Node.js, each behind the same few methods, in the way in
// which its own manual does it: on its defaults, plain and as a cluster client.

import { Cluster as IoCluster, Redis as IoRedis } from 'ioredis';
import { Redis as Valkey, Cluster as ValkeyCluster } from 'iovalkey';
import { createClient, createCluster, RESP_TYPES } from 'redis';
import type { RunningNode } from './cluster-fixture.ts';

export type Words = readonly [string, ...string[]];

export interface ConnectedClient {
  set(key: string | Buffer, value: string | Buffer): Promise<unknown>;
  get(key: string): Promise<string | null>;
  getBytes(key: Buffer): Promise<Buffer | null>;
  del(...keys: readonly string[]): Promise<number>;
  expire(key: string, seconds: number): Promise<number>;
  ttl(key: string): Promise<number>;
  mget(keys: readonly string[]): Promise<readonly (string | null)[]>;
  /** Every key that matches, as the client scans a whole server or cluster. */
  scan(match: string): Promise<readonly string[]>;
  /** All commands without waiting in between; their keys are in one slot. */
  pipeline(commands: readonly Words[]): Promise<readonly unknown[]>;
  close(): void;
}

export interface ClientKind {
  readonly name: string;
  readonly isCluster: boolean;
  /** `onError` is told of what the client reports beside the answers to commands. */
  connect(
    nodes: readonly RunningNode[],
    onError: (error: unknown) => void,
  ): Promise<ConnectedClient>;
}

export const CLIENT_KINDS: readonly ClientKind[] = [
  {
    name: 'ioredis',
    isCluster: false,
    connect: async ([node], onError) => ioClient(new IoRedis(urlOf(node)), onError),
  },
  {
    name: 'ioredis Cluster',
    isCluster: true,
    connect: async (nodes, onError) => ioClient(new IoCluster(nodes.map(rootOf)), onError),
  },
  {
    name: 'iovalkey',
    isCluster: false,
    connect: async ([node], onError) => ioClient(new Valkey(urlOf(node)), onError),
  },
  {
    name: 'iovalkey Cluster',
    isCluster: true,
    connect: async (nodes, onError) => ioClient(new ValkeyCluster(nodes.map(rootOf)), onError),
  },
  {
    name: 'node-redis',
    isCluster: false,
    connect: ([node], onError) => nodeRedisClient(urlOf(node), onError),
  },
  {
    name: 'node-redis cluster',
    isCluster: true,
    connect: (nodes, onError) => nodeRedisCluster(nodes, onError),
  },
];

function urlOf(node: RunningNode | undefined): string {
  return (node as RunningNode).url;
}

function rootOf({ port }: RunningNode) {
  return { host: '127.0.0.1', port };
}

/** iovalkey began as a copy of ioredis: what is used here is the same. */
function ioClient(
  client: IoRedis | IoCluster | Valkey | ValkeyCluster,
  onError: (error: unknown) => void,
): ConnectedClient {
  const redis = client as IoRedis | IoCluster;
  redis.on('error', onError);
  return {
    set: (key, value) => redis.set(key, value),
    get: (key) => redis.get(key),
    getBytes: (key) => redis.getBuffer(key),
    del: (...keys) => redis.del(...keys),
    expire: (key, seconds) => redis.expire(key, seconds),
    ttl: (key) => redis.ttl(key),
    mget: (keys) => redis.mget(...keys),
    async scan(match) {
      const nodes = 'nodes' in redis ? redis.nodes('master') : [redis];
      const found: string[] = [];
      for (const node of nodes) {
        for await (const keys of node.scanStream({ match, count: 100 })) found.push(...keys);
      }
      return found;
    },
    async pipeline(commands) {
      const calls = commands.map(([name, ...args]) => [name.toLowerCase(), ...args]);
      const results = await redis.pipeline(calls).exec();
      return (results ?? []).map(([error, value]) => error ?? value);
    },
    close: () => redis.disconnect(),
  };
}

async function nodeRedisClient(
  url: string,
  onError: (error: unknown) => void,
): Promise<ConnectedClient> {
  const client = createClient({ url }).on('error', onError);
  await client.connect();
  const bytes = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  return {
    set: (key, value) => client.set(key, value),
    get: (key) => client.get(key),
    getBytes: (key) => bytes.get(key),
    del: (...keys) => client.del([...keys]),
    expire: (key, seconds) => client.expire(key, seconds),
    ttl: (key) => client.ttl(key),
    mget: (keys) => client.mGet([...keys]),
    async scan(match) {
      const found: string[] = [];
      for await (const keys of client.scanIterator({ MATCH: match, COUNT: 100 })) {
        found.push(...keys);
      }
      return found;
    },
    async pipeline(commands) {
      const batch = client.multi();
      for (const words of commands) batch.addCommand([...words]);
      return batch.execAsPipeline();
    },
    close: () => client.destroy(),
  };
}

async function nodeRedisCluster(
  nodes: readonly RunningNode[],
  onError: (error: unknown) => void,
): Promise<ConnectedClient> {
  const rootNodes = nodes.map(({ url }) => ({ url }));
  const cluster = createCluster({ rootNodes }).on('error', onError);
  await cluster.connect();
  const bytes = cluster.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  return {
    set: (key, value) => cluster.set(key, value),
    get: (key) => cluster.get(key),
    getBytes: (key) => bytes.get(key),
    del: (...keys) => cluster.del([...keys]),
    expire: (key, seconds) => cluster.expire(key, seconds),
    ttl: (key) => cluster.ttl(key),
    mget: (keys) => cluster.mGet([...keys]),
    async scan(match) {
      const found: string[] = [];
      for (const master of cluster.masters) {
        const client = await cluster.nodeClient(master);
        for await (const keys of client.scanIterator({ MATCH: match, COUNT: 100 })) {
          found.push(...keys);
        }
      }
      return found;
    },
    async pipeline(commands) {
      const batch = cluster.multi();
      for (const words of commands) batch.addCommand(words[1], false, [...words]);
      return batch.execAsPipeline();
    },
    close: () => cluster.destroy(),
  };
}
