// A redis-server of this machine for a bench: on a free port, in a directory of its own that goes
// with it. Debian and others bring it as the package redis-server.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePorts } from '../test/cluster-fixture.ts';

export class RedisServer {
  readonly port: number;
  readonly directory: string;
  readonly #flags: readonly string[];
  #process: ChildProcess | undefined;

  /** `flags`: beside port, directory, and no snapshots. */
  static async create(flags: readonly string[], under = tmpdir()): Promise<RedisServer> {
    return new RedisServer(await freePorts(1), await mkdtemp(join(under, 'redis-bench-')), flags);
  }

  private constructor(port: number, directory: string, flags: readonly string[]) {
    this.port = port;
    this.directory = directory;
    this.#flags = flags;
  }

  /** Resolves when it says that it is ready, with all its data. */
  async start(): Promise<void> {
    const where = ['--port', `${this.port}`, '--bind', '127.0.0.1', '--dir', this.directory];
    const args = [...where, '--save', '', ...this.#flags];
    const server = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#process = server;
    process.once('exit', () => server.kill('SIGKILL'));
    let said = '';
    for await (const chunk of server.stdout) {
      said += chunk;
      if (said.includes('Ready to accept connections')) return;
    }
    throw new Error(`redis-server did not get ready:\n${said}`);
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    const server = this.#process;
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
    const closed = once(server, 'exit');
    server.kill(signal);
    await closed;
  }

  /** Ends it and removes its data. */
  async remove(): Promise<void> {
    await this.kill('SIGKILL');
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** Whether redis-server, and redis-benchmark with it, can be run here. */
export async function hasRedis(): Promise<boolean> {
  const run = promisify(execFile);
  try {
    await run('redis-benchmark', ['--version']);
    await run('redis-server', ['--version']);
    return true;
  } catch {
    return false;
  }
}
