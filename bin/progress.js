// Says on standard error that something long is going on: one line that rewrites itself on a
// terminal, a plain line now and then elsewhere. Standard output stays free for results.

const TERMINAL_MS = 250;
const PLAIN_MS = 10_000;

/**
 * Shows `title`, the elapsed seconds and what `describe()` says, until the returned function is
 * called; that one leaves `title` and its argument as the last word.
 */
export function showProgress(title, describe) {
  const startedAt = Date.now();
  const isTerminal = process.stderr.isTTY === true;
  const draw = () => {
    const seconds = Math.round((Date.now() - startedAt) / 1000);
    const line = `${title}: ${describe()} (${seconds} s)`;
    process.stderr.write(isTerminal ? `\r\x1b[K${line.slice(0, columns())}` : `${line}\n`);
  };
  draw();
  const timer = setInterval(draw, isTerminal ? TERMINAL_MS : PLAIN_MS);
  return (lastWord) => {
    clearInterval(timer);
    const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
    const start = isTerminal ? '\r\x1b[K' : '';
    process.stderr.write(`${start}${title}: ${lastWord} (${seconds} s)\n`);
  };
}

function columns() {
  return (process.stderr.columns ?? 80) - 1;
}
