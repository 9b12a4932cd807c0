// What a table says of itself, at its end. The bytes are drawn in sstable-format.ts.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { ByteReader, ByteWriter, badBytes } from '../../base/bytes.ts';
import type { TableFile } from '../table-info.ts';
import { decodeUses, encodeUses } from '../values/value-use.ts';

export interface TableProperties extends Omit<TableFile, 'number' | 'bytes'> {
  /** Of keys, and of values and pointers, before prefix coding and compression. */
  readonly rawBytes: number;
}

export function encodeProperties(properties: TableProperties): Buffer {
  const writer = new ByteWriter(128);
  writer.varint(properties.entries);
  writer.varint(properties.removals);
  writer.varint(properties.sequenceMin);
  writer.varint(properties.sequenceMax);
  writer.bytes(properties.firstKey);
  writer.bytes(properties.lastKey);
  writer.varint(properties.rawBytes);
  encodeUses(writer, properties.values);
  return writer.view();
}

/** Throws BAD_BYTES. */
export function decodeProperties(payload: Buffer): TableProperties {
  const reader = new ByteReader(payload);
  const properties = {
    entries: reader.varint(),
    removals: reader.varint(),
    sequenceMin: reader.varint(),
    sequenceMax: reader.varint(),
    firstKey: Buffer.from(reader.bytes()),
    lastKey: Buffer.from(reader.bytes()),
    rawBytes: reader.varint(),
    values: decodeUses(reader),
  };
  reader.end();
  if (properties.firstKey.compare(properties.lastKey) > 0) throw badBytes('the keys descend');
  return properties;
}
