// The checksum of a TCP segment in an Ethernet frame, as its receiver wants it. A kernel leaves it
// to the network card, and a tunnel to a program has none: RFC 9293, section 3.1, and RFC 1071.
//
//   14 bytes Ethernet │ 20 … 60 bytes IPv4 │ TCP: … 16 checksum …

const ETHERNET_BYTES = 14;
const IPV4 = 0x0800;
const TCP = 6;
const CHECKSUM_AT = 16;

/** Writes it into `frame`; one that holds no whole TCP segment over IPv4 stays as it is. */
export function sealTcp(frame: Buffer): void {
  if (frame.length < ETHERNET_BYTES + 20 || frame.readUInt16BE(12) !== IPV4) return;
  if (frame[ETHERNET_BYTES + 9] !== TCP) return;
  const tcpAt = ETHERNET_BYTES + 4 * ((frame[ETHERNET_BYTES] as number) & 15);
  const end = ETHERNET_BYTES + frame.readUInt16BE(ETHERNET_BYTES + 2);
  if (end > frame.length || tcpAt + CHECKSUM_AT + 2 > end) return;
  frame.writeUInt16BE(0, tcpAt + CHECKSUM_AT);
  // The pseudo header: both addresses, the protocol and the length.
  const pseudo = sumOf(frame, ETHERNET_BYTES + 12, ETHERNET_BYTES + 20) + TCP + (end - tcpAt);
  frame.writeUInt16BE(~folded(pseudo + sumOf(frame, tcpAt, end)) & 0xffff, tcpAt + CHECKSUM_AT);
}

/** Of 16-bit words; a last byte alone counts as the upper half of one. */
function sumOf(bytes: Buffer, from: number, end: number): number {
  let sum = 0;
  for (let at = from; at < end - 1; at += 2) {
    sum += ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
  }
  return (end - from) % 2 === 0 ? sum : sum + ((bytes[end - 1] as number) << 8);
}

function folded(sum: number): number {
  let rest = sum;
  while (rest > 0xffff) rest = (rest & 0xffff) + Math.floor(rest / 0x10000);
  return rest;
}
