import { deepEqual, equal, match, notEqual, ok, rejects } from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { hasCode } from '../../base/errors.ts';
import { keyspaceCalled } from '../../replication/keyspace.ts';
import { type NodeConfig, readNodeConfig } from './node-config.ts';

const THREE = 'n1=127.0.0.1:7001, n2=127.0.0.1:7002,n3=127.0.0.1:7003';

async function fileWith(t: TestContext, toml: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'kvorum-config-'));
  t.after(() => rm(directory, { recursive: true }));
  const path = join(directory, 'kvorum.toml');
  await writeFile(path, toml);
  return path;
}

function members({ topology }: NodeConfig): string[] {
  return topology.members.map(({ name, clientAddress, httpAddress, peerAddress }) => {
    return [name, clientAddress, httpAddress, peerAddress].join(' ');
  });
}

async function refused(flags: object, says: RegExp, environment = {}): Promise<void> {
  await rejects(readNodeConfig({ ...flags }, environment), (error) => {
    ok(hasCode(error, 'BAD_OPTION'), String(error));
    match(`${error.message}\n${error.fix}`, says);
    return true;
  });
}

test('without any setting: one node on loopback', async () => {
  const config = await readNodeConfig({}, {});
  deepEqual(members(config), ['n1 127.0.0.1:7001 127.0.0.1:8001 127.0.0.1:9001']);
  const { name, host, rack, dataCenter, capacity } = config.member;
  deepEqual([name, host, rack, dataCenter, capacity], ['n1', 'n1', 'rack1', 'dc1', 1]);
  equal(config.dataDirectory, join('.kvorum', 'n1'));
  equal(config.redirect, 'auto');
  equal(config.logLevel, 'info');
  equal(config.gossip, 'lan');
  deepEqual(config.storage, {});
  const { keyspaces } = config.topology;
  deepEqual(
    keyspaces.map(({ number, name, n, r, w, conflictRule, durability, ttlMs }) =>
      [number, name, n, r, w, conflictRule, durability, ttlMs].join(' '),
    ),
    ['0 default 3 2 2 latest fsync 0', '1 siblings 3 2 2 siblings fsync 0'],
  );
});

test('a flag wins over the environment, that over the file, that over the default', async (t) => {
  const config = await fileWith(
    t,
    'data = "file"\nrack = "file"\ndc = "file"\nlog-level = "warn"\nmemory = "64mb"',
  );
  const environment = { KVORUM_DATA: 'variable', KVORUM_RACK: 'variable' };
  const { dataDirectory, member, logLevel, storage } = await readNodeConfig(
    { config, data: 'flag' },
    environment,
  );
  deepEqual(
    [dataDirectory, member.rack, member.dataCenter, logLevel, member.host],
    ['flag', 'variable', 'file', 'warn', 'n1'],
  );
  deepEqual(storage, { memoryBytes: 64 * 1024 * 1024 });
  const byVariable = await readNodeConfig({}, { ...environment, KVORUM_CONFIG: config });
  equal(byVariable.dataDirectory, 'variable');
});

test('--cluster lists all members; HTTP and peer ports follow from the first', async () => {
  const config = await readNodeConfig({ cluster: THREE, nodeId: 'n2' }, {});
  deepEqual(members(config), [
    'n1 127.0.0.1:7001 127.0.0.1:8001 127.0.0.1:9001',
    'n2 127.0.0.1:7002 127.0.0.1:8002 127.0.0.1:9002',
    'n3 127.0.0.1:7003 127.0.0.1:8003 127.0.0.1:9003',
  ]);
  equal(config.member.name, 'n2');
  equal(config.clientBind, '127.0.0.1:7002');
  deepEqual(new Set(config.topology.members.map(({ host }) => host)).size, 3);
});

test('[[members]] say everything', async (t) => {
  const config = await fileWith(
    t,
    `
    node-id = "b"
    [[members]]
    name = "a"
    listen = "127.0.0.1:1"
    [[members]]
    name = "b"
    listen = "127.0.0.1:2"
    http = "127.0.0.1:3"
    peer = "[::1]:4"
    host = "h"
    rack = "r"
    dc = "d"
    capacity = 2.5
    `,
  );
  const { member } = await readNodeConfig({ config }, {});
  const { id, ...rest } = member;
  match(id, /^[0-9a-f]{40}$/);
  deepEqual(rest, {
    name: 'b',
    host: 'h',
    rack: 'r',
    dataCenter: 'd',
    capacity: 2.5,
    clientAddress: '127.0.0.1:2',
    httpAddress: '127.0.0.1:3',
    peerAddress: '[::1]:4',
  });
});

