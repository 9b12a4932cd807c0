// A `kvorum start` in a process of its own, as `kvorum dev` sees it: is it ready, what did it log,
// how did it end.
//
// It runs in a process group of its own, so that Ctrl-C reaches it through its parent only, once.
// Its IPC channel tells it when the parent is gone, however the parent ended.

import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** Enough to see why it died. */
const LAST_LINES = 15;

export interface NodeChildOptions {
  readonly name: string;
  /** After `kvorum start`. */
  readonly flags: readonly string[];
  /** Every line that it logs, as it stands. */
  readonly onLine: (line: string) => void;
}

export interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class NodeChild {
  readonly name: string;
  /** Resolves when the node says that it is ready; never when it does not. */
  readonly ready: Promise<void>;
  readonly ended: Promise<ChildEnd>;
  readonly lastLines: string[] = [];
  hasEnded = false;
  readonly #process: ChildProcess;

  constructor({ name, flags, onLine }: NodeChildOptions) {
    this.name = name;
    const program = [...process.execArgv, process.argv[1] as string, 'start'];
    const child = spawn(process.execPath, [...program, ...flags, '--stop-with-parent', '--json'], {
      detached: true,
      env: environmentWithoutSettings(),
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#process = child;
    this.ready = new Promise((resolve) => child.stdout?.once('data', () => resolve()));
    this.ended = new Promise((resolve) => {
      child.once('error', () => resolve({ code: null, signal: null }));
      child.once('close', (code, signal) => resolve({ code, signal }));
    });
    this.ended.then(() => {
      this.hasEnded = true;
    });
    if (child.stderr === null) return;
    createInterface({ input: child.stderr }).on('line', (line) => {
      this.lastLines.push(line);
      if (this.lastLines.length > LAST_LINES) this.lastLines.shift();
      onLine(line);
    });
  }

  signal(signal: NodeJS.Signals): void {
    if (!this.hasEnded) this.#process.kill(signal);
  }
}

/** What the environment says about "the node" is not meant for each of several. */
function environmentWithoutSettings(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env).filter(([name]) => !name.startsWith('KVORUM_'));
  return Object.fromEntries(entries);
}
