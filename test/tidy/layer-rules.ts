// Who may import whom: ARCHITECTURE.md's layers as data, each line with its reason.
//
// Imports go down only; from outside, a folder is entered by its doors. Tests and contract suites
// may look anywhere, but nothing that ships may look at them.

import type { Finding, Import, SourceFile } from './source-file.ts';
import { isTestMaterial } from './source-file.ts';

interface Layer {
  readonly folder: string;
  /** Folders (with a slash at the end) and files; the own folder goes without saying. */
  readonly may: readonly string[];
  readonly why: string;
}

const HOST_SEAM = ['src/host/host.ts'];
const PURE = ['src/causality/', 'src/ring/', 'src/membership/'];
/** The doors of storage; what stands behind them may change without anyone noticing. */
const STORAGE_DOORS = ['src/storage/engine.ts', 'src/storage/open-engine.ts'];
const BELOW_REPLICATION = [
  'src/base/',
  ...HOST_SEAM,
  ...PURE,
  'src/storage/engine.ts',
  'src/merge/merger.ts',
  'src/merge/merge-rule.ts',
];
const BELOW_NODE = [
  ...BELOW_REPLICATION,
  ...STORAGE_DOORS,
  'src/replication/',
  'src/consensus/',
  'src/topology/',
];

export const LAYERS: readonly Layer[] = [
  { folder: 'src/base/', may: [], why: 'small tools without an opinion about databases' },
  { folder: 'src/host/', may: ['src/base/'], why: 'the machine knows nothing of the database' },
  { folder: 'src/causality/', may: ['src/base/'], why: 'pure, and of no concern to its siblings' },
  { folder: 'src/ring/', may: ['src/base/'], why: 'pure: who is alive is an argument' },
  { folder: 'src/membership/', may: ['src/base/'], why: 'pure: gossip is messages in and out' },
  {
    folder: 'src/merge/',
    may: ['src/base/', ...HOST_SEAM, 'src/causality/'],
    why: 'it makes one value of several, wherever they come from',
  },
  { folder: 'src/storage/', may: ['src/base/', ...HOST_SEAM], why: 'bytes under keys, no more' },
  { folder: 'src/replication/', may: BELOW_REPLICATION, why: 'storage only by its door' },
  {
    folder: 'src/consensus/',
    may: [...BELOW_REPLICATION, 'src/replication/'],
    why: 'it shares messages and peers with replication',
  },
  {
    folder: 'src/topology/',
    may: [...BELOW_REPLICATION, 'src/replication/', 'src/consensus/'],
    why: 'the topology is a register of consensus, moved by replication',
  },
  { folder: 'src/node/', may: BELOW_NODE, why: 'it composes a node, on whatever host' },
  {
    folder: 'src/server/',
    may: [
      'src/base/',
      'src/node/store.ts', // the narrow interface of a node; it names the types of lower layers
      'src/node/metrics.ts',
      ...HOST_SEAM, // Clock and Log
      'src/ring/slot.ts', // Redis Cluster clients ask for the slot of a key
    ],
    why: 'a door sees a node only through node/store.ts',
  },
  {
    folder: 'src/client/',
    may: ['src/base/', 'src/ring/slot.ts'],
    why: 'it runs in other people’s programs',
  },
  {
    folder: 'src/cli/',
    may: [
      'src/base/',
      'src/host/',
      'src/node/',
      'src/server/',
      'src/client/',
      'src/merge/', // the functions that a configuration may name, tried before a node starts
      'src/replication/keyspace.ts', // the presets that a configuration may name
      'src/storage/storage-jobs.ts', // what the thread of background jobs loads
      'src/storage/directory-check.ts', // what `kvorum doctor` prints
    ],
    why: 'the command line composes hosts, nodes and servers',
  },
];

/** Besides the command line, only the composition root of a node chooses the real machine. */
const REAL_HOST = /^src\/host\/(node-|tcp-network)/;
const REAL_HOST_IMPORTERS = ['src/host/', 'src/cli/', 'src/node/real-host.ts'];