test('[[keyspaces]]: presets, own numbers, and the default one beside them', async (t) => {
  const config = await fileWith(
    t,
    `
    [[keyspaces]]
    number = 1
    name = "cart"
    preset = "fast-write"
    conflict-rule = "siblings"
    [[keyspaces]]
    number = 2
    name = "audit"
    n = 5
    w = 4
    `,
  );
  const { topology } = await readNodeConfig({ config }, {});
  deepEqual(
    topology.keyspaces.map(({ number, name, n, r, w, conflictRule }) =>
      [number, name, n, r, w, conflictRule].join(' '),
    ),
    ['0 default 3 2 2 latest', '1 cart 3 3 1 siblings', '2 audit 5 3 4 latest'],
  );
});

test('[[keyspaces]]: copies in each data center, and levels', async (t) => {
  const config = await fileWith(
    t,
    `
    [[keyspaces]]
    number = 1
    name = "orders"
    n = { east = 3, west = 2 }
    [[keyspaces]]
    number = 2
    name = "carts"
    n = { east = 3, west = 2 }
    preset = "local-quorum"
    [[keyspaces]]
    number = 3
    name = "ledger"
    n = { east = 2 }
    r = "one"
    w = "each-quorum"
    `,
  );
  const { keyspaces } = (await readNodeConfig({ config }, {})).topology;
  const copies = { east: 3, west: 2 };
  deepEqual(
    keyspaces.map(({ n, copies, r, w }) => [n, copies && { ...copies }, r, w]),
    [
      [3, undefined, 2, 2],
      [5, copies, 3, 3],
      [5, copies, 'local-quorum', 'local-quorum'],
      [2, { east: 2 }, 'one', 'each-quorum'],
    ],
  );
});

test('where a key lies is part of who the cluster is', async (t) => {
  const idWith = async (n: string) => {
    const text = `[[keyspaces]]\nnumber = 0\nname = "default"\nn = ${n}\n`;
    return (await readNodeConfig({ config: await fileWith(t, text) }, {})).topology.clusterId;
  };
  const ids = await Promise.all(['3', '{ dc1 = 3 }', '{ dc1 = 2, dc2 = 1 }'].map(idWith));
  equal(new Set(ids).size, 3);
});

test('--cluster may say where each node stands', async () => {
  const cluster = 'n1=127.0.0.1:7001@east/r1,n2=127.0.0.1:7002@west,n3=127.0.0.1:7003';
  const config = await readNodeConfig({ cluster, nodeId: 'n1' }, {});
  const places = config.topology.members.map(({ name, dataCenter, rack }) => {
    return `${name} ${dataCenter}/${rack}`;
  });
  deepEqual(places, ['n1 east/r1', 'n2 west/rack1', 'n3 dc1/rack1']);
});

test('[[keyspaces]]: durability, default TTL and limits', async (t) => {
  const config = await fileWith(
    t,
    `
    [[keyspaces]]
    number = 7
    name = "sessions"
    durability = "interval"
    ttl = "30m"
    siblings-max = 10
    object-max = "2mb"
    `,
  );
  const { keyspaces } = (await readNodeConfig({ config }, {})).topology;
  const { durability, ttlMs, limits } = keyspaceCalled(keyspaces, '7');
  deepEqual([durability, ttlMs], ['interval', 1_800_000]);
  deepEqual(limits, { siblingsWarned: 10, siblingsMax: 10, objectBytesMax: 2 * 1024 ** 2 });
});

test('[[keyspaces]]: a merge function by its name, or by its path beside the file', async (t) => {
  const config = await fileWith(
    t,
    `
    [[keyspaces]]
    number = 1
    name = "tags"
    merge = "set-union"
    [[keyspaces]]
    number = 2
    name = "carts"
    conflict-rule = "merge"
    merge = "lib/cart-merge.ts"
    merge-limit = "20ms"
    `,
  );
  const { keyspaces } = (await readNodeConfig({ config }, {})).topology;
  const rules = keyspaces.map(({ conflictRule, merge }) => [conflictRule, merge]);
  const module = new URL('lib/cart-merge.ts', pathToFileURL(config)).href;
  deepEqual(rules, [
    ['latest', undefined],
    ['merge', { name: 'set-union', module: undefined, limitMs: 100 }],
    ['merge', { name: 'lib/cart-merge.ts', module, limitMs: 20 }],
  ]);
});

