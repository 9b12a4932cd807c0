// Which node a key is best asked of: the first of its slot's preference list that seemed alive when
// the map was read (CLUSTER SLOTS). An old map costs a hop, never a wrong answer.

import { type Address, joinAddress, SLOT_COUNT } from '../base/ids.ts';
import { slotOf } from '../ring/slot.ts';
import type { RespValue } from './reply-parser.ts';

export class SlotMap {
  readonly addresses: readonly Address[];
  /** By slot: place in `addresses`, plus 1; 0: nobody. */
  readonly #owners = new Uint16Array(SLOT_COUNT);

  /** `reply`: of CLUSTER SLOTS. Rows of another shape are left out. */
  constructor(reply: RespValue) {
    const addresses: Address[] = [];
    for (const row of Array.isArray(reply) ? reply : []) {
      const [from, to, [host, port] = []] = row as [number, number, [Buffer?, number?]?];
      if (host === undefined || port === undefined) continue;
      const address = joinAddress(String(host), port);
      if (!addresses.includes(address)) addresses.push(address);
      this.#owners.fill(addresses.indexOf(address) + 1, from, to + 1);
    }
    this.addresses = addresses;
  }

  /** Undefined where the slot has no node alive. */
  ownerOf(key: Buffer): Address | undefined {
    return this.addresses[(this.#owners[slotOf(key)] as number) - 1];
  }
}
