// The tester tested: for each rule a small offending text that must be reported, and beside it one
// that only looks offending and must not be.

import { deepEqual, equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import * as documents from './tidy/document-rules.ts';
import { errorPageFindings, unusedCodeFindings } from './tidy/error-codes.ts';
import { functionSizes } from './tidy/function-sizes.ts';
import { layerFindings, undeclaredPackages } from './tidy/layer-rules.ts';
import { banFindings, machineFindings, PURE_LINE, purityFindings } from './tidy/purity-rules.ts';
import { reachabilityFindings } from './tidy/reachability.ts';
import * as sizes from './tidy/size-rules.ts';
import type { Finding, SourceFile } from './tidy/source-file.ts';
import { sourceFile } from './tidy/source-file.ts';
import { strippedText } from './tidy/stripped-text.ts';

type Rule = (files: readonly SourceFile[]) => Finding[];

/** [path, text, whether it is reported] */
type Case = readonly [path: string, text: string, isReported: boolean];

function canary(name: string, rule: Rule, cases: readonly Case[]): void {
  test(name, () => {
    for (const [path, text, isReported] of cases) {
      const found = rule([sourceFile(path, text)]).length > 0;
      equal(found, isReported, `${path}: ${text.slice(0, 200)}`);
    }
  });
}

canary('layers', layerFindings, [
  ['src/base/bytes.ts', "import { a } from '../ring/slot.ts';", true],
  ['src/ring/slot.ts', "import { a } from '../membership/gossip.ts';", true],
  ['src/ring/slot.ts', "import { a } from '../base/assert.ts';", false],
  ['src/ring/slot.ts', "import type { Clock } from '../host/host.ts';", true],
  ['src/storage/engine.ts', "import { a } from '../host/node-disk.ts';", true],
  ['src/storage/engine.ts', "import type { Disk } from '../host/host.ts';", false],
  ['src/replication/replica.ts', "import { a } from '../storage/memtable.ts';", true],
  ['src/replication/replica.ts', "import { a } from '../storage/engine.ts';", false],
  ['src/server/resp/reply.ts', "import { a } from '../../replication/replica.ts';", true],
  ['src/server/resp/reply.ts', "import { a } from '../../node/store.ts';", false],
  ['src/node/node.ts', "import { a } from '../host/tcp-network.ts';", true],
  ['src/cli/start.ts', "import { a } from '../host/tcp-network.ts';", false],
  ['src/cli/start.ts', "import { a } from '../../sim/world.ts';", true],
  ['src/node/node.ts', "import { a } from './node.test.ts';", true],
  ['src/host/x.ts', "import { a } from './disk.contract.ts';", true],
  ['src/host/x.test.ts', "import { a } from './disk.contract.ts';", false],
  ['src/attic/x.ts', "import { a } from '../base/bytes.ts';", true],
  ['src/ring/slot.ts', "import { a } from './token';", true],
  ['src/ring/slot.ts', "import { readFile } from 'node:fs';", true],
  ['src/base/checksum.ts', "import { crc32 } from 'node:zlib';", false],
  ['src/ring/slot.ts', "import pino from 'pino';", true],
  ['src/host/node-log.ts', "import pino from 'pino';", false],
  ['src/host/node-log.ts', "import fastify from 'fastify';", true],
  ['src/ring/slot.ts', "import {\n  a,\n  b,\n} from '../node/node.ts';", true],
  ['src/ring/slot.ts', "const later = await import('../node/node.ts');", true],
  ['src/ring/slot.ts', "export { a } from '../node/node.ts';", true],
  ['src/ring/slot.ts', "// import { a } from '../node/node.ts';", false],
  ['src/ring/slot.ts', "const s = `import { a } from '../node/node.ts';`;", false],
]);

canary('packages', (files) => undeclaredPackages(files, new Set(['pino', '@a/b'])), [
  ['src/host/node-log.ts', "import pino from 'pino/file';", false],
  ['src/host/node-log.ts', "import b from '@a/b/c';", false],
  ['src/host/node-log.ts', "import c from '@a/c';", true],
]);

const PURE = `// A thing.\n//\n${PURE_LINE}\n\n`;

canary('purity', purityFindings, [
  ['src/ring/slot.ts', 'export const a = 1;', true],
  ['src/ring/slot.test.ts', 'export const a = 1;', false],
  ['src/ring/slot.ts', `${PURE}export const a = 1;`, false],
  ['src/ring/slot.ts', `${PURE}export async function a() {}`, true],
  ['src/ring/slot.ts', `${PURE}export type A = Promise<void>;`, true],
  ['src/ring/slot.ts', `${PURE}const a = new Date();`, true],
  ['src/ring/slot.ts', `${PURE}const a = Math.random();`, true],
  ['src/ring/slot.ts', `${PURE}const a = process.pid;`, true],
  ['src/ring/slot.ts', `${PURE}const a = b.process + b.performance; // await Date`, false],
  ['src/ring/slot.ts', `${PURE}const a = \`Date \${Date} Date\`;`, true],
  ['src/ring/slot.ts', `${PURE}const a = \`Date \${b} Date\`;`, false],
  ['src/replication/quorum.ts', `${PURE}import { a } from './replica.ts';`, true],
  ['src/replication/quorum.ts', `${PURE}import type { A } from './replica.ts';`, false],
  ['src/replication/quorum.ts', `${PURE}import type { A } from '../host/host.ts';`, true],
  ['src/replication/quorum.ts', `${PURE}import { a } from 'node:zlib';`, true],
]);

canary('the host seam', machineFindings, [
  ['src/node/node.ts', 'const a = Date.now();', true],
  ['src/node/node.ts', 'const a = new Date(ms);', true],
  ['src/node/node.ts', 'setTimeout(run, 5);', true],
  ['src/node/node.ts', 'const a = globalThis.process;', true],
  ['src/node/node.ts', 'const a = clock.setTimeout(5); const process = 1;', false],
  ['src/node/node.ts', "const a = /'/; const b = Date.now(); // '", true],
  ['src/node/node.ts', "const a = b / c; const d = 'Date.now() / 2';", false],
  ['src/host/node-clock.ts', 'const a = Date.now();', false],
  ['sim/world.ts', 'const a = Math.random();', true],
  ['sim/main.ts', 'const a = Date.now();', false],
]);

canary('banned words', banFindings, [
  ['src/node/node.ts', 'const a: any = 1;', true],
  ['src/node/node.ts', 'const a = b as any;', true],
  ['src/node/node.ts', 'const a: Map<string, any> = b;', true],
  ['src/node/node.ts', 'const a = Promise.any(b); const c = { any: 1 }; // any', false],
  ['src/node/node.ts', 'export const enum A { B }', true],
  ['src/node/node.ts', 'export namespace A {}', true],
  ['src/node/node.ts', 'export default class A {}', true],
  ['src/node/node.ts', "export * from './other.ts';", true],
  ['src/node/node.ts', 'class A extends EventEmitter {}', true],
  ['src/host/node-disk.ts', 'class A extends EventEmitter {}', false],
  ['src/server/resp/reply.ts', 'console.log(1);', true],
  ['src/server/resp/reply.ts', 'const a = Math.random();', true],
  ['src/node/node.ts', '// @ts-ignore', true],
  ['src/node/node.ts', '// eslint-disable-next-line', true],
  ['src/node/node.ts', '// biome-ignore lint/style/x:', true],
  ['src/node/node.ts', '// biome-ignore lint/style/x: the type of the library is wrong', false],
]);

const lines = (count: number, line = 'a();') => `${line}\n`.repeat(count);

canary('sizes of files and lines', sizes.sizeFindings, [
  ['src/node/node.ts', lines(400), false],
  ['src/node/node.ts', lines(401), true],
  ['src/node/node.test.ts', lines(600), false],
  ['src/node/node.test.ts', lines(601), true],
  ['src/node/node.ts', '…'.repeat(100), false],
  ['src/node/node.ts', 'x'.repeat(101), true],
  ['src/node/node.ts', `// https://example.org/${'x'.repeat(100)}`, false],
]);

test('sizes of folders', () => {
  const named = (count: number, ending: string) =>
    Array.from({ length: count }, (_, index) => sourceFile(`src/node/n${index}${ending}`, ''));
  const most = sizes.LIMITS.folderFiles;
  deepEqual(sizes.sizeFindings([...named(most, '.ts'), ...named(most, '.test.ts')]), []);
  equal(sizes.sizeFindings(named(most + 1, '.ts')).length, 1);
});

canary('sizes of functions', sizes.functionFindings, [
  ['src/node/node.ts', `function f() {\n${lines(58)}}`, false],
  ['src/node/node.ts', `function f() {\n${lines(60)}}`, true],
  ['src/node/node.ts', `const f = (a: number): Map<A, { b: C }> => {\n${lines(60)}};`, true],
  ['src/node/node.ts', `class A {\n  async #f(): Promise<{ a: 1 }> {\n${lines(60)}}\n}`, true],
  ['src/node/node.ts', `class A {\n${lines(100, '  f() {}')}}`, false],
  ['src/node/node.ts', `const a = {\n${lines(100, "  'b{': f(1), // {")}};`, false],
  ['src/node/node.test.ts', `describe('a', () => {\n${lines(60, "  test('b', f);")}});`, false],
]);

test('functions are told from calls and conditions', () => {
  const names = (code: string) => functionSizes(code).map(({ name }) => name);
  deepEqual(names('if (a) { b(c); } for (;;) { d(); } while (e) {} switch (f) {}'), []);
  deepEqual(names('function a(b: () => void): c is { d: 1 } { e(f); }'), ['a']);
  deepEqual(names('const g = a ? f(x) : { b: 1 }; const h = a ? f(x) : y;'), []);
  deepEqual(names('class A { get b(): number { return c(1); } constructor() {} }'), [
    'b',
    'constructor',
  ]);
  deepEqual(names('const a = (): (() => void) => { b(); };'), ['a function']);
});

canary('headers', sizes.headerFindings, [
  ['src/node/node.ts', 'export const a = 1;', true],
  ['src/node/node.ts', '// What it is.\n\nexport const a = 1;', false],
  ['bin/run.js', '#!/usr/bin/env node\n\nrun();', true],
  ['bin/run.js', '#!/usr/bin/env node\n// What it is.\n\nrun();', false],
  ['src/node/node.ts', `${lines(41, '// text')}\n`, true],
]);

canary('names', sizes.nameFindings, [
  ['src/node/remotePeers.ts', '', true],
  ['src/node/remote-peers.contract.ts', '', false],
  ['src/node/string-utils.ts', '', true],
  ['src/node/index.ts', '', true],
  ['src/storage/sstable-index.ts', '', false],
]);

canary('nothing for later', sizes.laterFindings, [
  ['src/node/node.ts', '// TODO: more', true],
  ['src/node/node.ts', "const a = 'TODO';", false],
]);

test('dead files', () => {
  const files = [
    sourceFile('src/cli/kvorum.ts', "import '../node/node.ts';"),
    sourceFile('src/node/node.ts', "new URL('./worker.ts', import.meta.url);"),
    sourceFile('src/node/worker.ts', ''),
    sourceFile('src/node/dead.ts', ''),
    sourceFile('src/node/dead.test.ts', "import './dead.ts'; import './wire.contract.ts';"),
    sourceFile('src/node/wire.contract.ts', ''),
    sourceFile('src/node/dead.contract.ts', ''),
  ];
  const dead = reachabilityFindings(files).map(({ path }) => path);
  deepEqual(dead, ['src/node/dead.ts', 'src/node/dead.contract.ts']);
});

test('error codes', () => {
  const page = '# Errors\n\n## DISK_FULL\n\n## NO_SUCH\n';
  deepEqual(errorPageFindings(['DISK_FULL'], '## DISK_FULL\n'), []);
  equal(errorPageFindings(['DISK_FULL', 'CLOSED'], page).length, 2);
  const files = [sourceFile('src/node/node.ts', "throw new KvorumError('CLOSED', why, fix);")];
  equal(unusedCodeFindings(['CLOSED', 'DISK_FULL'], files).length, 1);
});

test('documents', () => {
  const page = (text: string) => [{ path: 'docs/a.md', text }];
  const paths = new Set(['docs', 'docs/a.md', 'README.md']);
  const isBroken = (text: string) => documents.linkFindings(page(text), paths).length > 0;
  equal(documents.missingDocuments(['README.md']).length, 5);
  equal(documents.titleFindings(page('text')).length, 1);
  equal(documents.titleFindings(page('# A\n# B')).length, 1);
  equal(documents.titleFindings(page('# A\n```sh\n# comment\n```\n')).length, 0);
  ok(isBroken('[b](b.md)'));
  ok(isBroken('# A page\n[a](#b-page)'));
  ok(!isBroken('# A page: `x`\n[a](#a-page-x) [r](../README.md) `[c](c.md)`'));
});

test('places', () => {
  const isReported = (text: string) => documents.placeFindings([{ path: 'a', text }]).length > 0;
  ok(isReported(`see ${'/wo'}rk/main/src`));
  ok(isReported(`"resolved": ${'"ht'}tps://somewhere"`));
  ok(isReported(`npm config set registry https://${'registry'}.npmjs.org`));
  ok(!isReported(`src${'/wo'}rk/a.ts and .${'/ro'}ot/b.ts`));
});

test('comments and literals are told from code', () => {
  const text = [
    `a(\`x \${b ? \`y \${c}\` : "}"} z\`);`,
    "d = 'it\\'s'; // 'e'",
    'f = /[/"]/.g / h;',
  ];
  const { code, comments } = strippedText(text.join('\n'));
  deepEqual(code.split('\n').map(squeezed), ['a( b ? c : " " );', "d = ' ';", 'f = .g / h;']);
  equal(comments.trim(), "// 'e'");
});

function squeezed(line: string): string {
  return line.replace(/ +/g, ' ').trim();
}
