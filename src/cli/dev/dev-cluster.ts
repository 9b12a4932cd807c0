// The processes of a development cluster, from the first start to the last exit.

import { EXIT, type ExitCode } from '../exit-code.ts';
import { printNote, styled } from '../output.ts';
import { clusterFlag, type DevLayout } from './dev-layout.ts';
import { type ChildEnd, NodeChild } from './node-child.ts';

/** A node closes in a fraction of this; whoever takes longer hangs. */
const STOP_MS = 10_000;

export interface DevOptions {
  readonly isVerbose: boolean;
  /** What each node gets as --memory, if anything. */
  readonly memory: string | undefined;
  /** The same for --config. */
  readonly config: string | undefined;
}

export class DevCluster {
  readonly #children: readonly NodeChild[];
  /** Before that, nodes that do not find each other yet are no news. */
  #isReady = false;
  #isStopping = false;

  constructor(layout: DevLayout, { isVerbose, memory, config }: DevOptions) {
    this.#children = layout.nodes.map(({ name, directory }) => {
      const identity = ['--node-id', name, '--data', directory];
      const cluster = ['--cluster', clusterFlag(layout), '--cluster-name', 'dev'];
      const flags = [
        ...identity,
        ...cluster,
        ...(memory === undefined ? [] : ['--memory', memory]),
        ...(config === undefined ? [] : ['--config', config]),
      ];
      const onLine = (line: string) => {
        const isNoise = this.#isStopping || !this.#isReady || !isWarning(line);
        if (isNoise && !isVerbose) return;
        printNote(`${styled('dim', `${name} |`, process.stderr)} ${line}`);
      };
      return new NodeChild({ name, flags, onLine });
    });
  }

  /** Resolves with the exit code when all nodes have ended; `onReady` when all are ready. */
  async run(onReady: () => void): Promise<ExitCode> {
    const unhook = this.#stopOnSignals();
    const allReady = Promise.all(this.#children.map(({ ready }) => ready));
    allReady.then(() => {
      this.#isReady = true;
      if (!this.#isStopping) onReady();
    });
    const ends = this.#children.map(async (child) => this.#report(child, await child.ended));
    await Promise.all(ends);
    unhook();
    return this.#isStopping ? EXIT.ok : EXIT.failed;
  }

  #stopOnSignals(): () => void {
    const stop = () => {
      const signal = this.#isStopping ? 'SIGKILL' : 'SIGTERM';
      this.#isStopping = true;
      for (const child of this.#children) child.signal(signal);
      setTimeout(() => {
        for (const child of this.#children) child.signal('SIGKILL');
      }, STOP_MS).unref();
    };
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
    for (const signal of signals) process.on(signal, stop);
    return () => {
      for (const signal of signals) process.off(signal, stop);
    };
  }

  #report(child: NodeChild, end: ChildEnd): void {
    if (this.#isStopping) return;
    const how = end.signal === null ? `exit code ${end.code}` : `signal ${end.signal}`;
    const others = this.#children.filter((each) => !each.hasEnded && each !== child).length;
    const error = styled(['red', 'bold'], 'error', process.stderr);
    printNote(`${error} node ${child.name} ended with ${how}; ${others} go on. It said last:`);
    for (const line of child.lastLines) printNote(`  ${line}`);
    const again = 'press Ctrl-C and start kvorum dev again; its data is kept';
    printNote(`  fix:  to have it back, ${again}`);
  }
}

function isWarning(line: string): boolean {
  // What is not one of the log's JSON lines comes from below it, and matters.
  return !line.startsWith('{"level":"info"');
}
