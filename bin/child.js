// A child process that stands in for this one: it shares the terminal, gets the signals that this
// process gets, and its end is reported as `{ code, signal }`.

import { spawn } from 'node:child_process';

const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * Starts `command` and resolves when it has ended; rejects when it cannot be started.
 * `options` are those of spawn; the default is to inherit standard input, output and error.
 * `onStart(child)` is called at once, for callers that read its output.
 */
export function runChild(command, args, options = {}, onStart = () => {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'inherit', ...options });
    const handlers = FORWARDED.map((signal) => [signal, () => forward(child, signal)]);
    for (const [signal, handler] of handlers) process.on(signal, handler);
    const settle = () => {
      for (const [signal, handler] of handlers) process.off(signal, handler);
    };
    child.on('error', (error) => {
      settle();
      reject(error);
    });
    child.on('close', (code, signal) => {
      settle();
      resolve({ code, signal });
    });
    onStart(child);
  });
}

/** Ends this process the way the child ended. */
export function endAs({ code, signal }) {
  if (signal === null) process.exit(code);
  process.kill(process.pid, signal);
}

function forward(child, signal) {
  // Ctrl-C reaches every process of the terminal's foreground group by itself: sent again, it
  // would look like an impatient second Ctrl-C.
  if (signal === 'SIGINT' && process.stdin.isTTY) return;
  child.kill(signal);
}
