// A configuration file with the two keyspaces that tests of versions need: `default`, and number 1,
// `siblings`, that keeps every concurrent value.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

const KEYSPACES = `
[[keyspaces]]
number = 1
name = "siblings"
conflict-rule = "siblings"
`;

/** For `--config`; it goes when the test is over. */
export async function keyspacesFile(owner: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'kvorum-keyspaces-'));
  owner.after(() => rm(directory, { recursive: true, force: true }));
  const file = join(directory, 'kvorum.toml');
  await writeFile(file, KEYSPACES);
  return file;
}
