// What may stand in a configuration file, as a JSON Schema. The keys are those of the flags.
//
//   node-id = "n1"                       [[members]]                 [[keyspaces]]
//   data = "/var/lib/kvorum"             name = "n1"                 number = 0
//   cluster-name = "shop"                listen = "10.0.0.1:7001"    name = "default"
//   memory = "2gb"                       rack = "a"                  preset = "quorum"
//                                                                  ttl = "30d"
//   disk-reserve = "5%"
//   scrub-period = "7d"

import Type, { type Static } from 'typebox';
import { LEVEL_NAMES, type LevelName } from '../../node/store.ts';
import {
  COPIES_MAX,
  KEYSPACE_NUMBER_MAX,
  PRESETS,
  type Preset,
} from '../../replication/keyspace.ts';

const Text = Type.String({ minLength: 1 });
const Count = Type.Integer({ minimum: 1 });
const Copies = Type.Integer({ minimum: 1, maximum: COPIES_MAX });
/** In all, or in each data center by its name. */
const Placement = Type.Union([Copies, Type.Record(Type.String(), Copies)]);
const Level = Type.Union([Copies, Type.Enum([...LEVEL_NAMES] as LevelName[])]);

const MemberSchema = Type.Object(
  {
    name: Text,
    listen: Text,
    http: Type.Optional(Text),
    peer: Type.Optional(Text),
    host: Type.Optional(Text),
    rack: Type.Optional(Text),
    dc: Type.Optional(Text),
    capacity: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
  },
  { additionalProperties: false },
);

const KeyspaceSchema = Type.Object(
  {
    number: Type.Integer({ minimum: 0, maximum: KEYSPACE_NUMBER_MAX }),
    name: Text,
    preset: Type.Optional(Type.Enum(Object.keys(PRESETS) as Preset[])),
    n: Type.Optional(Placement),
    r: Type.Optional(Level),
    w: Type.Optional(Level),
    'conflict-rule': Type.Optional(Type.Enum(['latest', 'siblings', 'merge'])),
    merge: Type.Optional(Text),
    'merge-limit': Type.Optional(Text),
    quorum: Type.Optional(Type.Enum(['sloppy', 'strict'])),
    durability: Type.Optional(Type.Enum(['fsync', 'interval'])),
    ttl: Type.Optional(Text),
    'siblings-warned': Type.Optional(Count),
    'siblings-max': Type.Optional(Count),
    'object-max': Type.Optional(Text),
  },
  { additionalProperties: false },
);

export const ConfigSchema = Type.Object(
  {
    'node-id': Type.Optional(Text),
    data: Type.Optional(Text),
    listen: Type.Optional(Text),
    http: Type.Optional(Text),
    peer: Type.Optional(Text),
    cluster: Type.Optional(Text),
    'cluster-name': Type.Optional(Text),
    host: Type.Optional(Text),
    rack: Type.Optional(Text),
    dc: Type.Optional(Text),
    capacity: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
    memory: Type.Optional(Text),
    'disk-reserve': Type.Optional(Text),
    gossip: Type.Optional(Type.Enum(['loopback', 'lan', 'wan'])),
    'scrub-period': Type.Optional(Text),
    'anti-entropy': Type.Optional(Text),
    redirect: Type.Optional(Type.Enum(['auto', 'moved', 'forward'])),
    'log-level': Type.Optional(Type.Enum(['info', 'warn', 'error', 'silent'])),
    'insecure-no-auth': Type.Optional(Type.Boolean()),
    members: Type.Optional(Type.Array(MemberSchema, { minItems: 1 })),
    keyspaces: Type.Optional(Type.Array(KeyspaceSchema)),
  },
  { additionalProperties: false },
);

export type ConfigFile = Static<typeof ConfigSchema>;
export type MemberTable = Static<typeof MemberSchema>;
export type KeyspaceTable = Static<typeof KeyspaceSchema>;