test('a keyspace that cannot be is refused with the reason', async (t) => {
  const cases = [
    ['name = "7"', /cannot be called so/],
    ['n = 2\nr = 3', /r = 3 but n = 2/],
    ['n = 2\nw = 3', /w = 3 but n = 2/],
    ['n = { east = 1, west = 1 }\nw = 3', /w = 3 but n = 2/],
    ['n = {}', /has 0 copies in all its data centers/],
    ['n = { east = 20, west = 12 }', /has 32 copies in all/],
    ['n = { east = 0 }', /n/],
    ['w = "most"', /w/],
    ['ttl = "soon"', /ttl "soon" is not a duration/],
    ['durability = "never"', /durability in .* must be one of: fsync, interval/],
    ['siblings-warned = 11\nsiblings-max = 10', /warns of 11 siblings but refuses more than 10/],
    ['object-max = "6mb"', /more than 5242880 bytes/],
    ['object-max = "1kb"', /less than 1mb/],
    ['merge = "set-unoin"', /there is no merge function "set-unoin"/],
    ['merge = "max"\nconflict-rule = "latest"', /merge = "max" and conflict-rule = "latest"/],
    ['conflict-rule = "merge"', /has conflict-rule = "merge" but no merge function/],
    ['merge-limit = "10ms"', /has merge-limit = "10ms" but no merge function/],
    ['merge = "./a.ts"\nmerge-limit = "5s"', /merge-limit "5s" is longer than a read should/],
    ['merge = "./a.ts"\nmerge-limit = "5"', /merge-limit "5" is not a duration/],
    ['sloppy = true', /unknown key "keyspaces\[0\].sloppy"/],
  ] as const;
  for (const [lines, why] of cases) {
    const name = lines.startsWith('name') ? '' : 'name = "a"\n';
    const config = await fileWith(t, `[[keyspaces]]\nnumber = 1\n${name}${lines}\n`);
    await rejects(readNodeConfig({ config }, {}), (error) => {
      match((error as Error).message, why);
      return hasCode(error, 'BAD_OPTION');
    });
  }
});

test('the cluster id is a digest of what decides where a key lies, no more', async (t) => {
  const idOf = async (flags: Readonly<Record<string, unknown>>) => {
    return (await readNodeConfig({ nodeId: 'n1', ...flags }, {})).topology.clusterId;
  };
  const id = await idOf({ cluster: THREE });
  match(id, /^[0-9a-f]{32}$/);
  const elsewhere = THREE.replaceAll('700', '710').split(',').reverse().join(',');
  equal(await idOf({ cluster: elsewhere }), id, 'addresses and order may change');
  notEqual(await idOf({ cluster: THREE, clusterName: 'other' }), id);
  notEqual(await idOf({ cluster: `${THREE},n4=127.0.0.1:7004` }), id);
  notEqual(await idOf({ capacity: '2' }), await idOf({}));
  notEqual(await idOf({ rack: 'b' }), await idOf({}));
  const five = '[[keyspaces]]\nnumber = 0\nname = "default"\nn = 5\n';
  notEqual(await idOf({ config: await fileWith(t, five) }), await idOf({}));
  equal(
    await idOf({ config: await fileWith(t, `${five}r = 1`) }),
    await idOf({ config: await fileWith(t, five) }),
    'R and W may change',
  );
  const more = '[[keyspaces]]\nnumber = 4\nname = "more"\n';
  equal(await idOf({ config: await fileWith(t, more) }), await idOf({}), 'it lies as the default');
  notEqual(await idOf({ config: await fileWith(t, `${more}n = 2`) }), await idOf({}));
});

test('node ids differ by cluster and by name', async () => {
  const idOf = async (flags: Readonly<Record<string, unknown>>) =>
    (await readNodeConfig(flags, {})).member.id;
  const id = await idOf({});
  equal(await idOf({ listen: '127.0.0.1:7777', rack: 'x' }), id);
  notEqual(await idOf({ nodeId: 'n2' }), id);
  notEqual(await idOf({ clusterName: 'other' }), id);
});

