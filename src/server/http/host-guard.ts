// Against DNS rebinding: a web page whose name is made to point at this node could, as a page of
// the same origin, read and write everything. Its requests carry that name as their Host; ours
// carry an address or `localhost`. Reverse proxies give the address that they forward to, or are
// told to. And against pages that send a form to this node: browsers say where it comes from.

import { isIP } from 'node:net';
import { ProblemError } from './problem.ts';

/** What is wrong with the Host of a request; undefined when nothing is. */
export function foreignHost(header: string | undefined): ProblemError | undefined {
  const name = (header ?? '').replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  if (name === 'localhost' || isIP(name) !== 0) return undefined;
  return new ProblemError({
    status: 421,
    code: 'FOREIGN_HOST',
    message: `"${header ?? ''}" is not how this node is called`,
    fix: 'Call it by its address or as localhost; a proxy must send that as the Host.',
  });
}

/** What is wrong with a request that changes something and needs no headers of ours. */
export function foreignOrigin(header: string | undefined): ProblemError | undefined {
  if (header === undefined) return undefined;
  const fix = 'Send it with kvorum repair, curl or a program: nothing that says its origin.';
  const message = `a page of ${header} may not do this`;
  return new ProblemError({ status: 403, code: 'FOREIGN_ORIGIN', message, fix });
}
