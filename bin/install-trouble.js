// Why `npm ci` failed, in words that help: npm's last lines, the probable reason, what to do.

const LINES_MAX = 20;

// The first pattern that matches what npm printed wins.
const REASONS = [
  {
    pattern: /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|ETIMEDOUT|network request/,
    why: 'this machine is offline, or cannot reach the package registry that npm is set to.',
    fix: 'check the connection and npm config get registry, proxy, https-proxy; then run it again.',
  },
  {
    pattern: /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER/,
    why: 'npm does not trust the certificate of its registry; a proxy may be in between.',
    fix: 'point npm at the certificate: npm config set cafile FILE; then run it again.',
  },
  {
    pattern: /\bE40[13]\b/,
    why: 'the registry that npm is set to refused access.',
    fix: 'check npm config get registry, and npm login if it wants one; then run it again.',
  },
  {
    pattern: /\bE404\b|ETARGET|notarget/,
    why: 'the registry that npm is set to lacks one of the packages.',
    fix: 'check npm config get registry: an incomplete mirror would do this; then run it again.',
  },
  {
    pattern: /ENOSPC/,
    why: 'the disk is full.',
    fix: 'make about 500 MB of room, then run it again.',
  },
  {
    pattern: /EACCES|EPERM|EROFS/,
    why: 'this user may not write here; an earlier run as another user would explain it.',
    fix: 'take ownership of this directory (and of npm config get cache), then run it again.',
  },
  {
    pattern: /EUSAGE|not in sync/,
    why: 'package.json and package-lock.json disagree.',
    fix: 'run  npm install  once, and commit the lock file.',
  },
  {
    pattern: /EINTEGRITY/,
    why: 'a package is not what the lock file says: a damaged cache or a tampering mirror.',
    fix: 'run  npm cache clean --force  and try again; if it persists, trust nothing it sends.',
  },
];

const UNKNOWN = {
  why: 'not known to this script; see what npm printed above.',
  fix: 'run  npm ci  by hand to see all of it.',
};

const NO_NPM = {
  why: 'there is no npm on the PATH.',
  fix: 'install Node.js with npm (any version >= 18), then run it again.',
};

/** `startError`: npm could not even be started. */
export function explain(output, startError) {
  const lines = output.trimEnd().split('\n').slice(-LINES_MAX);
  const quoted = lines.map((line) => `  | ${line}`).join('\n');
  const { why, fix } = startError === undefined ? reasonFor(output) : NO_NPM;
  return `npm ci failed.\n${quoted}\n  Why:        ${why}\n  What to do: ${fix}`;
}

function reasonFor(output) {
  return REASONS.find(({ pattern }) => pattern.test(output)) ?? UNKNOWN;
}
