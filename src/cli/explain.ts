// `kvorum explain KEY`: what each replica has of a key, and why a read answers what it does.

import type { Command } from 'commander';
import type { Explanation } from '../node/store.ts';
import { explanationText } from '../server/explanation-text.ts';
import { addHttpOptions, fetchJson, type HttpFlags } from './http-command.ts';
import { printData, printJson } from './output.ts';

const HELP = `
Examples:
  $ kvorum explain greeting
  slot 2357, keyspace default (rule latest)
  n1: has n1/28383045:4; knows writes up to n1/28383045:4
  n2: has n1/28383045:4; knows writes up to n1/28383045:4
  n3 (down): does not answer
  n1/28383045:4: a read answers with it (written 2026-11-25T12:10:46.105Z; on n1, n2)
  hints: the node that was asked brings it to n3, when back
  the replicas differ: they are being brought level

A write is named by its node, that node's incarnation, and a counter.
KVORUM_HTTP_URL stands for --url.`;

interface ExplainFlags extends HttpFlags {
  readonly keyspace: string;
}

export function defineExplain(command: Command): void {
  addHttpOptions(command)
    .argument('<key>')
    .option('--keyspace <name>', 'name or number of its keyspace', 'default')
    .addHelpText('after', HELP)
    .action(async (key: string, flags: ExplainFlags) => {
      const path = `/v1/keyspaces/${encodeURIComponent(flags.keyspace)}/keys`;
      const url = `${path}/${encodeURIComponent(key)}/explanation`;
      const explanation = (await fetchJson(flags, url)) as Explanation;
      if (flags.json) printJson(explanation);
      else printData(`${explanationText(explanation)}\n`);
    });
}
