// The first frame in either direction of a connection between nodes:
//
//   "KVRM" | u16 format | text: the address on which the sender listens
//
// The one who dials sends it first; the one who accepts answers with its own. Neither waits for
// the other before it sends on, so a connection costs no extra round trip; a stranger (another
// service on that port, a node of another format) is found out and left at its first frame.
// Every future format keeps this one frame as it is.

import { ByteReader, ByteWriter, badBytes } from '../base/bytes.ts';
import { type Address, asAddress } from '../base/ids.ts';
import { frameOf } from './frame-stream.ts';

const MAGIC = Buffer.from('KVRM');
const FORMAT = 1;

/** Of its payload: the longest name of a host has 255 bytes. */
export const PREAMBLE_BYTES_MAX = 300;

/** The whole frame, ready to be written to a socket. */
export function preambleOf(sender: Address): Buffer {
  const writer = new ByteWriter(64);
  writer.raw(MAGIC);
  writer.u16(FORMAT);
  writer.text(sender);
  return frameOf(writer.view());
}

/** The address of the sender; throws BAD_BYTES or BAD_OPTION when this is no node of our kind. */
export function readPreamble(frame: Buffer): Address {
  const reader = new ByteReader(frame);
  if (!reader.raw(MAGIC.length).equals(MAGIC)) throw badBytes('no Kvorum node speaks here');
  const format = reader.u16();
  if (format !== FORMAT) throw badBytes(`the peer speaks format ${format}, not ${FORMAT}`);
  const sender = asAddress(reader.text());
  reader.end();
  return sender;
}
