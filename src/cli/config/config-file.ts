// Reads a configuration file: TOML, checked against the schema. A key that is not known is an
// error with the nearest one that is: a setting that is silently ignored is worse than none.
//
// Loaded only when a file is given, because the schema library takes a tenth of a second.

import { readFileSync } from 'node:fs';
import { parse } from 'smol-toml';
import { Value } from 'typebox/value';
import { KvorumError, messageOf } from '../../base/errors.ts';
import { type ConfigFile, ConfigSchema } from './config-schema.ts';
import { didYouMean } from './nearest-name.ts';
import { badOption } from './node-setting.ts';

/** The parts of a JSON Schema that a key can be looked up in. */
interface SchemaNode {
  readonly properties?: object;
  readonly items?: object;
}

/** Throws BAD_OPTION, or IO_ERROR when the file cannot be read. */
export function readConfigFile(path: string): ConfigFile {
  const config = parseToml(path, readText(path));
  refuseUnknownKeys(path, config, ConfigSchema, '');
  const [error] = Value.Errors(ConfigSchema, config);
  if (error === undefined) return config as ConfigFile;
  const place = placeOf(error.instancePath);
  const allowed = allowedValues(error.params);
  const must = allowed === undefined ? error.message : `must be one of: ${allowed.join(', ')}`;
  const missing = missingKeys(error.params);
  if (missing !== undefined) {
    const where = place === '' ? path : `${place} of ${path}`;
    throw badOption(`${where} lacks ${missing.join(', ')}`, `Add it: ${missing[0]} = …`);
  }
  throw badOption(`${place} in ${path} ${must}`, 'Correct the value in the file.');
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const why = `cannot read the configuration file ${path}: ${messageOf(error)}`;
    throw new KvorumError('IO_ERROR', why, 'Check the path given with --config.', error);
  }
}

function parseToml(path: string, text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    const [first = ''] = messageOf(error).split('\n');
    const line = error instanceof Error && 'line' in error ? `, line ${error.line}` : '';
    const fix = 'Correct the line; strings stand in quotes, tables in [brackets].';
    throw badOption(`${path} is not TOML${line}: ${first}`, fix, error);
  }
}

function refuseUnknownKeys(path: string, value: unknown, schema: SchemaNode, place: string): void {
  if (Array.isArray(value) && schema.items !== undefined) {
    for (const [index, item] of value.entries()) {
      refuseUnknownKeys(path, item, schema.items, `${place}[${index}]`);
    }
    return;
  }
  const { properties } = schema;
  if (properties === undefined || typeof value !== 'object' || value === null) return;
  for (const [key, child] of Object.entries(value)) {
    const known = Object.entries(properties).find(([name]) => name === key)?.[1];
    const fullKey = place === '' ? key : `${place}.${key}`;
    if (known === undefined) {
      const fix = didYouMean(key, Object.keys(properties));
      throw badOption(`unknown key "${fullKey}" in ${path}`, fix);
    }
    refuseUnknownKeys(path, child, known, fullKey);
  }
}

/** `/members/2/capacity` as people write it: `members[2].capacity`. */
function placeOf(instancePath: string): string {
  return instancePath
    .slice(1)
    .replaceAll(/\/(\d+)/g, '[$1]')
    .replaceAll('/', '.');
}

function allowedValues(params: object): readonly unknown[] | undefined {
  return 'allowedValues' in params ? (params.allowedValues as unknown[]) : undefined;
}

function missingKeys(params: object): readonly string[] | undefined {
  return 'requiredProperties' in params ? (params.requiredProperties as string[]) : undefined;
}
