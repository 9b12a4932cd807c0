// Clusters that are broken on purpose. Each must be caught by the oracle that it is named for, or
// the oracle is worth nothing. The product has no switch for this: a saboteur stands between the
// node and its host, or a client does not do what it writes down.

import { ByteReader, ByteWriter } from '../src/base/bytes.ts';
import { type Address, SLOT_COUNT, type Slot } from '../src/base/ids.ts';
import { EMPTY_VECTOR } from '../src/causality/version-vector.ts';
import type { DiskFile, Endpoint, Host, Receiver } from '../src/host/host.ts';
import {
  type Message,
  readHeader,
  readMessage,
  setTime,
  writeHeader,
  writeMessage,
} from '../src/node/wire.ts';
import { decodeManifest, encodeManifest, MANIFEST_NAME } from '../src/storage/tables/manifest.ts';
import { LATEST, type Saboteur } from './cluster.ts';
import type { ScenarioOptions } from './scenario.ts';
import { onlyWeather } from './weather/weather.ts';

/** A memtable that is never full: what was flushed no lie about the log can lose. */
const UNFLUSHED = { memtableBytesMax: 256 * 1024, blockCacheBytes: 4 * 1024 };

/** What a monotonic clock says at most when a node of a run starts for the first time. */
const FIRST_START_MS_MAX = 13_000;

export interface Canary {
  readonly name: string;
  /** A finding that matches it is what the oracle must say. */
  readonly caughtAs: RegExp;
  readonly options: ScenarioOptions;
}

export const CANARIES: readonly Canary[] = [
  {
    name: 'a disk that confirms syncs and does not sync',
    caughtAs: /^lost:/,
    options: { saboteur: lyingDisk, storage: UNFLUSHED, weather: onlyWeather('hasPowerCuts') },
  },
  {
    name: 'a disk that confirms syncs and does not sync, looked at when it does',
    caughtAs: /^dishonest:/,
    options: { saboteur: lyingDisk, storage: UNFLUSHED, weather: onlyWeather() },
  },
  {
    name: 'a replica that keeps nothing of what it is sent',
    caughtAs: /^differs:/,
    options: { saboteur: onlyOn('n2', (host) => tampering(host, { hear: emptied })) },
  },
  {
    name: 'a fallback that keeps copies and forgets for whom',
    caughtAs: /^left behind:/,
    options: { saboteur: (host) => tampering(host, { hear: unaddressed }) },
  },
  {
    name: 'a fallback that keeps copies and forgets for whom, looked at when it counts',
    caughtAs: /^unaccounted:/,
    options: { saboteur: (host) => tampering(host, { hear: unaddressed }) },
  },
  {
    name: 'coordinators that never know how a write ended',
    caughtAs: /^not served:/,
    options: { saboteur: (host) => tampering(host, { say: unsure }) },
  },
  {
    name: 'nodes that find everything the same',
    caughtAs: /^differs:/,
    options: { saboteur: (host) => tampering(host, { hear: contented }) },
  },
  {
    name: 'a node that takes no copies',
    caughtAs: /^undelivered:/,
    options: { saboteur: onlyOn('n1', (host) => tampering(host, { hear: unwilling })) },
  },
  {
    name: 'a cluster that never gets to the end of a round',
    caughtAs: /^not forgotten:/,
    options: { saboteur: (host) => tampering(host, { hear: unopened }) },
  },
  {
    name: 'a client that claims contexts and sends none: false siblings',
    caughtAs: /^false siblings:/,
    options: { sends: () => [] },
  },
  {
    name: 'a client that claims contexts and sends none: what it replaced stands',
    caughtAs: /^came back:/,
    options: { sends: () => [] },
  },
  {
    name: 'a disk that forgets a table',
    caughtAs: /^forgotten:/,
    options: { saboteur: onlyOn('n1', forgetful) },
  },
  {
    name: 'nodes that say that they have nothing',
    caughtAs: /^stale:/,
    options: { saboteur: (host) => tampering(host, { say: empty }) },
  },
  {
    name: 'a disk that confirms syncs and does not sync, looked at when somebody reads',
    caughtAs: /^premature:/,
    options: { saboteur: lyingDisk, storage: UNFLUSHED, weather: onlyWeather('hasClogs') },
  },
  {
    name: 'a node whose counts do not follow its keys',
    caughtAs: /^miscounted:/,
    options: { saboteur: onlyOn('n1', boasting) },
  },
  {
    name: 'a client that claims a session and hands nothing back',
    caughtAs: /^session:/,
    options: { after: () => undefined },
  },
  {
    name: 'a coordinator that denies what it did',
    caughtAs: /^phantom:/,
    options: { saboteur: (host) => tampering(host, { say: denied }) },
  },
];

