// Values that a keyspace of a running cluster holds, to try a merge function on: nobody else knows
// what an application stores.

import { connect } from '../client/kvorum-client.ts';
import { durationMs } from './duration.ts';
import { addressIn } from './key-command.ts';

export interface StoredFlags {
  /** Name or number. */
  readonly keyspace: string;
  readonly url: string;
  readonly timeout: string;
}

/** All pairs of them are tried: see sample-values.ts. */
const VALUES_MAX = 60;

/** Of as many keys as it takes, siblings included. Rejects as the client does. */
export async function storedValues({ keyspace, url, timeout }: StoredFlags): Promise<Buffer[]> {
  const timeoutMs = durationMs(timeout, '--timeout');
  const client = await connect({ nodes: [addressIn(url)], keyspace, timeoutMs });
  const values: Buffer[] = [];
  try {
    for await (const key of client.keys()) {
      values.push(...(await client.get(key)).values);
      if (values.length >= VALUES_MAX) break;
    }
  } finally {
    await client.close();
  }
  return values;
}
