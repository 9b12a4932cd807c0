// The body of a 300: all siblings of a key, the newest first. JSON by default, where values that
// are not UTF-8 are given in base64; multipart/mixed for whoever asks for it, where every part is
// the bytes of one value.

import { isUtf8 } from 'node:buffer';
import type { LiveValue } from '../../../node/store.ts';

export interface SiblingJson {
  readonly value: string;
  readonly encoding: 'utf8' | 'base64';
  /** Milliseconds since 1970; null: never. */
  readonly expiresAt: number | null;
}

export interface TextJson {
  readonly text: string;
  readonly encoding: 'utf8' | 'base64';
}

export function textOf(bytes: Buffer): TextJson {
  if (isUtf8(bytes)) return { text: bytes.toString('utf8'), encoding: 'utf8' };
  return { text: bytes.toString('base64'), encoding: 'base64' };
}

export function siblingJson({ value, expiresAt }: LiveValue): SiblingJson {
  const { text, encoding } = textOf(value);
  return { value: text, encoding, expiresAt: expiresAt === 0 ? null : expiresAt };
}

/** `boundary` stands in none of the values. */
export function multipartOf(values: readonly LiveValue[], boundary: string): Buffer {
  const parts = values.flatMap(({ value, expiresAt }) => {
    const expiry = expiresAt === 0 ? '' : `X-Kvorum-Expires: ${expiresAt}\r\n`;
    const head = `--${boundary}\r\nContent-Type: application/octet-stream\r\n${expiry}\r\n`;
    return [Buffer.from(head), value, Buffer.from('\r\n')];
  });
  return Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)]);
}

/** A boundary that no value contains. */
export function boundaryFor(values: readonly LiveValue[]): string {
  let boundary = 'kvorum-sibling';
  while (values.some(({ value }) => value.includes(boundary))) boundary += '-';
  return boundary;
}