function onlyOn(name: string, saboteur: (host: Host) => Host): Saboteur {
  return (host, node) => (node === name ? saboteur(host) : host);
}

/**
 * What is appended to a log after its first sync (its header) goes nowhere, in the first life of a
 * node: a log that had lost its end after a clean close would not open again.
 */
function lyingDisk(host: Host): Host {
  if (host.clock.monotonicMs() > FIRST_START_MS_MAX) return host;
  return withFiles(host, 'log', (file) => {
    let lostBytes = 0;
    let isPastHeader = file.size() > 0;
    return {
      size: () => file.size() + lostBytes,
      append: async (bytes) => {
        if (!isPastHeader) return file.append(bytes);
        lostBytes += bytes.length;
      },
      writeThrough: async (bytes, offset) => {
        lostBytes = Math.max(lostBytes, offset + bytes.length - file.size());
      },
      sync: async () => {
        isPastHeader = true;
        return file.sync();
      },
    };
  });
}

/** Every manifest says of one slot that it holds a key more. */
function boasting(host: Host): Host {
  return withFiles(host, MANIFEST_NAME, (file) => ({
    append: (bytes) => {
      const manifest = decodeManifest(bytes);
      const summary = manifest.summary.copy();
      summary.counts.grow({ keyspace: LATEST, slot: 0 as Slot }, 1);
      return file.append(encodeManifest({ ...manifest, summary }));
    },
  }));
}

/** Every manifest leaves out a table that it should name. */
function forgetful(host: Host): Host {
  return withFiles(host, MANIFEST_NAME, (file) => ({
    append: (bytes) => {
      const manifest = decodeManifest(bytes);
      return file.append(encodeManifest({ ...manifest, tables: manifest.tables.slice(1) }));
    },
  }));
}

/** Files whose name begins with `prefix` do something of what they do in another way. */
function withFiles(
  host: Host,
  prefix: string,
  otherwise: (file: DiskFile) => Partial<DiskFile>,
): Host {
  const { disk } = host;
  const opened = (file: DiskFile): DiskFile => {
    if (!file.name.startsWith(prefix)) return file;
    return delegating(file, otherwise(file));
  };
  const create = async (name: string) => opened(await disk.create(name));
  const open = async (name: string) => opened(await disk.open(name));
  return { ...host, disk: delegating(disk, { create, open }) };
}