test('beyond loopback only when told so; then bound and told addresses may differ', async () => {
  await refused({ listen: '0.0.0.0:7001' }, /--insecure-no-auth/);
  await refused({ http: '192.168.1.1:80' }, /192\.168\.1\.1:80 is reachable/);
  await refused({ cluster: 'n1=db.example:7001' }, /db\.example:7001 is reachable/);
  for (const host of ['localhost', '127.3.2.1', '[::1]']) {
    await readNodeConfig({ listen: `${host}:7001` }, {});
  }
  const config = await readNodeConfig(
    { cluster: 'n1=10.0.0.5:7001', listen: '0.0.0.0:7001', insecureNoAuth: true },
    {},
  );
  equal(config.clientBind, '0.0.0.0:7001');
  equal(config.member.clientAddress, '10.0.0.5:7001');
});

test('what contradicts itself is refused', async (t) => {
  const twice = await fileWith(t, '[[members]]\nname = "n1"\nlisten = "127.0.0.1:7001"');
  await refused({ cluster: THREE }, /which of n1, n2, n3 is this node\?/);
  await refused({ cluster: THREE, nodeId: 'm1' }, /--node-id is "m1"[\s\S]*Did you mean n1\?/);
  await refused({ cluster: THREE, nodeId: 'n1', rack: 'a' }, /--rack would be known to this node/);
  await refused({ cluster: THREE, config: twice }, /members are given twice/);
  await refused({ cluster: 'n1=127.0.0.1:1,n1=127.0.0.1:2' }, /the name n1 is given twice/);
  await refused({ cluster: 'n1=127.0.0.1:1,n2=127.0.0.1:1001' }, /address 127\.0\.0\.1:1001 is/);
  await refused({ cluster: 'n1' }, /"n1" in --cluster is not a member/);
  await refused({ cluster: '-=127.0.0.1:1' }, /"-" cannot be the name of a node/);
  await refused({ listen: '127.0.0.1:0' }, /has port 0/);
  await refused({ listen: '127.0.0.1:65000' }, /the http port of n1 would be 65000 \+ 1000/);
  await refused({ logLevel: 'verbos' }, /--log-level cannot be "verbos"/);
});

test('the reserve of the disk is a size or a share of it', async () => {
  const reserveOf = async (diskReserve: string) =>
    (await readNodeConfig({ diskReserve }, {})).storage.reserve;
  deepEqual(await reserveOf('1gb'), { kind: 'bytes', bytes: 1024 ** 3 });
  deepEqual(await reserveOf('0mb'), { kind: 'bytes', bytes: 0 });
  deepEqual(await reserveOf('2.5%'), { kind: 'share', share: 0.025 });
  for (const value of ['5', '', '%', '51%', '-1%', '1 gb']) {
    await refused({ diskReserve: value }, /--disk-reserve is/);
  }
});

test('the period of the check of the disk is a duration, or never', async () => {
  const periodOf = async (scrubPeriod: string) =>
    (await readNodeConfig({ scrubPeriod }, {})).storage.scrubPeriodMs;
  equal(await periodOf('12h'), 12 * 3_600_000);
  equal(await periodOf('never'), Number.POSITIVE_INFINITY);
  equal(await periodOf('1s'), 1_000);
  equal(await periodOf('365d'), 365 * 86_400_000);
  await refused({ scrubPeriod: 'soon' }, /--scrub-period "soon" is not a duration/);
  for (const value of ['999ms', '366d']) {
    await refused({ scrubPeriod: value }, /--scrub-period is .*, not between 1s and 365d/);
  }
});

test('variables: misspelt ones are refused, those of Kubernetes are not ours', async () => {
  await refused({}, /KVORUM_LISTNE[\s\S]*Did you mean KVORUM_LISTEN\?/, { KVORUM_LISTNE: 'x' });
  await refused({}, /KVORUM_CAPACITY is "x"/, { KVORUM_CAPACITY: 'x' });
  await refused({}, /KVORUM_PORT/, { KVORUM_PORT: '7001' });
  await readNodeConfig(
    {},
    {
      KVORUM_URL: 'redis://x',
      KVORUM_PORT: 'tcp://10.0.0.1:7001',
      KVORUM_PORT_7001_TCP_ADDR: '10.0.0.1',
      KVORUM_SERVICE_HOST: '10.0.0.1',
      KVORUM_HTTP_SERVICE_PORT_WEB: '80',
    },
  );
});