/** Folders where packages of other people may be used; pino is the log of the real host. */
const PACKAGE_USERS: readonly { readonly folder: string; readonly only?: readonly string[] }[] = [
  { folder: 'src/server/' },
  { folder: 'src/cli/' },
  { folder: 'src/host/', only: ['pino'] },
  { folder: 'sim/' },
  { folder: 'bench/' },
  { folder: 'test/' },
  { folder: 'examples/' },
];

/** Where Node.js itself may be imported; elsewhere the host seam stands for it. */
const NODE_USERS = ['src/host/', 'src/server/', 'src/client/', 'src/cli/'];
const NODE_IN_CORE: Readonly<Record<string, readonly string[]>> = {
  'src/base/checksum.ts': ['node:zlib'], // a pure function of its arguments
};

export function layerFindings(files: readonly SourceFile[]): Finding[] {
  return files.flatMap((file) =>
    file.imports.flatMap((imported) => {
      const rule = broken(file.path, imported);
      return rule === undefined ? [] : [{ path: file.path, line: imported.line, rule }];
    }),
  );
}

function broken(from: string, imported: Import): string | undefined {
  const { specifier, path } = imported;
  if (specifier.startsWith('node:')) return brokenByNode(from, specifier);
  if (path === undefined) return brokenByPackage(from, specifier);
  if (from.startsWith('bin/')) return undefined;
  if (!/\.[a-z]+$/.test(path)) return `an import names its file with the ending: ${specifier}`;
  if (!from.startsWith('src/')) return undefined;
  if (isTestMaterial(from)) return undefined;
  if (!path.startsWith('src/')) return `nothing in src imports ${path}: it stands outside`;
  if (isTestMaterial(path)) return `only tests import ${path}`;
  return brokenByLayer(from, path);
}

function brokenByLayer(from: string, path: string): string | undefined {
  const layer = LAYERS.find(({ folder }) => from.startsWith(folder));
  if (layer === undefined) return `${from} lies in no layer: add its folder to the table`;
  if (REAL_HOST.test(path) && !REAL_HOST_IMPORTERS.some((place) => from.startsWith(place))) {
    return `only the composition root imports the real host: ${path}`;
  }
  if (path.startsWith(layer.folder)) return undefined;
  const isAllowed = layer.may.some((may) =>
    may.endsWith('/') ? path.startsWith(may) : path === may,
  );
  if (isAllowed || REAL_HOST.test(path)) return undefined;
  return `${layer.folder} may not import ${path}: ${layer.why}`;
}

function brokenByNode(from: string, specifier: string): string | undefined {
  if (!from.startsWith('src/') || isTestMaterial(from)) return undefined;
  if (NODE_USERS.some((folder) => from.startsWith(folder))) return undefined;
  if (NODE_IN_CORE[from]?.includes(specifier)) return undefined;
  return `the core reaches the machine through host/host.ts, not through ${specifier}`;
}

function brokenByPackage(from: string, specifier: string): string | undefined {
  if (from.startsWith('src/') && isTestMaterial(from)) return undefined;
  const user = PACKAGE_USERS.find(({ folder }) => from.startsWith(folder));
  if (user !== undefined && (user.only === undefined || user.only.includes(specifier))) {
    return undefined;
  }
  return `packages are for servers, command line and tests, not here: ${specifier}`;
}

/** Examples import the client as its users do. */
const OURS = 'kvorum';

/** Packages that are imported without being in package.json. */
export function undeclaredPackages(
  files: readonly SourceFile[],
  declared: ReadonlySet<string>,
): Finding[] {
  return files.flatMap((file) =>
    file.imports
      .filter(({ specifier, path }) => path === undefined && !specifier.startsWith('node:'))
      .filter(({ specifier }) => ![...declared, OURS].includes(packageOf(specifier)))
      .map(({ line, specifier }) => ({
        path: file.path,
        line,
        rule: `an imported package is a dependency in package.json: ${specifier}`,
      })),
  );
}

function packageOf(specifier: string): string {
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] as string);
}