/** `whole` with some of its methods replaced. */
function delegating<T extends object>(whole: T, replaced: Partial<T>): T {
  return new Proxy(whole, {
    get(target, name) {
      if (name in replaced) return Reflect.get(replaced, name);
      const member = Reflect.get(target, name, target);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

interface Tampering {
  readonly hear?: (message: Message) => Message;
  readonly say?: (message: Message) => Message;
}

/** A node whose frames are changed as they come in or go out. */
function tampering(host: Host, { hear, say }: Tampering): Host {
  const heard = (receiver: Receiver): Receiver => ({
    onFrame: (frame) => receiver.onFrame(changed(frame, hear)),
    onLost: (peer) => receiver.onLost(peer),
  });
  const spoken = (endpoint: Endpoint): Endpoint => ({
    address: endpoint.address,
    send: (to, frame) => endpoint.send(to, changed(Buffer.from(frame), say)),
    close: () => endpoint.close(),
  });
  return {
    ...host,
    network: {
      open: async (address, receiver) => spoken(await host.network.open(address, heard(receiver))),
    },
  };
}

function changed(frame: Buffer, change: ((message: Message) => Message) | undefined): Buffer {
  if (change === undefined) return frame;
  const r = new ByteReader(frame);
  const w = new ByteWriter();
  const header = readHeader(r);
  writeHeader(w, header);
  setTime(w, header.time);
  while (r.left > 0) writeMessage(w, change(readMessage(r)));
  return w.copy();
}

/** What it should store it stores under another key, and so acknowledges without keeping it. */
function emptied(message: Message): Message {
  if (message.kind !== 'request' || message.request.kind !== 'store-copy') return message;
  const key = Buffer.from('elsewhere');
  return { ...message, request: { ...message.request, key } };
}

function empty(message: Message): Message {
  if (message.kind !== 'reply' || message.reply.kind !== 'version') return message;
  return { ...message, reply: { kind: 'version', version: undefined } };
}

function unaddressed(message: Message): Message {
  if (message.kind !== 'request' || message.request.kind !== 'store-hint') return message;
  return { ...message, request: { ...message.request, kind: 'store-copy' } };
}

function unopened(message: Message): Message {
  if (message.kind !== 'request' || message.request.kind !== 'open-round') return message;
  const { keyspace } = message.request;
  const slots = Buffer.alloc(SLOT_COUNT / 8);
  return { ...message, request: { kind: 'count-keys', keyspace, slots } };
}

/** A node whose absent keys say nothing to others: for reaping.test.ts. */
export function oblivious(host: Host): Host {
  return tampering(host, { say: floorless });
}

function floorless(message: Message): Message {
  if (message.kind !== 'reply') return message;
  const { reply } = message;
  if (reply.kind === 'version' && reply.version?.siblings.length === 0) {
    return { ...message, reply: { ...reply, version: undefined } };
  }
  return message;
}

/** A node that never says that it is being refilled: for refill.test.ts. */
export function proud(host: Host): Host {
  return tampering(host, { say: trusted });
}

function trusted(message: Message): Message {
  if (message.kind !== 'reply' || message.reply.kind !== 'version') return message;
  const { kind, version } = message.reply;
  return { ...message, reply: { kind, version } };
}

/** Keeps all that a node is told, to tell it once more, much later and in a later life. */
export class Echo {
  readonly #frames: Buffer[] = [];
  #receiver: Receiver | undefined;
  readonly saboteur = (host: Host): Host => {
    const heard = (receiver: Receiver): Receiver => ({
      onFrame: (frame) => {
        this.#frames.push(Buffer.from(frame));
        receiver.onFrame(frame);
      },
      onLost: (peer) => receiver.onLost(peer),
    });
    const open = (address: Address, receiver: Receiver) => {
      this.#receiver = receiver;
      return host.network.open(address, heard(receiver));
    };
    return { ...host, network: { open } };
  };

  resound(): void {
    for (const frame of this.#frames.splice(0)) this.#receiver?.onFrame(frame);
  }
}

function contented(message: Message): Message {
  if (message.kind !== 'reply' || message.reply.kind !== 'digests') return message;
  return { ...message, reply: { kind: 'digests', nodes: [] } };
}

/** It tells what it has. */
function unwilling(message: Message): Message {
  if (message.kind !== 'request' || message.request.kind !== 'store-copy') return message;
  const { keyspace, slot, key } = message.request;
  return { ...message, request: { kind: 'read-version', keyspace, slot, key } };
}

/** A coordinator to whom every copy seems to be what it sent: for pruning.test.ts. */
export function credulous(host: Host): Host {
  return tampering(host, { hear: agreed });
}

/** Whoever stored a copy seems to have nothing else. */
function agreed(message: Message): Message {
  if (message.kind !== 'reply' || message.reply.kind !== 'stored') return message;
  return { ...message, reply: { kind: 'stored', context: EMPTY_VECTOR } };
}

function unsure(message: Message): Message {
  if (message.kind !== 'reply' || message.reply.kind !== 'wrote') return message;
  const outcome = { kind: 'indeterminate', needed: 2, got: 1 } as const;
  return { ...message, reply: { kind: 'wrote', outcome } };
}

function denied(message: Message): Message {
  if (message.kind !== 'reply' || message.reply.kind !== 'wrote') return message;
  if (message.reply.outcome.kind !== 'ok') return message;
  return {
    ...message,
    reply: { kind: 'wrote', outcome: { kind: 'not-applied', needed: 2, got: 1 } },
  };
}
