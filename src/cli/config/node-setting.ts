// The settings of one node, each under one name in three spellings: the flag `--node-id`, the
// variable `KVORUM_NODE_ID`, the key `node-id` of the configuration file. A flag wins over the
// environment, that over the file, that over the default; `from` remembers who won, so that an
// error can point at the place where the value stands.

import { KvorumError } from '../../base/errors.ts';
import { didYouMean } from './nearest-name.ts';

export const NODE_SETTINGS = [
  'node-id',
  'data',
  'listen',
  'http',
  'peer',
  'cluster',
  'cluster-name',
  'host',
  'rack',
  'dc',
  'capacity',
  'memory',
  'disk-reserve',
  'scrub-period',
  'anti-entropy',
  'redirect',
  'gossip',
  'log-level',
  'insecure-no-auth',
] as const;

export type SettingName = (typeof NODE_SETTINGS)[number];

export interface Setting {
  readonly value: string;
  /** Where it stands, as its writer would say: `--data`, `KVORUM_DATA`, `"data" in a.toml`. */
  readonly from: string;
}

export type Settings = ReadonlyMap<SettingName, Setting>;

/** Variables that other commands read. */
const OTHER_VARIABLES = ['KVORUM_CONFIG', 'KVORUM_URL', 'KVORUM_HTTP_URL'];

/**
 * Kubernetes describes a service named `kvorum` to every pod of its namespace in variables such
 * as KVORUM_SERVICE_HOST=10.0.0.1 and KVORUM_PORT=tcp://10.0.0.1:7001: no settings of ours.
 */
const SERVICE_LINK =
  /^KVORUM_(\w+_)?(SERVICE_(HOST|PORT)\w*=|PORT_\d+_(TCP|UDP|SCTP)\w*=|PORT=(tcp|udp|sctp):)/;

export function badOption(message: string, fix: string, cause?: unknown): KvorumError {
  return new KvorumError('BAD_OPTION', message, fix, cause);
}

export function variableOf(name: SettingName): string {
  return `KVORUM_${name.toUpperCase().replaceAll('-', '_')}`;
}

/** `flags` as commander hands them over: camel case, absent where not given. */
export function settingsFromFlags(flags: Readonly<Record<string, unknown>>): Settings {
  const settings = new Map<SettingName, Setting>();
  for (const name of NODE_SETTINGS) {
    const value = flags[name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())];
    if (value !== undefined) settings.set(name, { value: String(value), from: `--${name}` });
  }
  return settings;
}

/** Throws BAD_OPTION for a KVORUM_ variable that nothing reads. */
export function settingsFromEnvironment(environment: NodeJS.ProcessEnv): Settings {
  const settings = new Map<SettingName, Setting>();
  const byVariable = new Map(NODE_SETTINGS.map((name) => [variableOf(name), name]));
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.startsWith('KVORUM_') || value === undefined) continue;
    const name = byVariable.get(variable);
    if (name !== undefined) settings.set(name, { value, from: variable });
    else if (!OTHER_VARIABLES.includes(variable) && !SERVICE_LINK.test(`${variable}=${value}`)) {
      const known = [...byVariable.keys(), ...OTHER_VARIABLES];
      const fix = `${didYouMean(variable, known)} Unset it if it is not meant for Kvorum.`;
      throw badOption(`there is no setting ${variable} (in the environment)`, fix);
    }
  }
  return settings;
}

/** Earlier sources win. */
export function mergedSettings(...sources: readonly Settings[]): Settings {
  return new Map(sources.toReversed().flatMap((source) => [...source]));
}
