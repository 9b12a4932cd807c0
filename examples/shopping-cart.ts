// A shopping cart that survives a partition: two browsers of one customer put something into the
// same cart at the same time, each through another node, and neither item is lost.
//
//   npm start                                       # in another terminal
//   node bin/run.js examples/shopping-cart.ts
//
// A cart is a set of items in the keyspace `siblings`. Whoever reads two carts that do not know of
// each other sees both, and update() writes their union.

import { connect, type KvorumClient } from 'kvorum/client';

const CART = `cart:${Date.now()}`;

async function main(): Promise<void> {
  const phone = await connect({ nodes: ['127.0.0.1:7001'], keyspace: 'siblings' });
  const laptop = await connect({ nodes: ['127.0.0.1:7002'], keyspace: 'siblings' });
  try {
    // Both have seen the empty cart; as on two sides of a partition, neither sees what follows.
    const { context } = await phone.get(CART);
    await phone.put(CART, JSON.stringify(['milk']), { context });
    await laptop.put(CART, JSON.stringify(['eggs']), { context });

    const { values } = await phone.get(CART);
    console.log('both carts are there:', values.map(String).join(' and '));

    await add(laptop, 'bread');
    const { values: merged } = await phone.get(CART);
    console.log('after the next change there is one:', merged.map(String).join(' and '));
  } finally {
    await Promise.all([phone.close(), laptop.close()]);
  }
}

/** Adds to whatever is in the cart, in all of its siblings. */
async function add(client: KvorumClient, item: string): Promise<void> {
  await client.update(CART, (carts) => {
    const items = new Set(carts.flatMap((cart): string[] => JSON.parse(String(cart))));
    return JSON.stringify([...items.add(item)].sort());
  });
}

await main();
